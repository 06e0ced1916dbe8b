"""Firing times as the maxima of a smoothed twitch train, as paper 2 takes them."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import uniform_filter1d

WINDOW = 0.0275
"""Length of the running average before maxima are taken [s] (paper 2: 11 frames at 400 Hz)."""


def firings(train: np.ndarray, frame_rate: float) -> np.ndarray:
    """Return the times of the maxima above 0 of a smoothed twitch train [s].

    Parameters
    ----------
    train : numpy.ndarray
        `(time,)`, in any unit; contraction is positive.
    frame_rate : float
        Frame rate [Hz].
    """
    smooth = smoothed(train, frame_rate)
    inner = smooth[1:-1]
    # the first frame of a flat maximum counts
    peaks = np.flatnonzero((inner > smooth[:-2]) & (inner >= smooth[2:]) & (inner > 0)) + 1
    return peaks / frame_rate


def smoothed(train: np.ndarray, frame_rate: float) -> np.ndarray:
    """Return the running average of a twitch train over `WINDOW`, whose maxima are the firings."""
    # an odd number of frames, so that maxima stay in place
    frames = max(1, 2 * math.floor(WINDOW * frame_rate / 2) + 1)
    return uniform_filter1d(np.asarray(train, np.float64), frames, mode="nearest")
