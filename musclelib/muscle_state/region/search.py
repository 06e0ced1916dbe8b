"""Active-shape search of a muscle's contour (paper 3, section III.C; Cootes et al. 1995).

From a first contour, each point moves along its normal to where the grey values across the boundary
look most like those learnt there; the shape model then takes the whole contour back to what the
muscle does, and the search starts again from there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from musclelib.muscle_state.region.contours import normals
from musclelib.muscle_state.region.shape_model import ShapeModel

REACH = 10
"""Pixels that the search looks to either side of a boundary, as in paper 3."""

_HALF = 9  # pixels of a profile to either side of the boundary
_BLUR = (
    5.0,
    0.8,
)  # lateral and depth standard deviation [px]: speckle is averaged along boundaries
_ITERATIONS = 12
_STILL = 0.05  # the search ends when no point moves farther [px]
_SHRINKAGE = 0.1  # of the covariance of profiles towards a multiple of the identity
_FLAT = 1.0  # grey levels; profiles of less contrast show nothing
_OFF = 4  # profiles that lie farther than this from a boundary are beside it [px]
_USUAL = 0.99  # at most this share of the training profiles counts as fitting
_CHANCE = 0.1  # and at most this share of those beside it


@dataclass(frozen=True, eq=False)
class Profiles:
    """Grey values across the boundaries, standardised, as training contours have them.

    Attributes
    ----------
    mean : numpy.ndarray, (40, profile)
        Mean profile of each point.
    precision : numpy.ndarray, (2, profile, profile)
        Inverse covariance of the profiles of the upper and of the lower boundary.
    usual : numpy.ndarray, (2,)
        Squared Mahalanobis distance up to which a profile fits: 99 % of the training profiles of a
        boundary do, unless over 10 % of the profiles beside the boundary would fit too.
    """

    mean: np.ndarray
    precision: np.ndarray
    usual: np.ndarray

    @classmethod
    def fit(cls, frames: np.ndarray, contours: np.ndarray) -> Profiles:
        """Learn the profiles at contours `(example, 40, 2)` of `frames` `(example, ...)`."""
        smoothed = [smooth(frame) for frame in frames]
        pairs = list(zip(smoothed, contours, strict=True))
        profiles = np.stack([_windows(*pair, reach=0)[0][:, 0] for pair in pairs])
        mean = profiles.mean(axis=0)
        residual = np.stack(np.split(profiles - mean, 2, axis=1))
        residual = residual.reshape(2, -1, residual.shape[-1])
        covariance = np.einsum("bnp,bnq->bpq", residual, residual) / residual.shape[1]
        level = np.trace(covariance, axis1=1, axis2=2)[:, None, None] / covariance.shape[-1]
        identity = np.eye(covariance.shape[-1])
        precision = np.linalg.inv(
            (1 - _SHRINKAGE) * covariance + (_SHRINKAGE * level + 1e-6) * identity
        )
        raw = cls(mean, precision, np.ones(2))
        reach = 3 * _OFF
        distance = np.stack([raw.distances(*pair, reach) for pair in pairs])
        distance = np.stack(np.split(distance, 2, axis=1))
        beside = np.abs(np.arange(-reach, reach + 1)) > _OFF
        own = np.quantile(distance[..., reach].reshape(2, -1), _USUAL, axis=1)
        chance = np.quantile(distance[..., beside].reshape(2, -1), _CHANCE, axis=1)
        return cls(mean, precision, np.minimum(own, chance))

    def distances(self, smoothed: np.ndarray, contour: np.ndarray, reach: int) -> np.ndarray:
        """Return how unlike the learnt profiles a smoothed frame is around a contour.

        Parameters
        ----------
        smoothed : numpy.ndarray, (depth, lateral)
            Frame after `smooth`.
        contour : numpy.ndarray, (40, 2)
            Contour [px].
        reach : int
            Largest shift along the normals [px].

        Returns
        -------
        numpy.ndarray, (40, 2 reach + 1)
            Squared Mahalanobis distance over the `usual` one, by shift from `-reach` to `reach`;
            infinite where the frame is flat or ends.
        """
        windows, seen = _windows(smoothed, contour, reach)
        residual = (windows - self.mean[:, None]).reshape(2, -1, windows.shape[-1])
        squared = ((residual @ self.precision) * residual).sum(axis=-1)
        distance = (squared / self.usual[:, None]).reshape(windows.shape[:2])
        return np.where(seen, distance, np.inf)


def smooth(frame: np.ndarray) -> np.ndarray:
    """Return a frame as float32 with its speckle averaged, mostly along the lateral direction."""
    return cv2.GaussianBlur(np.asarray(frame, np.float32), (0, 0), sigmaX=_BLUR[0], sigmaY=_BLUR[1])


def search(
    smoothed: np.ndarray, start: np.ndarray, model: ShapeModel, profiles: Profiles
) -> tuple[np.ndarray, float]:
    """Find the contour of the muscle from a start.

    Parameters
    ----------
    smoothed : numpy.ndarray, (depth, lateral)
        Frame after `smooth`.
    start : numpy.ndarray, (40, 2)
        First contour [px].
    model : ShapeModel
        Shapes that are allowed.
    profiles : Profiles
        Grey values at the boundaries.

    Returns
    -------
    contour : numpy.ndarray, (40, 2)
        Contour found [px].
    confidence : float
        Share of its points, 0 to 1, whose profile fits (`Profiles.usual`). Points out of the
        picture and flat profiles do not fit.
    """
    contour = start
    for _ in range(_ITERATIONS):
        shift = _best_shift(profiles.distances(smoothed, contour, REACH))
        moved = model.project(contour + shift[:, None] * normals(contour))
        still = np.abs(moved - contour).max() < _STILL
        contour = moved
        if still:
            break
    return contour, fit_share(smoothed, contour, profiles)


def fit_share(smoothed: np.ndarray, contour: np.ndarray, profiles: Profiles) -> float:
    """Return the share of a contour's points whose profile fits within a pixel."""
    return float((profiles.distances(smoothed, contour, 1).min(axis=1) <= 1).mean())


