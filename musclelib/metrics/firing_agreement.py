"""How well two lists of firing times agree: the rate of agreement."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

TOLERANCE = 0.015
"""Two firings are one if they are no further apart [s] (paper 2)."""


class FiringAgreement(NamedTuple):
    """How two lists of firings agree (paper 2, equation 1)."""

    rate: float  # c / (c + A + B), the rate of agreement; NaN where neither has any
    matched: int  # c
    missed: int  # A: true ones without a match
    extra: int  # B: found ones without a match
    error: float  # SD of the matched firings' difference around its mean [s]; NaN without matches
    lag: float  # its mean, positive: found later [s]


def agreement(true: np.ndarray, found: np.ndarray, tolerance: float = TOLERANCE) -> FiringAgreement:
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
    # with one tolerance for all, the earliest that fits is never a loss
    while i < len(first) and j < len(second):
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
    return FiringAgreement(
        matched / whole if whole else math.nan,
        matched,
        missed,
        extra,
        float(np.std(differences)) if matched else math.nan,
        float(np.mean(differences)) if matched else math.nan,
    )
