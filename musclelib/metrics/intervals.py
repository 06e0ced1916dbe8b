"""Means over sequences with their bootstrap confidence intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from musclelib.streams import Purpose, stream


def confidence_intervals(table: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return the mean of each measure over sequences, with its bootstrap confidence interval.

    Recall, precision and F score are those of all units together; the bootstrap draws sequences,
    with replacement, for these and for the other measures.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each sequence: the numbers `units`, `found` and `matched`, and further measures.
        See `musclelib.identification.evaluate`.
    level : float
        Confidence level of the interval, 0 to 1.

    Returns
    -------
    pandas.DataFrame
        A row for each measure, columns `value`, `low` and `high`.
    """
    draws = stream(Purpose.BOOTSTRAP, 0).integers(len(table), size=(2000, len(table)))

    def ratio(above: np.ndarray, below: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the ratio of two sums over the sequences, and over those of each draw."""
        sums = [(values.sum(), values[draws].sum(axis=1)) for values in (above, below)]
        (over, drawn_over), (under, drawn_under) = sums
        nothing = np.full(len(draws), np.nan)
        drawn = np.divide(drawn_over, drawn_under, out=nothing, where=drawn_under > 0)
        return (float(over / under) if under > 0 else float("nan")), drawn

    units, found, matched = (table[name].to_numpy(float) for name in ("units", "found", "matched"))
    rows = {
        "recall": ratio(matched, units),
        "precision": ratio(matched, found),
        "F": ratio(2 * matched, units + found),
    }
    for name in table.columns.drop(["units", "found", "matched"]):
        values = table[name].to_numpy(float)
        known = np.isfinite(values)
        rows[name] = ratio(np.where(known, values, 0), known.astype(float))
    tails = (1 - level) / 2, (1 + level) / 2
    return pd.DataFrame(
        {
            name: (
                value,
                *(np.nanquantile(drawn, tails) if np.isfinite(drawn).any() else (np.nan, np.nan)),
            )
            for name, (value, drawn) in rows.items()
        },
        index=["value", "low", "high"],
    ).T
