"""Contours of a muscle in a longitudinal image: its two inner boundaries as 40 points.

A contour is an array `(40, 2)` of depth and lateral position [px], counted from the centre of the
first pixel: points 0 to 19 on the upper boundary (lower edge of the superficial aponeurosis) and
20 to 39 on the lower one (upper edge of the deep aponeurosis), both from left to right.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects, label, median_filter

POINTS = 20
"""Points on each of the two boundaries."""

_SMOOTHING = 9  # columns of the median filter that removes flakes of hand-drawn masks
_LEAST_SHARE = 0.5  # of the columns must show the muscle


def contour_from_labels(label_map: np.ndarray, muscle: int) -> np.ndarray:
    """Return the contour of a muscle in a map of tissues.

    Parameters
    ----------
    label_map : numpy.ndarray of int, (depth, lateral)
        The tissue of each pixel.
    muscle : int
        Label of the muscle.

    Returns
    -------
    numpy.ndarray, (40, 2)
        Depth and lateral position [px].

    Raises
    ------
    ValueError
        The map is not two-dimensional, or the muscle is seen in less than half of the columns.
    """
    inside = _two_dimensional(label_map) == muscle
    seen = inside.any(axis=0)
    upper = inside.argmax(axis=0) - 0.5
    lower = inside.shape[0] - inside[::-1].argmax(axis=0) - 0.5
    return _contour(upper, lower, seen, f"label {muscle}")


def contour_from_aponeuroses(mask: np.ndarray) -> np.ndarray:
    """Return the contour of the muscle between the two upper aponeuroses of a mask.

    The gastrocnemius lies between these two. Where an aponeurosis forks, its inner edge counts.

    Parameters
    ----------
    mask : numpy.ndarray, (depth, lateral)
        True or above half of its maximum on the aponeuroses, as in the masks of
        `longitudinal_bmode`.

    Returns
    -------
    numpy.ndarray, (40, 2)
        Depth and lateral position [px].

    Raises
    ------
    ValueError
        The mask is not two-dimensional, has not two bands that are a quarter of the picture wide,
        or fewer than half of the columns between their outermost ends have both.
    """
    values = _two_dimensional(mask)
    bands, count = label(values > values.max() / 2, np.ones((3, 3)))
    # an aponeurosis that forks is one band; flakes of a drawing are short
    wide = [
        (place[0].start + place[0].stop, number)
        for number, place in enumerate(find_objects(bands), start=1)
        if place[1].stop - place[1].start > _LEAST_SHARE * values.shape[1] / 2
    ]
    if len(wide) < 2:
        raise ValueError(f"the mask has {len(wide)} wide bands among {count}; two are needed")
    first, second = (bands == number for _, number in sorted(wide)[:2])
    upper = values.shape[0] - first[::-1].argmax(axis=0) - 0.5
    lower = second.argmax(axis=0) - 0.5
    both = first.any(axis=0) & second.any(axis=0)
    used = np.flatnonzero(first.any(axis=0) | second.any(axis=0))
    window = slice(used[0], used[-1] + 1)
    contour = _contour(upper[window], lower[window], both[window], "a pair of aponeuroses")
    contour[:, 1] += used[0]
    return contour


def contour_from_curves(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return the contour between two curves that give a depth for each column.

    Parameters
    ----------
    upper, lower : numpy.ndarray, (lateral,)
        Depths of the upper and the lower boundary [px].

    Returns
    -------
    numpy.ndarray, (40, 2)
        Depth and lateral position [px].
    """
    lateral = np.linspace(0, len(upper) - 1, POINTS)
    columns = np.arange(len(upper))
    depth = [np.interp(lateral, columns, curve) for curve in (upper, lower)]
    return np.stack([np.concatenate(depth), np.tile(lateral, 2)], axis=1)


def boundary_error(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the distance of each point of a contour from the true boundary [px].

    Distances are perpendicular to the true boundary; a shift along a boundary is no error.

    Parameters
    ----------
    found, true : numpy.ndarray, (..., 40, 2)
        Contours [px].

    Returns
    -------
    numpy.ndarray, (..., 40)
        Distances [px], positive where the found boundary is deeper.
    """
    normal = normals(true)
    return ((found - true) * normal).sum(axis=-1)


def normals(contour: np.ndarray) -> np.ndarray:
    """Return the unit normals of a contour, which point to larger depth.

    Parameters
    ----------
    contour : numpy.ndarray, (..., 40, 2)
        Depth and lateral position [px].

    Returns
    -------
    numpy.ndarray, (..., 40, 2)
        Depth and lateral component.
    """
    halves = np.split(contour, 2, axis=-2)
    tangent = np.concatenate([np.gradient(half, axis=-2) for half in halves], axis=-2)
    length = np.linalg.norm(tangent, axis=-1, keepdims=True)
    return np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1) / np.maximum(length, 1e-9)


def _two_dimensional(image: np.ndarray) -> np.ndarray:
    array = np.asarray(image)
    if array.ndim != 2:
        raise ValueError(f"a map of shape {array.shape}; (depth, lateral) is needed")
    return array


def _contour(upper: np.ndarray, lower: np.ndarray, seen: np.ndarray, what: str) -> np.ndarray:
    if seen.mean() < _LEAST_SHARE or not seen.any():
        raise ValueError(
            f"{what} is seen in {seen.mean():.0%} of the columns;"
            f" at least {_LEAST_SHARE:.0%} are needed"
        )
    columns = np.arange(seen.size)
    curves = [
        median_filter(np.interp(columns, columns[seen], curve[seen]), _SMOOTHING, mode="nearest")
        for curve in (upper, lower)
    ]
    return contour_from_curves(*curves)
