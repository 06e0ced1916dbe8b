import dataclasses

import numpy as np
import pytest

from musclelib import simulator


@pytest.fixture
def pool():
    """Five units of paper 1's simulator."""
    return simulator.sample_pool(simulator.preset("paper1", units=(5, 5)), 0, 0)


@pytest.fixture
def one_twitch():
    """One unit in the middle of the image that fires once."""
    single = simulator.sample_pool(simulator.preset("paper1", units=(1, 1)), 0, 0)
    return dataclasses.replace(
        single,
        centre=np.array([[20.0, 0.0]]),
        diameter=np.array([5.0]),
        firing_time=np.array([[0.05]]),
        duration_factor=np.ones((1, 1)),
        amplitude_factor=np.ones((1, 1)),
    )
