"""The frames of a video that are nearest to the clock of the simulated trials."""

from __future__ import annotations

import numpy as np

from musclelib.simulator.longitudinal import FRAME_RATE


def clock_frames(time: np.ndarray) -> np.ndarray:
    """Return the places of the frames that are nearest to a clock of 25 Hz, each once.

    Parameters
    ----------
    time : numpy.ndarray
        Times of frames, in ascending order [s].
    """
    ticks = time[0] + np.arange(int(np.ptp(time) * FRAME_RATE + 1e-6) + 1) / FRAME_RATE
    after = np.searchsorted(time, ticks).clip(0, len(time) - 1)
    before = (after - 1).clip(0)
    nearer = ticks - time[before] < time[after] - ticks
    return np.unique(np.where(nearer, before, after))
