"""Fascicles as the cells of a power diagram, a Voronoi diagram with given sizes of cells."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

_ROUNDS = 15
_STEP = 0.25  # spacing of the points by which areas are measured [mm]


def fascicles(
    depth: np.ndarray, lateral: np.ndarray, median: float, spread: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """Divide a cross-section into fascicles with log-normal diameters.

    A power diagram is a Voronoi diagram whose walls are shifted by a weight of each seed
    (Aurenhammer 1987). In each of a few rounds, the weights of cells that are too small are raised
    and seeds move to the centroids of their cells, so that the areas approach those drawn.

    Parameters
    ----------
    depth, lateral : numpy.ndarray
        Pixel centres [mm].
    median, spread : float
        Median diameter [mm] of a disc of the cell's area and SD of its logarithm.
    rng : numpy.random.Generator
        Stream of random numbers.

    Returns
    -------
    cell : numpy.ndarray
        Number of each pixel's fascicle, `(depth, lateral)` int32.
    distance : numpy.ndarray
        Distance of each pixel to the nearest wall, `(depth, lateral)` [mm].
    count : int
        Number of fascicles.
    """
    # draw areas that fill the cross-section, and seeds with weights to match
    low = np.array([depth[0], lateral[0]])
    span = np.array([depth[-1], lateral[-1]]) - low
    mean = np.pi / 4 * (median * np.exp(spread**2)) ** 2
    count = max(round(span.prod() / mean), 2)
    area = np.pi / 4 * (median * np.exp(spread * rng.standard_normal(count))) ** 2
    area *= span.prod() / area.sum()
    seed = low + rng.uniform(size=(count, 2)) * span
    weight = area / np.pi

    # adjust weights and seeds, with areas measured on a grid of points
    axes = [
        np.arange(start + _STEP / 2, start + length, _STEP)
        for start, length in zip(low, span, strict=True)
    ]
    sample = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    for _ in range(_ROUNDS):
        owner = cKDTree(_lift(seed, weight)).query(_on_plane(sample))[1]
        number = np.bincount(owner, minlength=count)
        centroid = np.stack([np.bincount(owner, sample[:, axis], count) for axis in (0, 1)], 1)
        seed = np.where(number[:, None] > 0, centroid / np.maximum(number, 1)[:, None], seed)
        weight = weight + 0.5 * (area - number * span.prod() / len(sample)) / np.pi

    # a pixel's distance to the wall follows from the power distances to its two nearest seeds
    pixel = np.stack(np.meshgrid(depth, lateral, indexing="ij"), -1).reshape(-1, 2)
    power, near = cKDTree(_lift(seed, weight)).query(_on_plane(pixel), k=2)
    apart = np.linalg.norm(seed[near[:, 0]] - seed[near[:, 1]], axis=1)
    wall = (power[:, 1] ** 2 - power[:, 0] ** 2) / (2 * np.maximum(apart, 1e-9))
    shape = len(depth), len(lateral)
    return near[:, 0].astype(np.int32).reshape(shape), wall.reshape(shape), count


def _lift(seed: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Lift seeds by one dimension, in which the nearest has the least power distance |x-s|²-w."""
    return np.column_stack([seed, np.sqrt(weight.max() - weight)])


def _on_plane(points: np.ndarray) -> np.ndarray:
    return np.column_stack([points, np.zeros(len(points))])
