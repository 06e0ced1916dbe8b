"""A small cross-section, a small probe, and a stand-in for the tissue's motion."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from musclelib.acquisition import L14_5
from musclelib.simulator.echo import EchoFrames, EchoParameters, sample_scatterers


@dataclass(frozen=True, eq=False)
class StandIn:
    gain: np.ndarray
    signal: np.ndarray
    depth: np.ndarray
    lateral: np.ndarray
    rate: float = 2000.0

    def gain_at(self, points):
        return RegularGridInterpolator((self.depth, self.lateral), self.gain.transpose(1, 2, 0))(
            points
        ).T


DEPTH, LATERAL = np.linspace(0, 20, 101), np.linspace(-5, 5, 101)


@pytest.fixture(scope="session")
def motion_of():
    """A unit of 3 mm radius in fascicles with gains of 0.7 and 1.3, and the whole at half."""
    z, x = np.meshgrid(DEPTH, LATERAL, indexing="ij")
    fascicles = np.where((z // 2 + x // 2) % 2, 0.7, 1.3)
    gain = np.stack([fascicles * (np.hypot(z - 10, x) < 3), np.full(z.shape, 0.5)]).astype(
        np.float32
    )

    def build(signal, rate=2000.0):
        return StandIn(gain, np.asarray(signal, np.float32), DEPTH, LATERAL, rate)

    return build


@pytest.fixture(scope="session")
def probe():
    return replace(L14_5, element_count=32)


@pytest.fixture
def swing():
    """Signals of the two sources, 10 um at 20 Hz and 4 um at 13 Hz, a quarter of a second."""
    time = np.arange(500) / 2000
    return np.stack([10 * np.sin(2 * np.pi * 20 * time), 4 * np.sin(2 * np.pi * 13 * time + 1)])


@pytest.fixture(scope="session")
def pixels(probe):
    return np.arange(1, 19, 0.15), probe.element_positions


@pytest.fixture(scope="session")
def make(motion_of, probe, pixels):
    """Return echoes of signals, with parameters changed."""

    def build(signal, *, seed=0, index=0, recording=probe, rows=pixels[0], **changes):
        parameters = EchoParameters(**({"snr": None, "correlation": 1.0} | changes))
        scatterers = sample_scatterers(parameters, recording, DEPTH, LATERAL, seed, index)
        motion, columns = motion_of(signal, recording.prf), recording.element_positions
        return EchoFrames(motion, scatterers, recording, rows, columns, parameters, seed, index)

    return build
