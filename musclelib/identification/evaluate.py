"""Compare the identified motor units of sequences with their truth."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr
from tqdm.auto import tqdm

from musclelib import sequences
from musclelib.identification.firings import firings
from musclelib.identification.methods.registry import Method
from musclelib.identification.motor_units import MotorUnits
from musclelib.metrics.firing_agreement import agreement
from musclelib.metrics.intervals import Interval, mean_interval, ratio_interval
from musclelib.metrics.matching import match

_LAG = 0.1  # longest time from a firing to the peak of its twitch [s]


def score(
    units: MotorUnits,
    territory: np.ndarray,
    twitch_train: np.ndarray,
    firing_time: list[np.ndarray],
    frame_rate: float,
) -> dict[str, float]:
    """Compare identified units with the true ones of one sequence.

    Parameters
    ----------
    units : MotorUnits
        The identified units.
    territory : numpy.ndarray
        True territories `(unit, depth, lateral)`, bool.
    twitch_train : numpy.ndarray
        True twitch trains `(unit, time)`.
    firing_time : list of numpy.ndarray
        True firing times of each unit [s].
    frame_rate : float
        Frame rate [Hz].

    Returns
    -------
    dict
        Numbers of true, found and matched units, `units`, `found` and `matched`. Means over matched
        units, NaN without any: `pixel recall`, `pixel precision`, `agreement` (rate of agreement of
        the maxima of both trains, paper 2, equation 1), `correlation` of the trains, and `firing
        error` (SD of the time from a true firing to its matched maximum, without the unit's mean
        lag [ms]).
    """
    pairs = match(territory, units.territory)
    rates, likeness, errors = [], [], []
    for true, found in zip(pairs.true, pairs.found, strict=True):
        own, estimate = twitch_train[true], units.twitch_train[found]
        peaks = firings(estimate, frame_rate)
        rates.append(agreement(firings(own, frame_rate), peaks).rate)
        likeness.append(
            np.corrcoef(own, estimate)[0, 1] if own.std() * estimate.std() > 0 else np.nan
        )
        lag = _lag(firing_time[true], peaks)
        errors.append(1e3 * agreement(firing_time[true] + lag, peaks).error)
    return {
        "units": len(territory),
        "found": len(units.territory),
        "matched": len(pairs.true),
        "pixel recall": pairs.pixel_recall,
        "pixel precision": pairs.pixel_precision,
        "agreement": _mean(rates),
        "correlation": _mean(likeness),
        "firing error": _mean(errors),
    }


def evaluate(
    method: Method, examples: Iterable[xr.Dataset], name: str = "identify"
) -> pd.DataFrame:
    """Identify the units of sequences and compare them with the truth.

    Parameters
    ----------
    method : Method
        The method of identification.
    examples : iterable of xarray.Dataset
        Data sets of one sequence each, with `velocity`, `territory`, `twitch_train`, `firing_time`
        and `unit_count`.
    name : str
        Label of the progress bar.

    Returns
    -------
    pandas.DataFrame
        A row for each sequence, with the columns of `score` and the computing time `seconds`.
    """
    rows = []
    for example in tqdm(examples, unit="seq", desc=name, leave=False):
        one = example.squeeze("sequence").load()
        rate = sequences.frame_rate(one)
        spacing = sequences.pixel_size(one)
        count = int(one.unit_count)
        began = time.perf_counter()
        units = method(one.velocity.values, rate, spacing=spacing)
        seconds = time.perf_counter() - began
        times = [fired[np.isfinite(fired)] for fired in one.firing_time.values[:count]]
        true = one.territory.values[:count].astype(bool), one.twitch_train.values[:count]
        rows.append(score(units, *true, times, rate) | {"seconds": seconds})
    return pd.DataFrame(rows)


def confidence_intervals(table: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return the mean of each measure over sequences, with its bootstrap confidence interval.

    Recall, precision and F score are those of all units together; the bootstrap draws sequences,
    with replacement, for these and for the other measures.

    Parameters
    ----------
    table : pandas.DataFrame
        The table of `evaluate`, or columns of it with `units`, `found` and `matched`.
    level : float
        Confidence level of the interval, above 0 and below 1.

    Returns
    -------
    pandas.DataFrame
        A row for each measure, columns `value`, `low` and `high`.
    """
    units, found, matched = (table[name] for name in ("units", "found", "matched"))
    rows = {
        "recall": ratio_interval(matched, units, level),
        "precision": ratio_interval(matched, found, level),
        "F": ratio_interval(2 * matched, units + found, level),
    }
    for name in table.columns.drop(["units", "found", "matched"]):
        rows[name] = mean_interval(table[name], level)
    return pd.DataFrame.from_dict(rows, orient="index", columns=Interval._fields)


def _mean(values: list[float]) -> float:
    """Return the mean of the finite values, NaN without any."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _lag(firing_time: np.ndarray, peaks: np.ndarray) -> float:
    """Return the median time from a firing to the next peak within `_LAG` [s]."""
    following = np.searchsorted(peaks, firing_time)
    real = following < len(peaks)
    waits = peaks[following[real]] - firing_time[real]
    waits = waits[waits < _LAG]
    return float(np.median(waits)) if len(waits) else 0.0
