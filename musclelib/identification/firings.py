"""Firings out of a twitch train, and how far two lists of firings agree."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

TOLERANCE = 0.015
"""Two firings are one if they are no further apart [s] (paper 2)."""

WINDOW = 0.0275
"""Running average before maxima are sought [s] (paper 2: 11 frames at 400 Hz)."""


class Agreement(NamedTuple):
    """How two lists of firings agree (paper 2, equation 1)."""

    rate: float  # c / (c + A + B), the rate of agreement; NaN where neither has any
    matched: int  # c
    missed: int  # A: true ones without a match
    extra: int  # B: found ones without a match
    error: float  # SD of the matched firings' difference around its mean [s]; NaN without matches
    lag: float  # its mean, positive: found later [s]


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


def agreement(true: np.ndarray, found: np.ndarray, tolerance: float = TOLERANCE) -> Agreement:
    """Match firings one to one, as many as can be, and count (paper 2, section III-C and Fig. 11).

    Parameters
    ----------
    true, found : numpy.ndarray
        Times [s], in any order.
    tolerance : float
        Largest distance of a match [s].
    """
    first, second = np.sort(true), np.sort(found)
    differences = []
    i = j = 0
    while i < len(first) and j < len(second):  # with one tolerance for all, the earliest that fits is never a loss
        difference = second[j] - first[i]
        if abs(difference) <= tolerance + 1e-9:
            differences.append(difference)
            i, j = i + 1, j + 1
        elif difference < 0:
            j += 1
        else:
            i += 1
    matched = len(differences)
    missed, extra = len(first) - matched, len(second) - matched
    whole = matched + missed + extra
    return Agreement(
        matched / whole if whole else math.nan,
        matched,
        missed,
        extra,
        float(np.std(differences)) if matched else math.nan,
        float(np.mean(differences)) if matched else math.nan,
    )
