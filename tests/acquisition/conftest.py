"""Echoes for tests: a recording of a rotating disk, and synthetic speckle with a known motion."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from musclelib.acquisition import Recording


@pytest.fixture(scope="session")
def data_folder():
    if "MUSCLELIB_DATA" not in os.environ:
        pytest.skip("MUSCLELIB_DATA does not name a folder of real recordings")
    return Path(os.environ["MUSCLELIB_DATA"])


@pytest.fixture(scope="session")
def disk(data_folder):
    """RF of the rotating disk, (time, fast_time, element), and its recording."""
    rf = scipy.io.loadmat(data_folder / "plane_wave_disk_rf" / "PWI_disk.mat")["RF"].transpose(
        2, 0, 1
    )
    recording = Recording(
        centre_frequency=5e6,
        sampling_rate=20e6 / 3,
        element_count=128,
        pitch=0.298,
        prf=10e3,
        bandwidth=0.15,
        sound_speed=1480.0,
        start_time=9.95e-6,
    )
    return rf, recording


@pytest.fixture
def recording():
    return Recording(
        centre_frequency=5e6, sampling_rate=20e6, element_count=32, pitch=0.3, prf=2000.0
    )


@pytest.fixture
def speckle():
    """Baseband speckle, (depth, lateral) = (128, 8), band-limited along depth; spacing 0.1 mm."""
    return displaced_speckle(np.zeros(1))[0]


@pytest.fixture
def vibration():
    """Speckle moving by 3 um at 20 Hz for 0.6 s at 2 kHz, and its displacement [mm]."""
    towards = 3e-3 * np.sin(2 * np.pi * 20 * np.arange(1200) / 2000)
    return displaced_speckle(towards), towards


def displaced_speckle(towards):
    """Speckle shifted as a whole [mm]: a frequency turns by its wave number, not the carrier's."""
    rng = np.random.default_rng(1)
    # deviation from the carrier [rad/mm]
    wavenumber = 2 * np.pi * np.fft.fftfreq(128, 0.1)[:, None]
    carrier = 4 * np.pi * 5e6 / 1540e3
    spectrum = (rng.normal(size=(128, 8)) + 1j * rng.normal(size=(128, 8))) * np.exp(
        -((wavenumber / 6) ** 2)
    )
    turn = np.exp(1j * (carrier + wavenumber) * np.asarray(towards)[:, None, None])
    return np.fft.ifft(turn * spectrum, axis=1).astype(np.complex64)
