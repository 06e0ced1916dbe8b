"""Pearson correlation of every item of one set with every item of another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musclelib.metrics.arrays import Array, as_sets


def correlation_matrix(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Correlate the rows of two sets.

    Parameters
    ----------
    first, second : numpy.ndarray
        `(n, values)` and `(m, values)`.

    Returns
    -------
    numpy.ndarray
        Pearson correlations `(n, m)`.

    Raises
    ------
    ValueError
        The shapes do not agree, or a row is constant or not finite.
    """
    a, b = as_sets(first, second, 2)
    return np.clip(_unit_rows(a, "first") @ _unit_rows(b, "second").T, -1.0, 1.0)


def _unit_rows(rows: Array, name: str) -> Array:
    if rows.shape[1] < 2:
        raise ValueError(
            f"items of {name} have {rows.shape[1]} value; correlation needs at least 2"
        )
    constant = np.flatnonzero(np.ptp(rows, axis=1) == 0)
    if constant.size:
        raise ValueError(
            f"item {constant[0]} of {name} is constant; its correlation is not defined"
        )
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / np.linalg.norm(centred, axis=1, keepdims=True)
