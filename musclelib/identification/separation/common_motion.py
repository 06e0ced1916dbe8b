"""The motion that the whole field has in common: a hand-held probe, tremor, breathing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclelib.identification.separation.band import Band

_ROUNDS = 20
_FOLLOWS = 0.5  # how far from 1 a pixel's regression on its plane may be
# share of the field that follows: of tremor a tenth as strong as units, 0.6; of none, 0.1
_MOST = 0.5


class CommonMotion(NamedTuple):
    """A plane in each frame, which shifts, tilts and stretches all pixels alike.

    0 where they do not follow one.
    """

    # (time, 3): its mean, and its slopes from the middle to the far end of depth and lateral
    course: np.ndarray
    rest: np.ndarray  # (time, depth, lateral): the sequence without it
    # root of its mean square about its mean over time, in the unit of the sequence
    deviation: float


def common_motion(velocity: np.ndarray, band: Band) -> CommonMotion:
    """Tell the motion of the whole field from that of its parts.

    Each pixel is taken to move with the plane and, besides, by an amount of its own that has a
    variance of its own. Then the most likely plane is a mean over pixels by the inverse of these
    variances, and they are what the plane leaves: found in turn, in the band of twitches, where the
    pixels that no unit moves weigh most. So a unit does not pull the plane towards itself, as it
    does in least squares. It is common motion if most of the field follows it.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, in any unit.
    band : Band
        The same sequence in the band of twitches.
    """
    planes, values = _planes(band.field), band.coefficients
    power = (values**2).sum(axis=0)  # (pixel,)
    seen = power > 0  # pixels beyond the image neither tell nor move
    # a variance below that of noise would only say how well noise fits
    least = len(values) * band.noise + float(np.finfo(np.float32).tiny)
    weights = seen.astype(np.float32)
    for _ in range(_ROUNDS):
        slopes = _fit(values, planes, weights)  # (coefficient, 3)
        shared = (slopes.T @ values * planes).sum(axis=0)  # of each pixel with its plane
        size = (slopes.T @ slopes @ planes * planes).sum(axis=0)
        weights = seen / (np.maximum(power - 2 * shared + size, 0) + least)
        weights /= max(weights.mean(), float(np.finfo(np.float32).tiny))
    follows = seen & (np.abs(shared - size) < _FOLLOWS * size)
    if follows.mean() < _MOST:
        return CommonMotion(np.zeros((len(velocity), 3), np.float32), velocity, 0.0)
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
    """Return the weighted least-squares planes of rows of pixels, `(row, 3)`.

    A slope that nothing tells is 0.
    """
    weighted = planes * weights
    inverse = np.linalg.pinv((weighted @ planes.T).astype(np.float64), hermitian=True)
    return ((values @ weighted.T) @ inverse).astype(np.float32)
