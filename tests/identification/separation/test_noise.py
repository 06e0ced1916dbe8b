import numpy as np
import pytest

from musclelib import simulator
from musclelib.identification.separation.noise import signal_rank


def simulated(units, snr, index=0):
    parameters = simulator.preset("paper2", units=(units, units), noise_snr=(snr, snr))
    return simulator.simulate(parameters, 3, index), parameters


@pytest.mark.parametrize(("frames", "pixels"), [(400, 4096), (400, 256), (300, 300)])
def test_rank_is_that_of_the_signal(frames, pixels):
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((frames, pixels))
    signal = rng.standard_normal((frames, 7)) @ rng.standard_normal((7, pixels))
    for expected, matrix in ((0, noise), (7, noise + signal)):
        assert signal_rank(np.linalg.svd(matrix, compute_uv=False), frames, pixels) == expected
