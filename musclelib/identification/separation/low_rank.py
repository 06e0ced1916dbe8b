"""The part of a velocity field that exceeds white noise, as a few maps and their courses."""

from __future__ import annotations

import numpy as np

from musclelib.identification.separation.noise import signal_rank

# share of the strongest singular value: in a sequence without noise, rounding errors are below
_WEAKEST = 1e-3


def low_rank(moving: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the strongest singular vectors of a matrix that exceed those of white noise.

    Parameters
    ----------
    moving : numpy.ndarray
        `(time, pixel)`, each pixel's mean over time removed, in any unit.
    most : int
        Largest number of vectors.

    Returns
    -------
    courses, maps : numpy.ndarray
        `(component, time)`, orthonormal, and `(component, pixel)`, orthogonal, in the unit of
        `moving`. Their outer products sum to the signal; the strongest component is first, and
        there may be none.
    """
    frames, pixels = moving.shape
    moving = np.asarray(moving, np.float64)
    flat = frames > pixels
    # the eigenvectors of the smaller product are the singular vectors, at a fraction of the cost
    powers, vectors = np.linalg.eigh(moving.T @ moving if flat else moving @ moving.T)
    strengths = np.sqrt(np.maximum(powers[::-1], 0))
    rank = signal_rank(strengths, frames, pixels) if strengths[0] > 0 else 0
    rank = min(rank, most, int((strengths > _WEAKEST * strengths[0]).sum()))
    strongest = vectors[:, ::-1][:, :rank].T
    if flat:
        return (strongest @ moving.T) / strengths[:rank, None], strongest * strengths[:rank, None]
    return strongest, strongest @ moving
