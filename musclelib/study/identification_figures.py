"""Figures and tables of identified motor units and their truth, after paper 2, Figs. 4 to 11."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from musclelib import sequences
from musclelib.identification.evaluate import confidence_intervals
from musclelib.identification.firings import firings, smoothed
from musclelib.metrics.firing_agreement import TOLERANCE, FiringAgreement, agreement
from musclelib.metrics.matching import match
from musclelib.study.figures import CYCLE, DASHES
from musclelib.study.maps import outline

MEASURES = {
    "recall": "Recall",
    "precision": "Precision",
    "F": "F score",
    "pixel recall": "Pixel recall",
    "pixel precision": "Pixel precision",
    "agreement": "Rate of agreement",
    "firing error": "Firing error [ms]",
    "seconds": "Seconds a sequence",
}
"""Titles of the measures of `evaluate` and `confidence_intervals`."""

_COUNTED = ["units", "found", "matched"]
_PER_SEQUENCE = ["pixel recall", "pixel precision", "agreement", "firing error", "seconds"]


def intervals(part: pd.DataFrame) -> pd.DataFrame:
    """Return the 95 % confidence intervals of the measures in a table with those of `evaluate`."""
    return confidence_intervals(part[[*_COUNTED, *part.columns.intersection(_PER_SEQUENCE)]])


def interval_table(
    table: pd.DataFrame, by: Sequence[str], measures: Sequence[str] = tuple(MEASURES)
) -> pd.DataFrame:
    """Tabulate measures with their 95 % confidence intervals, a row for each group of sequences.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each sequence, as from `evaluate`, with the columns that name its group.
    by : sequence of str
        Columns that name the group, joined by commas in the index.
    measures : sequence of str
        Some of `MEASURES`.

    Returns
    -------
    pandas.DataFrame
        Texts such as "0.92 (0.85 to 0.97)", without an interval for a single sequence, and –
        where nothing was matched; columns `Units` and `Found` are sums over the sequences.
    """
    rows = {}
    for names, part in table.groupby(list(by), sort=False):
        numbers = intervals(part)
        form = "{:.2f} ({:.2f} to {:.2f})" if len(part) > 1 else "{:.2f}"
        texts = {
            MEASURES[key]: "–" if np.isnan(numbers.value[key]) else form.format(*numbers.loc[key])
            for key in measures
        }
        row = {"Units": part["units"].sum(), "Found": part["found"].sum()} | texts
        rows[", ".join(map(str, names))] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def measures_over_units(table: pd.DataFrame, measures: Sequence[str]) -> Figure:
    """Draw measures against the number of motor units, a row for each, a line for each method.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each sequence, as from `evaluate`, with columns `method` and `noise`.
    measures : sequence of str
        Some of `MEASURES`, all between 0 and 1.
    """
    methods, levels = (list(table[name].unique()) for name in ("method", "noise"))
    counts = sorted(table["units"].unique())
    found = {group: intervals(part) for group, part in table.groupby(["method", "noise", "units"])}
    figure, axes = plt.subplots(
        len(measures),
        len(levels),
        figsize=(3.4 * len(levels), 2.9 * len(measures)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for (row, column), axis in np.ndenumerate(axes):
        for number, name in enumerate(methods):
            values = [found[name, levels[column], count].loc[measures[row]] for count in counts]
            beside = 0.3 * (number - (len(methods) - 1) / 2)  # so that no bar hides another
            _line(axis, np.add(counts, beside), np.array(values), number, name)
        axis.set(ylim=(0, 1.05), xticks=counts)
        axis.spines[["top", "right"]].set_visible(False)
    for column, noise in enumerate(levels):
        axes[0, column].set_title("no noise" if noise == "none" else f"noise, {noise}")
        axes[-1, column].set_xlabel("Motor units")
    for row, measure in enumerate(measures):
        axes[row, 0].set_ylabel(MEASURES[measure])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure


def example(one: xr.Dataset, title: str) -> Figure:
    """Draw true and identified territories of one sequence and, beside them, the twitch trains.

    A number and a colour mean the same unit in all three; identified units that match none have
    higher numbers.

    Parameters
    ----------
    one : xarray.Dataset
        `spread` `(depth, lateral)`, the SD of velocity; `territory` `(unit, depth, lateral)` and
        `twitch_train` `(unit, time)` of the true units; `found_territory` and `found_train` of the
        identified ones, `(found, ...)`.
    title : str
        Heading of the identified territories.
    """
    pairs = match(one.territory.values, one.found_territory.values)
    false = np.setdiff1d(np.arange(one.sizes["found"]), pairs.found)
    count = one.sizes["unit"]
    masks = np.zeros((count + len(false), *one.spread.shape), bool)
    masks[pairs.true] = one.found_territory.values[pairs.found]
    masks[count:] = one.found_territory.values[false]
    figure, axes = plt.subplots(
        1, 3, figsize=(14, max(4.2, 0.36 * count)), width_ratios=(1, 1, 1.5), layout="constrained"
    )
    _territories(axes[0], one, one.territory.values, "True")
    _territories(axes[1], one, masks, title)
    _trains(axes[2], one, dict(zip(pairs.true, pairs.found, strict=True)))
    return figure


def agreements(one: xr.Dataset) -> dict[tuple[int, int], FiringAgreement]:
    """Return the agreement of firings of true and identified trains, by matched pair of units.

    The data set is as for `example`.
    """
    rate = sequences.frame_rate(one)
    pairs = match(one.territory.values, one.found_territory.values)
    return {
        (true, found): agreement(
            firings(one.twitch_train.values[true], rate),
            firings(one.found_train.values[found], rate),
        )
        for true, found in zip(pairs.true.tolist(), pairs.found.tolist(), strict=True)
    }


def agreement_explained(one: xr.Dataset, true: int, found: int) -> Figure:
    """Draw what the rate of agreement counts, for a true unit and the matched one.

    As paper 2, Fig. 11, for one second at most: both twitch trains, dotted, and smoothed as for the
    reading of firings; vertical lines at the firings, upwards for the true train; and bars of the
    tolerance. The data set is as for `example`.
    """
    rate, time = sequences.frame_rate(one), one.time.values
    figure, axis = plt.subplots(figsize=(9, 3.4), layout="constrained")
    trains = {"true": one.twitch_train.values[true], "identified": one.found_train.values[found]}
    for (name, train), colour, end in zip(
        trains.items(), ("black", CYCLE[1]), (1.7, -1.7), strict=True
    ):
        smooth = smoothed(train, rate)
        size = np.abs(smooth).max()
        axis.plot(time, train / size, color=colour, ls=":", lw=1, label=f"{name}, not smoothed")
        axis.plot(time, smooth / size, color=colour, lw=1.6, label=f"{name}, smoothed")
        fired = firings(train, rate) + time[0]
        axis.vlines(fired, min(end, 0), max(end, 0), color=colour, linewidth=1.1)
        if name == "true":
            axis.hlines(
                np.full(len(fired), 1.55), fired - TOLERANCE, fired + TOLERANCE, color=colour, lw=4
            )
    axis.axhline(0, color="grey", linewidth=0.5)
    axis.set(xlabel="Time (s)", ylabel="Velocity (largest value)", ylim=(-1.75, 1.75))
    axis.set(xlim=(time[0], min(time[-1], time[0] + 1)))
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _line(axis: Axes, counts: np.ndarray, values: np.ndarray, number: int, name: str) -> None:
    """Draw the line of a method, `values` being value, low and high for each count."""
    axis.errorbar(
        counts,
        values[:, 0],
        np.abs(values[:, 1:] - values[:, :1]).T,
        color=CYCLE[number % len(CYCLE)],
        linestyle=DASHES[number % len(DASHES)],
        marker="osD^v"[number % 5],
        markersize=4,
        linewidth=1.3,
        capsize=2,
        label=name,
    )


def _territories(axis: Axes, one: xr.Dataset, masks: np.ndarray, title: str) -> None:
    """Draw numbered outlines of territories over the SD of velocity."""
    lateral, depth = one["lateral"].values, one["depth"].values
    extent = lateral[0], lateral[-1], depth[-1], depth[0]
    limit = 1.6 * float(one.spread.max())  # so pale that outlines and numbers stay legible
    axis.imshow(one.spread, cmap="gray_r", vmin=0, vmax=limit, extent=extent)
    outline(axis, xr.DataArray(masks, one.spread.coords, ("unit", "depth", "lateral")))
    axis.set(title=title, xlabel="Lateral (mm)", ylabel="Depth (mm)")


def _trains(axis: Axes, one: xr.Dataset, matched: dict[int, int]) -> None:
    """Draw true trains dotted and identified ones in colour, each pair on the true one's scale."""
    time = one.time.values
    for number, own in enumerate(one.twitch_train.values):
        size = 2.2 * np.abs(own).max()
        axis.plot(time, own / size - number, color="black", linestyle=":", linewidth=1.4)
        if number in matched:
            estimate = one.found_train.values[matched[number]] / size - number
            axis.plot(time, estimate, color=CYCLE[number % 6], linewidth=1.2)
    count = one.sizes["unit"]
    axis.set(xlabel="Time (s)", xlim=(time[0], min(time[-1], time[0] + 1)), title="Twitch trains")
    axis.set_yticks(-np.arange(count), [f"unit {number + 1}" for number in range(count)])
    axis.spines[["top", "right"]].set_visible(False)
