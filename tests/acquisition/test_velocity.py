from dataclasses import replace

import numpy as np
import pymust
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.acquisition import Gate, Recording, coherence, displacement

RECORDING = Recording(
    centre_frequency=5e6, sampling_rate=20e6, element_count=32, pitch=0.3, prf=2000.0
)
DEPTH = np.arange(128) * 0.1
GATE = Gate(length=1.0, hop=0.4)


def _moved(speckle, phases):
    return speckle * np.exp(1j * np.asarray(phases))[:, None, None]


def _tone(frequency, away):
    """Two frames `(2, depth, lateral)` of an echo of one frequency [Hz] that moves away [mm]."""
    k = 4e-3 * np.pi * frequency / RECORDING.sound_speed
    place = DEPTH - np.array([[0.0], [away]])
    return (np.exp(1j * (k * place - RECORDING.axial_wavenumber * DEPTH)))[..., None].astype(
        np.complex64
    )


@pytest.mark.parametrize("frequency", [4.2e6, 5e6, 5.6e6])
@pytest.mark.parametrize("away", [0.01, -0.03])
def test_a_known_motion_at_any_frequency_of_the_band(frequency, away):
    # Positive is towards the probe; the fast-time lag finds the frequency that the echo really has.
    found = displacement(_tone(frequency, away), DEPTH, RECORDING, GATE)
    np.testing.assert_allclose(found, -1e3 * away, rtol=1e-3)


def test_a_known_phase_gives_a_known_displacement():
    constant = np.ones((128, 3), np.complex64)
    found = displacement(_moved(constant, [0, 0.5]), DEPTH, RECORDING, GATE)
    # c phi / (4 pi fc) [um]
    np.testing.assert_allclose(found, 0.5 * 1540e6 / (4 * np.pi * 5e6), rtol=1e-5)


@given(phase=st.floats(-3, 3), size=st.floats(0.01, 100), turn=st.floats(-3, 3))
def test_complex_gain_changes_nothing_and_reversed_time_the_sign(phase, size, turn):
    rng = np.random.default_rng(5)
    frames = _moved(rng.normal(size=(128, 2)) + 1j * rng.normal(size=(128, 2)), [0, phase])
    found = displacement(frames, DEPTH, RECORDING, GATE)
    gained = displacement(size * np.exp(1j * turn) * frames, DEPTH, RECORDING, GATE)
    np.testing.assert_allclose(gained, found, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(
        displacement(frames[::-1], DEPTH, RECORDING, GATE), -found, rtol=1e-3, atol=1e-3
    )


def test_more_than_half_a_turn_wraps(speckle):
    found = displacement(_moved(speckle, [0, np.pi + 0.2]), DEPTH, RECORDING, GATE)
    wanted = displacement(_moved(speckle, [0, 0.2 - np.pi]), DEPTH, RECORDING, GATE)
    np.testing.assert_allclose(found, wanted, rtol=1e-3)
    assert (found < 0).all()


def test_noise_cannot_push_the_frequency_out_of_the_band():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(20, 128, 8)) + 1j * rng.normal(size=(20, 128, 8))
    limit = 1e3 * np.pi / (RECORDING.axial_wavenumber * (1 - RECORDING.bandwidth / 2))
    assert np.abs(displacement(noise, DEPTH, RECORDING, GATE)).max() <= limit * (1 + 1e-5)


def test_ensemble_averages_before_the_angle(speckle):
    rng = np.random.default_rng(4)
    steps = _moved(speckle, 0.3 * np.arange(201))
    noise = rng.normal(size=steps.shape) + 1j * rng.normal(size=steps.shape)
    noisy = steps + noise * np.abs(speckle).mean()
    single = displacement(noisy, DEPTH, RECORDING, GATE)
    many = displacement(noisy, DEPTH, RECORDING, replace(GATE, ensemble=20))
    assert many.shape[0] == 201 - 20
    assert many.std() < 0.5 * single.std()


def test_agrees_with_pymust_where_only_slow_time_counts():
    # A constant along depth has no fast-time phase, so both reduce to the lag-1 autocorrelation at
    # fc.
    phases = np.cumsum(np.random.default_rng(6).normal(0, 0.3, (30, 1, 4)), axis=0)
    frames = np.exp(1j * phases) * np.ones((1, 128, 1))
    param = pymust.utils.Param()
    param.fc, param.c, param.PRF = 5e6, 1540.0, 2000.0
    theirs, _ = pymust.iq2doppler(frames.transpose(1, 2, 0), param)  # [m/s]
    ours = (
        displacement(frames, DEPTH, RECORDING, replace(GATE, ensemble=29))[0] * 1e-3 * RECORDING.prf
    )
    np.testing.assert_allclose(ours, 1e3 * theirs[: len(ours)], rtol=1e-4)


def test_gates_lie_where_they_say():
    weights = GATE.weights(DEPTH)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    assert (np.count_nonzero(weights, axis=1) == 10).all()
    np.testing.assert_allclose(GATE.centres(DEPTH)[:2], [0.45, 0.85], rtol=1e-6)
    assert Gate().weights(np.linspace(0, 40, 512)).shape == (125, 512)


def test_a_gate_sees_nothing_outside_itself(speckle):
    frames = _moved(speckle, [0, 0.4])
    spoiled = frames.copy()
    spoiled[1, 64:] *= np.exp(1j)
    outside = np.flatnonzero(GATE.weights(DEPTH)[:, 64:].sum(axis=1) == 0)
    np.testing.assert_array_equal(
        displacement(spoiled, DEPTH, RECORDING, GATE)[:, outside],
        displacement(frames, DEPTH, RECORDING, GATE)[:, outside],
    )


def test_coherence_of_like_and_unlike_speckle(speckle):
    np.testing.assert_allclose(coherence(_moved(speckle, [0, 1.0]), DEPTH, GATE), 1, rtol=1e-5)
    rng = np.random.default_rng(7)
    unlike = rng.normal(size=(2, 128, 50)) + 1j * rng.normal(size=(2, 128, 50))
    long = Gate(length=12.0)
    assert coherence(unlike, DEPTH, long).mean() < 0.15
    assert (coherence(np.zeros((2, 128, 1), complex), DEPTH, GATE) == 0).all()


def test_wrong_input(speckle):
    with pytest.raises(ValueError, match="complex"):
        displacement(np.zeros((2, 128, 8)), DEPTH, RECORDING)
    with pytest.raises(ValueError, match="needs 2 frames"):
        displacement(speckle[None], DEPTH, RECORDING)
    with pytest.raises(ValueError, match="evenly spaced"):
        displacement(np.stack([speckle] * 2), DEPTH**2, RECORDING)
    with pytest.raises(ValueError, match="takes 500 depths"):
        displacement(np.stack([speckle] * 2), DEPTH, RECORDING, Gate(length=50.0))
