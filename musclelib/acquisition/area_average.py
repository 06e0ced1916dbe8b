"""Reduce frames to a coarser grid by averaging the area that each new pixel covers."""

from __future__ import annotations

import cv2
import numpy as np


def area_average(frames: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Reduce frames to a coarser grid; each new pixel is the mean of the area that it covers.

    Parameters
    ----------
    frames : numpy.ndarray
        `(time, depth, lateral)`.
    shape : tuple of int
        Number of new pixels along depth and lateral.

    Raises
    ------
    ValueError
        The grid is finer than the frames, or empty.
    """
    check_grid(shape, (frames.shape[1], frames.shape[2]))
    if frames.shape[1:] == tuple(shape):
        return frames
    resized: list[np.ndarray] = [
        cv2.resize(frame, shape[::-1], interpolation=cv2.INTER_AREA) for frame in frames
    ]
    return np.stack(resized)


def check_grid(shape: tuple[int, int], available: tuple[int, int]) -> None:
    """Refuse a grid of `shape` that is empty or finer than the `available` one.

    Raises
    ------
    ValueError
        The grid is empty or finer along depth or lateral.
    """
    if not all(1 <= new <= old for new, old in zip(shape, available, strict=True)):
        raise ValueError(
            f"shape (depth, lateral) = {shape}: allowed is 1 up to {available}, averaging only"
            " shrinks"
        )
