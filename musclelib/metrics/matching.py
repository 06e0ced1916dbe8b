"""Found territories against true ones: who is who, and how well."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

IOU = 0.5
"""A territory is found where the intersection over union exceeds this (paper 2)."""


class Matching(NamedTuple):
    """Which found territory is which true one, and what follows (paper 2, section III-B)."""

    true: np.ndarray  # numbers of the matched true units, (pair,)
    found: np.ndarray  # numbers of their found territories, (pair,)
    recall: float  # share of true units that were found; NaN without true units
    precision: float  # share of found ones that are true; NaN where none was found
    # share of a matched unit's pixels that were found, mean over pairs; NaN without pairs
    pixel_recall: float
    pixel_precision: float  # share of found pixels that are the unit's, likewise


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over union of every pair of masks; two empty ones have 0.

    Parameters
    ----------
    first, second : numpy.ndarray
        Masks `(unit, depth, lateral)`, bool.

    Returns
    -------
    numpy.ndarray
        `(unit of first, unit of second)`, 0 to 1.
    """
    a, b = (
        masks.reshape(len(masks), math.prod(masks.shape[1:])).astype(np.float64)
        for masks in (first, second)
    )
    shared = a @ b.T
    either = a.sum(axis=1)[:, None] + b.sum(axis=1) - shared
    return np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)


def match(true: np.ndarray, found: np.ndarray, threshold: float = IOU) -> Matching:
    """Match found territories to true ones, one to one: as many as can be, and of these the most alike.

    Parameters
    ----------
    true, found : numpy.ndarray
        Masks `(unit, depth, lateral)`, bool; they may overlap, and there may be none.
    threshold : float
        A pair counts where its intersection over union exceeds this.

    Raises
    ------
    ValueError
        The masks are not of one field, or not bool.
    """
    for name, masks in (("true", true), ("found", found)):
        if masks.ndim != 3 or masks.dtype != bool:
            raise ValueError(
                f"{name}: {masks.dtype} of shape {masks.shape}; bool (unit, depth, lateral) is"
                " needed"
            )
    if true.shape[1:] != found.shape[1:]:
        raise ValueError(
            f"true territories lie in {true.shape[1:]} pixels, found ones in {found.shape[1:]}"
        )
    similarity = overlap(true, found)
    allowed = similarity > threshold
    # a pair more outweighs any gain in likeness
    rows, columns = linear_sum_assignment(
        np.where(allowed, 1 + similarity / (1 + min(similarity.shape)), 0), True
    )
    pairs = allowed[rows, columns]
    rows, columns = rows[pairs], columns[pairs]
    shared = (true[rows] & found[columns]).sum(axis=(1, 2))
    sizes = [masks.sum(axis=(1, 2)) for masks in (true[rows], found[columns])]
    nothing = float("nan")
    return Matching(
        rows,
        columns,
        len(rows) / len(true) if len(true) else nothing,
        len(rows) / len(found) if len(found) else nothing,
        *(float(np.mean(shared / size)) if len(rows) else nothing for size in sizes),
    )
