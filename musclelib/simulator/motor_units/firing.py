"""Firing of a motor-unit pool: inter-pulse intervals, a refractory period, synchronisation."""

from __future__ import annotations

import numpy as np


def renewal_train(
    rng: np.random.Generator, rate: float, cv: float, refractory: float, start: float, stop: float
) -> np.ndarray:
    """Draw the firing times of one unit between `start` and `stop` [s], without synchronisation.

    Inter-pulse intervals are N(1/rate, (cv/rate)²), never below `refractory`. (Papers 1 and 2 give
    0.2/rate, which is taken as the SD, since the field reports coefficients of variation.) The
    first firing is uniformly distributed within one mean interval after `start`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    rate : float
        Mean firing rate [Hz].
    cv : float
        Coefficient of variation of the intervals.
    refractory, start, stop : float
        Shortest interval, and first and last time [s].
    """
    most = int((stop - start) * rate * 2) + 10
    intervals = np.maximum(rng.normal(1 / rate, cv / rate, most), refractory)
    times = start + rng.uniform(0, 1 / rate) + np.concatenate([[0.0], np.cumsum(intervals)])
    while times[-1] < stop:  # only after many short intervals in a row
        times = np.append(times, times[-1] + max(rng.normal(1 / rate, cv / rate), refractory))
    return times[times < stop]


def synchronise(
    rng: np.random.Generator,
    trains: list[np.ndarray],
    share: np.ndarray,
    jitter: float,
    refractory: float,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Make a share of each unit's firings coincide with a firing of another unit.

    A firing is moved to the nearest firing of a random other unit, with a difference of N(0,
    jitter²), and both count as synchronised. The number of firings and the refractory period are
    kept; a move that would violate the period is not made. The papers give only the share; the
    procedure is a choice of this project.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    trains : list of numpy.ndarray
        Sorted firing times of each unit [s].
    share : numpy.ndarray
        Wanted share of synchronised firings `(unit,)`; a fraction of a firing is rounded at random,
        which keeps the mean.
    jitter, refractory : float
        SD of the difference of two synchronised firings, and shortest interval [s].

    Returns
    -------
    trains, synchronised : list of numpy.ndarray
        The sorted firing times and, in the same shapes, flags of those that are synchronised.
    """
    # numbers of firings to synchronise; their sum is even, since they come in pairs, by one firing
    # more or less at random, which keeps the mean
    trains = [train.copy() for train in trains]
    flags = [np.zeros(len(train), bool) for train in trains]
    lengths = np.array([len(train) for train in trains])
    quota = np.floor(share * lengths + rng.uniform(size=len(trains))).astype(int)
    if quota.sum() % 2:
        quota[rng.integers(len(trains))] += rng.choice((-1, 1))

    attempts = 20 * max(int(quota.sum()), 0)  # a dense pool may not reach its share
    while attempts and np.count_nonzero(quota > 0) > 1:
        attempts -= 1
        # the unit with the largest remainder comes first, so that none is left without a partner
        unit = rng.choice(np.flatnonzero(quota == quota.max()))
        other = rng.choice(np.flatnonzero((quota > 0) & (np.arange(len(trains)) != unit)))
        free, free_other = np.flatnonzero(~flags[unit]), np.flatnonzero(~flags[other])
        if not (len(free) and len(free_other)):
            continue

        # move one of its firings to the nearest free firing of the other unit, if that keeps the
        # refractory period
        firing = rng.choice(free)
        partner = free_other[np.argmin(np.abs(trains[other][free_other] - trains[unit][firing]))]
        moved = trains[other][partner] + rng.normal(0, jitter)
        before = trains[unit][firing - 1] if firing > 0 else -np.inf
        after = trains[unit][firing + 1] if firing + 1 < len(trains[unit]) else np.inf
        if before + refractory <= moved <= after - refractory:
            trains[unit][firing] = moved
            flags[unit][firing] = flags[other][partner] = True
            quota[[unit, other]] -= 1
    return trains, flags


def pad(rows: list[np.ndarray], width: int, fill: float | bool) -> np.ndarray:
    """Stack rows of different lengths to `(row, width)`, padded at the end."""
    out = np.full((len(rows), width), fill)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return out


def firing_statistics(firing_time: np.ndarray, synchronised: np.ndarray) -> dict[str, np.ndarray]:
    """Measure the realised firing rate, variability and synchronisation of each unit.

    Parameters
    ----------
    firing_time : numpy.ndarray
        `(unit, firing)` [s], padded with NaN.
    synchronised : numpy.ndarray
        `(unit, firing)` bool.

    Returns
    -------
    dict
        `firing_rate` [Hz], `interval_cv` and `synchronisation`, each `(unit,)`; NaN for a unit
        without two intervals.
    """
    intervals = np.diff(firing_time, axis=1)
    count = np.sum(np.isfinite(firing_time), axis=1)
    enough = count > 2
    mean = np.full(len(firing_time), np.nan)
    deviation, share = mean.copy(), mean.copy()
    mean[enough] = np.nanmean(intervals[enough], axis=1)
    deviation[enough] = np.nanstd(intervals[enough], axis=1, ddof=1)
    share[enough] = (synchronised & np.isfinite(firing_time))[enough].sum(axis=1) / count[enough]
    return {"firing_rate": 1 / mean, "interval_cv": deviation / mean, "synchronisation": share}
