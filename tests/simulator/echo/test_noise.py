import numpy as np
import pytest

from musclelib.acquisition import L14_5
from musclelib.simulator.echo import ElectronicNoise

DEPTH, LATERAL = np.arange(5, 25, 0.15), L14_5.element_positions[:64]


@pytest.fixture(scope="module")
def noise():
    return ElectronicNoise(L14_5, DEPTH, LATERAL, 1.5, 0, 0)


def test_power_is_one_everywhere(noise):
    power = np.mean(np.abs(noise(0, 200)) ** 2, axis=0)
    assert power.mean() == pytest.approx(1, abs=0.02)
    assert [
        float(edge.mean()) for edge in (power[0], power[-1], power[:, 0], power[:, -1])
    ] == pytest.approx([1] * 4, abs=0.1)


def test_frames_are_independent_and_made_again_in_any_order(noise):
    frames = noise(0, 6)
    np.testing.assert_array_equal(noise(4, 6), frames[4:])
    assert abs(np.vdot(frames[0], frames[1])) / np.vdot(frames[0], frames[0]).real < 0.1


def test_band_is_that_of_the_probe(noise):
    spectrum = np.mean(
        np.abs(np.fft.fft(noise(0, 100) * np.hanning(DEPTH.size)[:, None], axis=1)) ** 2,
        axis=(0, 2),
    )
    wavenumber = np.abs(2 * np.pi * np.fft.fftfreq(DEPTH.size, 0.15))
    edge = L14_5.bandwidth / 2 * L14_5.axial_wavenumber
    assert (
        spectrum[wavenumber > 1.1 * edge].mean() < 0.01 * spectrum[wavenumber < 0.9 * edge].mean()
    )
    assert spectrum[wavenumber < 0.9 * edge].std() < 0.1 * spectrum[wavenumber < 0.9 * edge].mean()
