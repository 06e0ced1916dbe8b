"""Spatiotemporal independent component analysis of maps and their courses."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from musclelib.streams import Purpose, stream

SPATIAL_WEIGHT = 0.8
"""Weight of the maps' independence against that of the courses, as is usual in the field."""

_SKEW = 0.5  # of the maps' density, whose logarithm falls as 1 - skew above 0, 1 + skew below
_ITERATIONS = 400


def infomax(
    maps: np.ndarray, courses: np.ndarray, seed: int = 0, spatial_weight: float = SPATIAL_WEIGHT
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the singular vectors of a signal into spatially and temporally independent components.

    A matrix unmixes the maps, and its inverse transposed the courses, so that their outer products
    still sum to the signal. The matrix maximises the weighted sum of both entropies after a
    squashing function: spatiotemporal independent component analysis (Stone et al., NeuroImage
    15:407, 2002). As there, the density of a map is skewed, since a territory stands out of a still
    background, and that of a course is symmetric. How each component divides its scale between map
    and course is free, which makes the two criteria one smooth function; L-BFGS maximises it.

    Parameters
    ----------
    maps : numpy.ndarray
        `(component, pixel)`, orthogonal rows, in any unit; the background must be at 0.
    courses : numpy.ndarray
        `(component, time)`, orthogonal rows, in any unit.
    seed : int
        Seed of the initial unmixing, a rotation.
    spatial_weight : float
        Weight of the maps' independence, 0 to 1.

    Returns
    -------
    maps, courses : numpy.ndarray
        Components in the shapes given, in any order; a map has a mean square of 1 and its longer
        tail above 0.
    """
    size, pixels, frames = len(maps), maps.shape[1], courses.shape[1]
    strengths = np.sqrt((maps**2).mean(axis=1, keepdims=True))
    white, waves = maps / strengths, courses * strengths
    temporal_weight = 1 - spatial_weight

    def loss(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the negative weighted entropy of an unmixing and gains, and its gradient."""
        unmixing, gains = numbers[:-size].reshape(size, size), numbers[-size:]
        inverse = np.linalg.inv(unmixing).T
        volume = np.linalg.slogdet(unmixing)[1]

        # maps y = W x, and courses z = exp(g) W^-T s with a gain g of each component
        territory, raw = unmixing @ white, inverse @ waves
        train = np.exp(gains)[:, None] * raw
        squashed = np.tanh(train)

        # negative entropies: -log p summed over components and averaged over pixels or frames, less
        # the logarithm of the determinant by which the unmixing scales volumes
        space = (_log_cosh(territory) - _SKEW * territory).sum() / pixels - volume
        time = _log_cosh(train).sum() / frames + volume - gains.sum()

        # their gradients with respect to W and g, where d W^-T = -W^-T dW^T W^-T
        space_by_unmixing = (np.tanh(territory) - _SKEW) @ white.T / pixels - inverse
        time_by_unmixing = inverse - raw @ (squashed * np.exp(gains)[:, None]).T @ inverse / frames
        by_unmixing = spatial_weight * space_by_unmixing + temporal_weight * time_by_unmixing
        by_gains = temporal_weight * ((squashed * train).mean(axis=1) - 1)
        return spatial_weight * space + temporal_weight * time, np.append(by_unmixing, by_gains)

    rotation = np.linalg.qr(stream(Purpose.INFOMAX_START, seed).standard_normal((size, size)))[0]
    rotation *= np.where(((rotation @ white) ** 3).sum(axis=1) < 0, -1, 1)[:, None]
    gains = -np.log((rotation @ waves).std(axis=1))
    options = {"maxiter": _ITERATIONS, "maxcor": 20, "ftol": 1e-9, "gtol": 1e-4}
    found = minimize(loss, np.append(rotation, gains), jac=True, method="L-BFGS-B", options=options)

    unmixing = found.x[:-size].reshape(size, size)
    territory = unmixing @ white
    train = np.linalg.inv(unmixing).T @ waves
    length = np.sqrt((territory**2).mean(axis=1))[:, None]
    signs = np.where((territory**3).sum(axis=1) < 0, -1, 1)[:, None] / length
    return territory * signs, train / signs


def _log_cosh(values: np.ndarray) -> np.ndarray:
    size = np.abs(values)
    return size + np.log1p(np.exp(-2 * size))  # up to a constant, without overflow
