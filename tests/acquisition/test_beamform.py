from dataclasses import replace

import numpy as np
import pymust
import pytest

from musclelib.acquisition import Beamformer, demodulate


def _echo(recording, depth, lateral, samples=700):
    """RF of one scatterer [mm], shape (1, fast_time, element)."""
    angle = np.deg2rad(recording.angle)
    out = depth * np.cos(angle) + lateral * np.sin(angle)
    delay = (out + np.hypot(depth, lateral - recording.element_positions)) / (
        recording.sound_speed * 1e3
    )
    time = recording.start_time + np.arange(samples)[:, None] / recording.sampling_rate - delay
    return (np.exp(-((time / 3e-7) ** 2)) * np.cos(2 * np.pi * recording.centre_frequency * time))[
        None
    ]


@pytest.mark.parametrize("angle", [0.0, 10.0])
def test_a_scatterer_is_imaged_where_it_is(recording, angle):
    recording = replace(recording, angle=angle, start_time=2e-6)
    depth, lateral = np.arange(10, 20, 0.05), np.arange(-3, 3.01, 0.1)
    beamformer = Beamformer(recording, 700, depth, lateral)
    image = np.abs(beamformer(demodulate(_echo(recording, 15.0, 1.0), recording)))[0]
    row, column = np.unravel_index(image.argmax(), image.shape)
    assert depth[row] == pytest.approx(15.0, abs=0.051)
    assert lateral[column] == pytest.approx(1.0, abs=0.101)


@pytest.mark.parametrize("angle", [0.0, 10.0])
def test_moving_away_turns_the_phase_by_the_axial_wavenumber(recording, angle):
    recording = replace(recording, angle=angle, bandwidth=0.9)
    beamformer = Beamformer(recording, 700, [15.0], [0.0], f_number=4.0)
    moved = 0.02
    near, far = (
        beamformer(demodulate(_echo(recording, depth, 0.0), recording))[0, 0, 0]
        for depth in (15.0, 15.0 + moved)
    )
    assert np.angle(far * near.conj()) == pytest.approx(
        -recording.axial_wavenumber * moved, rel=0.02
    )


def test_agrees_with_pymust(recording):
    depth, lateral = np.linspace(5, 20, 31), np.linspace(-4, 4, 9)
    iq = (
        np.random.default_rng(0)
        .normal(size=(2, 600, 32, 2))
        .astype(np.float32)
        .view(np.complex64)[..., 0]
    )
    param = pymust.utils.Param()
    param.fs, param.fc, param.pitch, param.c, param.fnumber = 20e6, 5e6, 0.3e-3, 1540.0, 1.5
    param.Nelements, param.radius, param.t0 = 32, np.inf, np.array([1e-6])
    x, z = np.meshgrid(lateral * 1e-3, depth * 1e-3)
    matrix = pymust.dasmtx(np.array([600 * 1j, 32]), x, z, np.zeros(32), param, "linear").tocsr()
    theirs = (matrix @ iq[1].ravel(order="F")).reshape(x.shape, order="F")
    recording = replace(recording, start_time=1e-6)
    # PyMUST leaves the two-way carrier in the image, and traces the transmitted wave from sampled
    # sources.
    theirs = theirs * np.exp(-1j * recording.axial_wavenumber * depth)[:, None]
    ours = Beamformer(recording, 600, depth, lateral)(iq)[1]
    assert np.abs(ours - theirs).max() < 0.01 * np.abs(theirs).max()


def test_is_linear_and_frames_do_not_mix(recording):
    rng = np.random.default_rng(3)
    iq = (rng.normal(size=(3, 600, 32)) + 1j * rng.normal(size=(3, 600, 32))).astype(np.complex64)
    beamformer = Beamformer(recording, 600, np.linspace(5, 20, 20), np.linspace(-3, 3, 5))
    whole = beamformer(iq)
    np.testing.assert_array_equal(whole[1:2], beamformer(iq[1:2]))
    np.testing.assert_allclose(
        beamformer(iq[:1] + 2j * iq[1:2])[0], whole[0] + 2j * whole[1], atol=1e-4
    )


def test_wrong_input(recording):
    depth, lateral = np.linspace(5, 20, 20), np.linspace(-3, 3, 5)
    with pytest.raises(ValueError, match="f_number"):
        Beamformer(recording, 600, depth, lateral, f_number=0)
    with pytest.raises(ValueError, match="behind the probe"):
        Beamformer(recording, 600, depth - 10, lateral)
    with pytest.raises(ValueError, match=r"depth goes to 1020 mm; the echoes end at 23.02 mm"):
        Beamformer(recording, 600, depth + 1000, lateral)
    with pytest.raises(ValueError, match=r"\(time, 600, 32\)"):
        Beamformer(recording, 600, depth, lateral)(np.zeros((1, 600, 31), complex))
