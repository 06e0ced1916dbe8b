"""The method `plain`: SVD, independent components in space, and a threshold on each map."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.random import RandomState
from skimage.filters import threshold_otsu
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from musclelib.identification.motor_units import SPACING, MotorUnits, check
from musclelib.identification.separation.lobes import contrast
from musclelib.identification.separation.noise import signal_rank
from musclelib.streams import Purpose, stream

_ITERATIONS = 400


def plain(
    velocity: np.ndarray, frame_rate: float, spacing: tuple[float, float] = SPACING, seed: int = 0
) -> MotorUnits:
    """Identify units by SVD, spatial FastICA and Otsu's threshold, the baseline of all methods.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, in any unit; contraction is positive.
    frame_rate, spacing
        As for every method; without effect on this one.
    seed : int
        Seed of the initial unmixing.

    Raises
    ------
    ValueError
        As `motor_units.check`.
    """
    velocity = check(velocity)
    frames, *field = velocity.shape
    moving = velocity.reshape(frames, -1) - velocity.reshape(frames, -1).mean(axis=0)
    times, strengths, maps = np.linalg.svd(moving, full_matrices=False)
    rank = signal_rank(strengths, *moving.shape)
    if not rank:
        return MotorUnits.none(frames, (field[0], field[1]))
    start = RandomState(stream(Purpose.PLAIN_START, seed).bit_generator)
    separation = FastICA(
        rank, whiten="unit-variance", random_state=start, max_iter=_ITERATIONS, tol=1e-3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last iterate is used
        sources = separation.fit_transform(maps[:rank].T * strengths[:rank]).T  # (unit, pixel)
    trains = (times[:, :rank] @ separation.mixing_).T  # (unit, time)
    signs = np.where((sources**3).sum(axis=1) < 0, -1, 1)[:, None]  # territories are positive
    sources, trains = sources * signs, trains * signs
    cuts = np.array([threshold_otsu(source) for source in sources])[:, None]
    territory = (sources > cuts).reshape(rank, *field)
    # confidence: the share of a map's variance between territory and rest, which Otsu's threshold
    # maximises
    certain = [
        contrast(*pair) for pair in zip(sources.reshape(territory.shape), territory, strict=True)
    ]
    return MotorUnits.sorted(territory, trains, np.array(certain))
