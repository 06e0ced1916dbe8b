"""Rate of agreement of two lists of firing times."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

TOLERANCE = 0.015
"""Largest interval between two firings that match [s] (paper 2)."""


class FiringAgreement(NamedTuple):
    """Agreement of found with true firings (paper 2, equation 1)."""

    rate: float  # c / (c + A + B), the rate of agreement; NaN without any firing
    matched: int  # c: number of matched firings
    missed: int  # A: number of true firings without a match
    extra: int  # B: number of found firings without a match
    error: float  # SD of the differences in time of matched firings [s]; NaN without matches
    lag: float  # mean of these differences, positive where found firings are later [s]


def agreement(true: np.ndarray, found: np.ndarray, tolerance: float = TOLERANCE) -> FiringAgreement:
    """Match as many firings as possible one to one, and count them.

    Source: paper 2, section III-C and Fig. 11.

    Parameters
    ----------
    true, found : numpy.ndarray
        Firing times [s], in any order.
    tolerance : float
        Largest difference in time of a match [s].

    Returns
    -------
    FiringAgreement
        The counts, their rate of agreement, and the error in time.

    Examples
    --------
    >>> import numpy as np
    >>> from musclelib.metrics import agreement
    >>> found = agreement(np.array([0.10, 0.21, 0.30]), np.array([0.105, 0.30, 0.42]))
    >>> found.matched, found.missed, found.extra, found.rate
    (2, 1, 1, 0.5)
    """
    first, second = np.sort(true), np.sort(found)
    differences = []
    i = j = 0
    # with one tolerance for all firings, matching the earliest pair never costs another match
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
