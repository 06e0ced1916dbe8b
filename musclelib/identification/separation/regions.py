"""Overlapping regions that cover a field, and the merging of units found in several regions."""

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
    field : tuple of int
        Number of pixels along depth and lateral.
    spacing : tuple of float
        Size of a pixel along depth and lateral [mm].
    side : float
        Length of a square's side [mm]; an axis that is not longer has one square.
    grid : int
        Number of squares along each axis, or more if these would leave gaps.

    Returns
    -------
    list of tuple of slice
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
    """Return the numbers of the units that do not repeat a more certain one, most certain first.

    A unit repeats another if both their territories and their trains agree: two units in one place
    are distinct if they move differently, and two that move alike if they lie apart.

    Parameters
    ----------
    units : MotorUnits
        Units in any order.
    shared : float
        Share of the smaller territory that lies in the other one, above which territories agree: a
        part of a unit is not a separate unit.
    alike : float
        Coefficient of correlation above which trains agree.
    """
    masks = units.territory.reshape(
        len(units.territory), math.prod(units.territory.shape[1:])
    ).astype(np.float32)
    sizes = masks.sum(axis=1)

    # pairs of units with the same place and, by the correlation of their trains, the same motion
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
    """Keep the most certain of the units that repeat one another; parameters as of `distinct`."""
    kept = distinct(units, shared, alike)
    return MotorUnits.sorted(
        units.territory[kept], units.twitch_train[kept], units.confidence[kept]
    )
