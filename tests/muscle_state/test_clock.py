from __future__ import annotations

import numpy as np

from musclelib.muscle_state.clock import clock_frames


def test_the_clock_takes_the_nearest_frames_each_once():
    time = np.array([0, 0.016, 0.033, 0.049, 0.066, 0.082, 0.2, 0.21])
    # ticks at 0, 0.04, 0.08, 0.12, 0.16, 0.2
    assert clock_frames(time).tolist() == [0, 2, 5, 6]
    assert clock_frames(np.arange(100) / 25).tolist() == list(range(100))
