"""Motion that the whole field has in common, as from a hand-held probe, tremor or breathing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclelib.identification.separation.band import Band

_ROUNDS = 20
_FOLLOWS = 0.5  # largest deviation from 1 of a pixel's regression on its plane
# smallest share of the field that follows; 0.6 do with tremor a tenth as strong as units, 0.1
# without
_MOST = 0.5


class CommonMotion(NamedTuple):
    """A plane of velocity in each frame that most pixels follow; 0 if they do not follow one."""

    # (time, 3): mean of the plane, and its slopes from the middle to the far end of depth, lateral
    course: np.ndarray
    rest: np.ndarray  # (time, depth, lateral): the sequence without the plane
    deviation: float  # SD of the plane over time and pixels, in the unit of the sequence


def common_motion(velocity: np.ndarray, band: Band) -> CommonMotion:
    """Separate the motion of the whole field from that of its parts.

    Each pixel is assumed to move with the plane and, in addition, independently with its individual
    variance. The most likely plane is then a mean over pixels weighted by the inverse of these
    variances, and the variances are what the plane leaves; the two are computed in turn, in the
    band of twitches. Pixels that no unit moves have the largest weight, so a unit does not pull the
    plane towards itself, as it does in least squares. The plane is common motion if most of the
    field follows it.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, in any unit.
    band : Band
        The same sequence in the band of twitches.
    """
    planes, values = _planes(band.field), band.coefficients
    power = (values**2).sum(axis=0)  # (pixel,)
    seen = power > 0  # pixels beyond the image do not count
    # a variance below that of noise would only mean that noise fits well
    least = len(values) * band.noise + float(np.finfo(np.float32).tiny)
    weights = seen.astype(np.float32)
    for _ in range(_ROUNDS):
        slopes = _fit(values, planes, weights)  # (coefficient, 3)
        shared = (slopes.T @ values * planes).sum(axis=0)  # (pixel,): product with the plane
        size = (slopes.T @ slopes @ planes * planes).sum(axis=0)  # (pixel,): power of the plane
        weights = seen / (np.maximum(power - 2 * shared + size, 0) + least)
        weights /= max(weights.mean(), float(np.finfo(np.float32).tiny))

    # a pixel follows the plane if the slope of its regression on the plane is near 1
    follows = seen & (np.abs(shared - size) < _FOLLOWS * size)
    if follows.mean() < _MOST:
        return CommonMotion(np.zeros((len(velocity), 3), np.float32), velocity, 0.0)

    # take the plane out of all frequencies, with the weights found in the band
    planes, moving = planes * seen, velocity.reshape(len(velocity), -1)
    course = _fit(moving, planes, weights)
    variance = np.cov(course.T, bias=True) @ (planes @ planes.T / seen.sum())
    return CommonMotion(
        course,
        (moving - course @ planes).reshape(velocity.shape),
        float(np.sqrt(np.trace(variance))),
    )


def _planes(field: tuple[int, int]) -> np.ndarray:
    """Return a constant and two slopes from -1 to 1, `(3, pixel)`; one pixel has no slope."""
    sides = (
        np.linspace(-1, 1, side, dtype=np.float32) if side > 1 else np.zeros(1, np.float32)
        for side in field
    )
    depth, lateral = np.meshgrid(*sides, indexing="ij")
    return np.stack([np.ones_like(depth), depth, lateral]).reshape(3, -1)


def _fit(values: np.ndarray, planes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fit planes to rows of pixels by least squares: `(row, 3)`, undefined slopes are 0."""
    weighted = planes * weights
    inverse = np.linalg.pinv((weighted @ planes.T).astype(np.float64), hermitian=True)
    return ((values @ weighted.T) @ inverse).astype(np.float32)
