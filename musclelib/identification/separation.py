"""Motor units by the plainest blind source separation: a low rank, independent maps, a threshold."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from skimage.filters import threshold_otsu
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

MINIMUM_FRAMES = 64
_ITERATIONS = 400


@dataclass(frozen=True)
class Units:
    """Identified motor units.

    Attributes
    ----------
    territory : numpy.ndarray
        `(unit, depth, lateral)`, bool; they may overlap.
    twitch_train : numpy.ndarray
        `(unit, time)`, in the unit of the sequence; contraction is positive.
    """

    territory: np.ndarray
    twitch_train: np.ndarray


def check(velocity: np.ndarray) -> np.ndarray:
    """Return a sequence in float32, if units can be sought in it.

    Raises
    ------
    ValueError
        It is not `(time, depth, lateral)`, too short, not finite, or does not move.
    """
    velocity = np.asarray(velocity, np.float32)
    if velocity.ndim != 3:
        raise ValueError(f"velocity has shape {velocity.shape}: (time, depth, lateral) is needed")
    if len(velocity) < MINIMUM_FRAMES:
        raise ValueError(f"velocity has {len(velocity)} frames: at least {MINIMUM_FRAMES} are needed")
    bad = ~np.isfinite(velocity)
    if bad.any():
        raise ValueError(f"velocity: {np.count_nonzero(bad)} values are not finite")
    if not (velocity != velocity[0]).any():
        raise ValueError("velocity does not change over time")
    return velocity


def signal_rank(singular_values: np.ndarray, frames: int, pixels: int) -> int:
    """Count the singular values that white noise could not have, its level taken from their median.

    The squares of noise's follow the distribution of Marchenko and Pastur, whose edge and median the sides of the
    matrix tell; 2 % are added for finite matrices.
    """
    ratio = min(frames, pixels) / max(frames, pixels)
    low, edge = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    angle = (np.arange(2000) + 0.5) / 2000 * np.pi
    square = (low + edge) / 2 - (edge - low) / 2 * np.cos(angle)  # rising from low to edge
    share = np.cumsum(np.sin(angle) ** 2 / square)  # its density, in terms of the angle
    median = square[np.searchsorted(share, share[-1] / 2)]
    return int((singular_values > 1.02 * np.sqrt(edge / median) * np.median(singular_values)).sum())


def plain(velocity: np.ndarray, seed: int = 0) -> Units:
    """Identify units by SVD, spatial FastICA and Otsu's threshold: the baseline of every other method.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, in any unit; contraction is positive.
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
        return Units(np.zeros((0, *field), bool), np.zeros((0, frames), np.float32))
    separation = FastICA(rank, whiten="unit-variance", random_state=seed, max_iter=_ITERATIONS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what was reached is used
        sources = separation.fit_transform(maps[:rank].T * strengths[:rank]).T  # (unit, pixel)
    trains = (times[:, :rank] @ separation.mixing_).T  # (unit, time)
    signs = np.where((sources**3).sum(axis=1) < 0, -1, 1)[:, None]  # a territory stands out upwards
    sources, trains = sources * signs, trains * signs
    territory = np.stack([source > threshold_otsu(source) for source in sources]).reshape(rank, *field)
    return Units(territory, trains.astype(np.float32))
