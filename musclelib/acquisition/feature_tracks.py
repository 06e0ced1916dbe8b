"""Corner features of B-mode frames, and their motion to the next frame (paper 3, section III-D).

Corners are found by the smaller eigenvalue of the structure tensor (Shi and Tomasi 1994), and each
is followed one frame forward by the pyramidal Lucas-Kanade method (Bouguet 2001), both of OpenCV.
Positions and displacements are `(depth, lateral)` [px]; depth increases downwards.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

WINDOWS = (11, 15, 19)
"""Side lengths of the windows of paper 3 (Table 1) [px]."""

_QUALITY = 1e-3  # smallest corner strength, relative to the strongest corner of the frame
_DISTANCE = 4.0  # smallest distance between corners [px]: a region of 120 x 496 holds 1000 corners
_BLOCK = 5  # side length of the neighbourhood of a corner's structure tensor [px]
_LEVELS = 3  # halvings of the resolution: a motion of about four windows can still be found
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01)  # iterations, step [px]


def corners(frame: np.ndarray, count: int = 1000) -> np.ndarray:
    """Find the strongest corners of a frame.

    Parameters
    ----------
    frame : numpy.ndarray
        Grey values `(depth, lateral)`, uint8 or float; floats are scaled between their extremes.
    count : int
        Largest number of corners.

    Returns
    -------
    numpy.ndarray
        Positions, float32 `(point, 2)` of (depth, lateral) [px], the strongest corner first; empty
        for a frame without structure.

    Raises
    ------
    ValueError
        The frame is not two-dimensional, or has values that are not finite.
    """
    (grey,) = _grey(frame)
    found = cv2.goodFeaturesToTrack(grey, count, _QUALITY, _DISTANCE, blockSize=_BLOCK)
    if found is None:
        return np.empty((0, 2), np.float32)
    return np.ascontiguousarray(found[:, 0, ::-1])


def displacements(
    frame: np.ndarray, following: np.ndarray, points: np.ndarray, window: int = 15
) -> tuple[np.ndarray, np.ndarray]:
    """Follow points from one frame to the next.

    Parameters
    ----------
    frame, following : numpy.ndarray
        Grey values `(depth, lateral)`, uint8 or float; floats are scaled between the extremes of
        both frames.
    points : numpy.ndarray
        Positions in `frame`, `(point, 2)` of (depth, lateral) [px].
    window : int
        Side length of the window that is compared [px]; paper 3 has 11, 15 and 19.

    Returns
    -------
    displacement : numpy.ndarray
        float32 `(point, 2)` of (depth, lateral) [px]; zero for points that were lost.
    status : numpy.ndarray
        bool `(point,)`: whether the point was found again within the frame.

    Raises
    ------
    ValueError
        The frames differ in shape, are not two-dimensional or not finite, or the window is
        impossible.
    """
    if frame.shape != following.shape:
        raise ValueError(f"frames of {frame.shape} and {following.shape}: their shapes must agree")
    if not 3 <= window <= min(frame.shape) or window % 2 == 0:
        raise ValueError(
            f"window = {window} px: allowed is an odd number from 3 to {min(frame.shape)}"
        )
    if not len(points):
        return np.empty((0, 2), np.float32), np.empty(0, bool)

    first, second = _grey(frame, following)
    start = np.ascontiguousarray(np.asarray(points, np.float32)[:, np.newaxis, ::-1])
    search: Any = cv2.calcOpticalFlowPyrLK  # the type stub demands an array for the first guess
    end, found, _ = search(
        first, second, start, None, winSize=(window, window), maxLevel=_LEVELS, criteria=_STOP
    )

    # the search reports points as found that it has moved out of the frame
    height, width = frame.shape
    inside = (end >= 0).all(axis=(1, 2)) & (end[:, 0] <= (width - 1, height - 1)).all(axis=1)
    status = (found[:, 0] == 1) & inside
    moved = np.where(status[:, np.newaxis], (end - start)[:, 0, ::-1], 0)
    return moved.astype(np.float32), status


def _grey(*frames: np.ndarray) -> list[np.ndarray]:
    """Return frames as uint8, with one scale for all."""
    for frame in frames:
        if frame.ndim != 2:
            raise ValueError(f"frame of shape {frame.shape}: needed is (depth, lateral)")
        if not np.isfinite(frame).all():
            raise ValueError("frame: has values that are not finite; needed are grey values")
    if all(frame.dtype == np.uint8 for frame in frames):
        return [np.ascontiguousarray(frame) for frame in frames]
    low, high = min(frame.min() for frame in frames), max(frame.max() for frame in frames)
    scale = 255 / (high - low) if high > low else 0.0
    return [((frame - float(low)) * scale).round().astype(np.uint8) for frame in frames]
