"""Motor units by the plainest blind source separation: a low rank, independent maps, a threshold."""

from __future__ import annotations

import warnings

import numpy as np
from skimage.filters import threshold_otsu
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from musclelib.identification.lobes import contrast
from musclelib.identification.units import SPACING, Units, check

_ITERATIONS = 400


def noise_variance(singular_values: np.ndarray, frames: int, pixels: int) -> float:
    """Return the variance of white noise in a matrix, from the median of its singular values.

    The squares of noise's follow the distribution of Marchenko and Pastur, whose median the sides of the matrix tell; a
    signal of low rank hardly moves it.
    """
    ratio = min(frames, pixels) / max(frames, pixels)
    low, edge = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    angle = (np.arange(2000) + 0.5) / 2000 * np.pi
    square = (low + edge) / 2 - (edge - low) / 2 * np.cos(angle)  # rising from low to edge
    share = np.cumsum(np.sin(angle) ** 2 / square)  # its density, in terms of the angle
    median = square[np.searchsorted(share, share[-1] / 2)]
    return float(np.median(singular_values) ** 2 / (median * max(frames, pixels)))


def signal_rank(singular_values: np.ndarray, frames: int, pixels: int) -> int:
    """Count the singular values that white noise could not have: 2 % above the edge of its distribution."""
    edge = np.sqrt(noise_variance(singular_values, frames, pixels)) * (np.sqrt(frames) + np.sqrt(pixels))
    return int((singular_values > 1.02 * edge).sum())


def plain(velocity: np.ndarray, frame_rate: float, spacing: tuple[float, float] = SPACING, seed: int = 0) -> Units:
    """Identify units by SVD, spatial FastICA and Otsu's threshold: the baseline of every other method.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, in any unit; contraction is positive.
    frame_rate, spacing
        As for every method; make no difference to this one.
    seed : int
        Seed of the first guess of the unmixing.

    Raises
    ------
    ValueError
        As `check`.
    """
    velocity = check(velocity)
    frames, *field = velocity.shape
    moving = velocity.reshape(frames, -1) - velocity.reshape(frames, -1).mean(axis=0)
    times, strengths, maps = np.linalg.svd(moving, full_matrices=False)
    rank = signal_rank(strengths, *moving.shape)
    if not rank:
        return Units.none(frames, (field[0], field[1]))
    separation = FastICA(rank, whiten="unit-variance", random_state=seed, max_iter=_ITERATIONS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what was reached is used
        sources = separation.fit_transform(maps[:rank].T * strengths[:rank]).T  # (unit, pixel)
    trains = (times[:, :rank] @ separation.mixing_).T  # (unit, time)
    signs = np.where((sources**3).sum(axis=1) < 0, -1, 1)[:, None]  # a territory stands out upwards
    sources, trains = sources * signs, trains * signs
    cuts = np.array([threshold_otsu(source) for source in sources])[:, None]
    territory = (sources > cuts).reshape(rank, *field)
    # the share of a map's variance that lies between territory and the rest, which Otsu's threshold makes largest
    certain = [contrast(*pair) for pair in zip(sources.reshape(territory.shape), territory, strict=True)]
    return Units.sorted(territory, trains, np.array(certain))
