"""Components whose maps are independent in space and whose courses are independent in time, as far as both can be."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

SPATIAL_WEIGHT = 0.8
"""What the independence of the maps counts.

That of the courses counts the rest (the field's setting).
"""

_SKEW = 0.5  # of the maps' density: its fall above 0 is to that below as 1 - skew to 1 + skew
_ITERATIONS = 400


def _log_cosh(values: np.ndarray) -> np.ndarray:
    size = np.abs(values)
    return size + np.log1p(np.exp(-2 * size))  # up to a constant, without overflow


def infomax(
    maps: np.ndarray, courses: np.ndarray, seed: int = 0, spatial_weight: float = SPATIAL_WEIGHT
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the singular vectors of a signal into spatially and temporally independent components.

    The maps are unmixed by a matrix, the courses by its inverse transposed, so that their outer
    products still add up to the signal. The sum of both entropies after a squashing function is
    largest for the matrix that is returned: spatiotemporal independent component analysis (Stone et
    al., NeuroImage 15:407, 2002). As there, a map's density is skewed, for a territory stands out
    of a still background, and a course's is symmetric. Each component's share of scale between map
    and course is free, which makes the two criteria one smooth function; L-BFGS climbs it.

    Parameters
    ----------
    maps : numpy.ndarray
        `(component, pixel)`, orthogonal rows, in any unit; the background is at 0, and is not
        shifted.
    courses : numpy.ndarray
        `(component, time)`, orthogonal rows, in any unit.
    seed : int
        Seed of the first guess of the unmixing, a rotation.
    spatial_weight : float
        0 to 1: what the maps' independence counts.

    Returns
    -------
    maps, courses : numpy.ndarray
        As given, in any order; a map has a mean square of 1 and its longer tail above 0.
    """
    size, pixels, frames = len(maps), maps.shape[1], courses.shape[1]
    strengths = np.sqrt((maps**2).mean(axis=1, keepdims=True))
    white, waves = maps / strengths, courses * strengths
    temporal_weight = 1 - spatial_weight

    def loss(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        unmixing, gains = numbers[:-size].reshape(size, size), numbers[-size:]
        inverse = np.linalg.inv(unmixing).T
        volume = np.linalg.slogdet(unmixing)[1]
        territory, raw = unmixing @ white, inverse @ waves
        train = np.exp(gains)[:, None] * raw
        squashed = np.tanh(train)
        space = (_log_cosh(territory) - _SKEW * territory).sum() / pixels - volume
        time = _log_cosh(train).sum() / frames + volume - gains.sum()
        uphill = (np.tanh(territory) - _SKEW) @ white.T / pixels - inverse
        along = inverse - raw @ (squashed * np.exp(gains)[:, None]).T @ inverse / frames
        slope = spatial_weight * uphill + temporal_weight * along
        stretch = temporal_weight * ((squashed * train).mean(axis=1) - 1)
        return spatial_weight * space + temporal_weight * time, np.append(slope, stretch)

    rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]
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
