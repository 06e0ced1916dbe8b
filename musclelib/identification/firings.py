"""Firings out of a twitch train, and how far two lists of firings agree."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import uniform_filter1d

WINDOW = 0.0275
"""Running average before maxima are sought [s] (paper 2: 11 frames at 400 Hz)."""


def firings(train: np.ndarray, frame_rate: float) -> np.ndarray:
    """Return the times of the maxima above 0 of a smoothed twitch train [s].

    Parameters
    ----------
    train : numpy.ndarray
        `(time,)`, of any unit; contraction is positive.
    frame_rate : float
        Frames a second [Hz].
    """
    frames = max(1, 2 * math.floor(WINDOW * frame_rate / 2) + 1)  # odd, so that nothing is shifted
    smooth = uniform_filter1d(np.asarray(train, np.float64), frames, mode="nearest")
    inner = smooth[1:-1]
    # of a flat top the first frame counts
    peaks = np.flatnonzero((inner > smooth[:-2]) & (inner >= smooth[2:]) & (inner > 0)) + 1
    return peaks / frame_rate