def evenness(smoothed: np.ndarray, contour: np.ndarray) -> float:
    """Return how alike the grey profiles along a contour are, without any training.

    Parameters
    ----------
    smoothed : numpy.ndarray, (depth, lateral)
        Frame after `smooth`.
    contour : numpy.ndarray, (40, 2)
        Contour [px].

    Returns
    -------
    float
        Share of the variance of the standardised profiles that is common to all points of a
        boundary, 0 to 1, of the boundary where it is less. Along aponeuroses it is 0.6 and more;
        along edges that were sought in speckle or in other tissue it is below 0.4.
    """
    windows, seen = _windows(smoothed, contour, reach=0)
    standard = np.where(seen[..., None], windows, 0)[:, 0]
    common = standard.reshape(2, -1, standard.shape[-1]).mean(axis=1)
    return float((common**2).mean(axis=-1).min())


def _best_shift(distance: np.ndarray) -> np.ndarray:
    """Return the shift [px] of least distance of each point, interpolated by a parabola."""
    reach = distance.shape[1] // 2
    best = distance.argmin(axis=1)
    rows, middle = np.arange(len(best)), best.clip(1, 2 * reach - 1)
    left, centre, right = (distance[rows, middle + step] for step in (-1, 0, 1))
    with np.errstate(invalid="ignore"):
        bend, tilt = left - 2 * centre + right, left - right
    inner = (best == middle) & np.isfinite(bend) & (bend > 1e-12)
    part = np.divide(0.5 * tilt, bend, where=inner, out=np.zeros_like(tilt))
    return np.where(np.isfinite(distance[rows, best]), best - reach + part, 0.0)


def _windows(
    smoothed: np.ndarray, contour: np.ndarray, reach: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return standardised profiles `(40, shift, profile)`, and where they show something."""
    offsets = np.arange(-reach - _HALF, reach + _HALF + 1)
    places = contour[:, None] + offsets[:, None] * normals(contour)[:, None]
    places = places.astype(np.float32)
    grey = cv2.remap(
        smoothed, places[..., 1], places[..., 0], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    last = np.array(smoothed.shape) - 1
    inside = ((places >= -1) & (places <= last + 1)).all(axis=-1)
    windows = sliding_window_view(grey, 2 * _HALF + 1, axis=1).astype(float)
    windows = windows - windows.mean(axis=-1, keepdims=True)
    contrast = windows.std(axis=-1)
    seen = (contrast > _FLAT) & inside[:, _HALF : inside.shape[1] - _HALF]
    return windows / np.maximum(contrast, _FLAT)[..., None], seen
