"""Means and ratios over repeats, with their bootstrap confidence intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musclelib.streams import Purpose, stream

_DRAWS = 2000


class Interval(NamedTuple):
    """A value with the bounds of its confidence interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


def ratio_interval(above: npt.ArrayLike, below: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return the ratio of two sums over repeats, with its confidence interval.

    The bootstrap draws repeats with replacement, the same ones at every call with as many repeats;
    the bounds are percentiles of the ratios of the draws.

    Parameters
    ----------
    above, below : numpy.ndarray
        Summands of the numerator and of the denominator, `(repeat,)`.
    level : float
        Confidence level, above 0 and below 1.

    Returns
    -------
    Interval
        Bounds are of the draws whose denominator is above 0, the value is NaN without such.

    Raises
    ------
    ValueError
        The arrays are empty, differ in shape or hold a value that is not finite, or the level is
        out of range.
    """
    over, under = np.asarray(above, float), np.asarray(below, float)
    if over.ndim != 1 or over.shape != under.shape or not over.size:
        raise ValueError(f"repeats have shapes {over.shape} and {under.shape}; (n,) is needed")
    if not np.isfinite([over, under]).all():
        raise ValueError("a repeat is not finite")
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: allowed is above 0 and below 1")
    draws = stream(Purpose.BOOTSTRAP, 0).integers(len(over), size=(_DRAWS, len(over)))
    sums = under[draws].sum(axis=1)
    drawn = over[draws].sum(axis=1)[sums > 0] / sums[sums > 0]
    if not len(drawn):
        return Interval(np.nan, np.nan, np.nan)
    value = over.sum() / under.sum() if under.sum() > 0 else np.nan
    low, high = np.quantile(drawn, ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(value), float(low), float(high))


def mean_interval(values: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return the mean of the finite values over repeats, with its confidence interval.

    `values` is `(repeat,)`; the rest is as in `ratio_interval`.
    """
    values = np.asarray(values, float)
    known = np.isfinite(values)
    return ratio_interval(np.where(known, values, 0), known, level)
