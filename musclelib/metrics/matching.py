"""Match estimated territories to true ones."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

IOU = 0.5
"""Intersection over union above which a territory counts as found (paper 2)."""


class Matching(NamedTuple):
    """Pairs of true and found territories, and the measures of paper 2, section III-B."""

    true: np.ndarray  # numbers of the matched true units, (pair,)
    found: np.ndarray  # numbers of the territories found for them, (pair,)
    recall: float  # share of true units that are matched; NaN without true units
    precision: float  # share of found territories that are matched; NaN without any
    pixel_recall: float  # share of a true unit's pixels found, mean over pairs; NaN without pairs
    pixel_precision: float  # share of the found pixels that are the unit's, mean over pairs


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over union of every pair of masks, 0 for two empty masks.

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
    """Match found territories to true ones, one to one.

    Of all matchings with the largest number of pairs, the one with the largest total intersection
    over union is taken.

    Parameters
    ----------
    true, found : numpy.ndarray
        Masks `(unit, depth, lateral)`, bool; they may overlap, and either set may be empty.
    threshold : float
        Intersection over union above which two territories may form a pair.

    Returns
    -------
    Matching
        The pairs, and the recall and precision of units and of pixels.

    Raises
    ------
    ValueError
        The masks differ in the size of their field, or are not bool.

    Examples
    --------
    >>> import numpy as np
    >>> from musclelib.metrics import match
    >>> true, found = np.zeros((2, 8, 8), bool), np.zeros((1, 8, 8), bool)
    >>> true[0, :3], true[1, 4:], found[0, 5:] = True, True, True
    >>> matching = match(true, found)
    >>> matching.true, matching.found, matching.recall, matching.pixel_recall
    (array([1]), array([0]), 0.5, 0.75)
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
    # the weight of the overlap is so small that a further pair outweighs any gain in it
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
