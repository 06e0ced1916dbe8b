"""Regions that overlap and cover a field, and one unit of all that several of them saw of it."""

from __future__ import annotations

import itertools
import math

import numpy as np

from musclelib.identification.motor_units import MotorUnits

Region = tuple[slice, slice]


def regions(
    field: tuple[int, int], spacing: tuple[float, float], side: float = 20.0, grid: int = 5
) -> list[Region]:
    """Cover a field with a grid of squares, evenly spaced from edge to edge.

    Parameters
    ----------
    field : tuple[int, int]
        Pixels along depth and lateral.
    spacing : tuple[float, float]
        Size of a pixel along depth and lateral [mm].
    side : float
        Length of a square's side [mm]; along an axis that is no longer than this there is one
        square.
    grid : int
        Squares along each axis; more where these would leave gaps.

    Returns
    -------
    list[tuple[slice, slice]]
        Depth and lateral of each square, row by row.

    Raises
    ------
    ValueError
        The spacing is not positive.
    """
    if min(spacing) <= 0:
        raise ValueError(f"spacing = {spacing} [mm]: pixels have a size above 0")
    axes = []
    for pixels, size in zip(field, spacing, strict=True):
        width = min(pixels, max(1, round(side / size)))
        count = max(grid, -(-pixels // width))
        starts = np.unique(np.linspace(0, pixels - width, count).round().astype(int))
        axes.append([slice(start, start + width) for start in starts])
    return list(itertools.product(axes[0], axes[1]))


def distinct(units: MotorUnits, shared: float = 0.5, alike: float = 0.5) -> np.ndarray:
    """Return the numbers of the units that are not a more certain one again, the most certain first.

    One unit is another again if the places of both are the same, and so are their trains: units of
    one place count as two if they move differently, and units that move alike if they lie apart.

    Parameters
    ----------
    units : MotorUnits
        In any order.
    shared : float
        Two places are the same where more than this share of the smaller one lies in the other: a
        part of a unit is no unit of its own.
    alike : float
        Two trains are the same above this coefficient of correlation.
    """
    masks = units.territory.reshape(
        len(units.territory), math.prod(units.territory.shape[1:])
    ).astype(np.float32)
    sizes = masks.sum(axis=1)
    place = masks @ masks.T > shared * np.minimum.outer(sizes, sizes)
    centred = units.twitch_train - units.twitch_train.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    same = place & (centred @ centred.T > alike * np.outer(lengths, lengths))
    kept: list[int] = []
    for unit in np.argsort(-units.confidence, kind="stable"):
        if not same[unit, kept].any():
            kept.append(int(unit))
    return np.array(kept, int)


def merge(units: MotorUnits, shared: float = 0.5, alike: float = 0.5) -> MotorUnits:
    """Keep the most certain one of all that are one unit, with its own territory and train.

    Arguments of `distinct`.
    """
    kept = distinct(units, shared, alike)
    return MotorUnits.sorted(
        units.territory[kept], units.twitch_train[kept], units.confidence[kept]
    )
