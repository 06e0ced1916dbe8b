"""Territories of motor units on the pixel grid: their pixels, and the velocity across them."""

from __future__ import annotations

import numpy as np

SOFT_EDGE = 0.5
"""Width of the edge of a soft disc [mm]."""


def territories(
    profile: str, centre: np.ndarray, diameter: np.ndarray, depth: np.ndarray, lateral: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw circular territories.

    Parameters
    ----------
    profile : str
        "disc" has a uniform velocity; "soft disc" falls to zero over 0.5 mm at the rim; "gaussian"
        has an SD of a quarter of the diameter; "point" is the pixel nearest to the centre.
    centre : numpy.ndarray
        `(unit, 2)`: depth and lateral position [mm].
    diameter : numpy.ndarray
        `(unit,)` [mm].
    depth, lateral : numpy.ndarray
        Pixel centres [mm].

    Returns
    -------
    mask : numpy.ndarray
        `(unit, depth, lateral)` bool: the pixels of the territory, at least the one nearest to the
        centre.
    weight : numpy.ndarray
        `(unit, depth, lateral)` float32: velocity relative to that of the twitch train.
    """
    distance = np.hypot(
        depth[None, :, None] - centre[:, 0, None, None],
        lateral[None, None, :] - centre[:, 1, None, None],
    )
    radius = diameter[:, None, None] / 2
    nearest = distance == distance.min(axis=(1, 2), keepdims=True)
    mask = nearest if profile == "point" else (distance <= radius) | nearest
    if profile == "gaussian":
        weight = np.exp(-0.5 * (distance / (radius / 2)) ** 2)
    elif profile == "soft disc":
        weight = np.clip((radius - distance) / SOFT_EDGE + 0.5, 0, 1)
    else:
        weight = mask
    return mask, weight.astype(np.float32)
