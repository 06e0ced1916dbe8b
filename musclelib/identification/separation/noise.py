"""The variance of white noise in a matrix, and the number of singular values that exceed it."""

from __future__ import annotations

import numpy as np


def noise_variance(singular_values: np.ndarray, frames: int, pixels: int) -> float:
    """Return the variance of white noise in a matrix, from the median of its singular values.

    The squared singular values of noise follow the distribution of Marchenko and Pastur, whose
    median depends only on the sides of the matrix; a signal of low rank hardly changes the median.

    Parameters
    ----------
    singular_values : numpy.ndarray
        `(component,)`, all of the matrix.
    frames, pixels : int
        Sides of the matrix.
    """
    ratio = min(frames, pixels) / max(frames, pixels)
    low, edge = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    angle = (np.arange(2000) + 0.5) / 2000 * np.pi
    square = (low + edge) / 2 - (edge - low) / 2 * np.cos(angle)  # rising from low to edge
    share = np.cumsum(np.sin(angle) ** 2 / square)  # its density, in terms of the angle
    median = square[np.searchsorted(share, share[-1] / 2)]
    return float(np.median(singular_values) ** 2 / (median * max(frames, pixels)))


def signal_rank(singular_values: np.ndarray, frames: int, pixels: int) -> int:
    """Count the singular values more than 2 % above the largest of white noise.

    Parameters are those of `noise_variance`.
    """
    edge = np.sqrt(noise_variance(singular_values, frames, pixels)) * (
        np.sqrt(frames) + np.sqrt(pixels)
    )
    return int((singular_values > 1.02 * edge).sum())
