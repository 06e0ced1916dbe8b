"""How well a method identifies the units of sequences whose truth is known."""

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
from musclelib.metrics.matching import match

_LAG = 0.1  # a firing comes before the peak of its twitch by less than this [s]


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
        What was identified.
    territory : numpy.ndarray
        `(unit, depth, lateral)`, bool.
    twitch_train : numpy.ndarray
        `(unit, time)`.
    firing_time : list of numpy.ndarray
        Of each unit [s].
    frame_rate : float
        Frames a second [Hz].

    Returns
    -------
    dict
        `units`, `found`, `matched`: numbers; `pixel recall`, `pixel precision`, `agreement` (rate
        of agreement of the maxima of both trains, paper 2, equation 1), `correlation` (of trains)
        and `firing error` (SD of the time from a true firing to the maximum it is matched with, the
        unit's mean lag taken off [ms]): means over matched units, NaN without any.
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


def _mean(values: list[float]) -> float:
    """Return the mean of those that are known, NaN where none is."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _lag(firing_time: np.ndarray, peaks: np.ndarray) -> float:
    """Return the median time from a firing to the next peak, of those that have one soon [s]."""
    following = np.searchsorted(peaks, firing_time)
    real = following < len(peaks)
    waits = peaks[following[real]] - firing_time[real]
    waits = waits[waits < _LAG]
    return float(np.median(waits)) if len(waits) else 0.0


def evaluate(
    method: Method, examples: Iterable[xr.Dataset], name: str = "identify"
) -> pd.DataFrame:
    """Identify the units of sequences and compare them with the truth, a row a sequence.

    Parameters
    ----------
    method : Method
        What identifies.
    examples : iterable of xarray.Dataset
        Of one sequence each, with `velocity`, `territory`, `twitch_train`, `firing_time` and
        `unit_count`.
    name : str
        What the progress bar says.

    Returns
    -------
    pandas.DataFrame
        Columns as of `score`, and `seconds`.
    """
    rows = []
    for example in tqdm(examples, unit="seq", desc=name):
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
