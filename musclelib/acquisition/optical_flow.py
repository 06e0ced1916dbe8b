"""Tissue velocity from B-mode video by dense optical flow.

The result is a real velocity sequence, but of macroscopic motion: frames come at tens of hertz and
a pixel is about 0.1 mm wide, so it shows how a contraction or a joint rotation moves the muscle,
and never the micrometre twitches of single motor units.

The flow is computed by dense inverse search, DIS (Kroeger et al. 2016, ECCV), with OpenCV's "fast"
setting, which stops at a quarter of the resolution. In one passive rotation its sums over single
frames and over steps of 32 frames agree, whereas DIS at full resolution and Farnebäck's (2003)
polynomial expansion give a smaller sum over single frames. On a clean pattern that is shifted, the
fast setting has an error of about 0.1 px a frame and the others have none; on real frames that are
shifted by 0.2 to 0.3 px it overestimates by up to a quarter, so part of that agreement may be
errors that cancel. The time course of a motion is therefore more reliable than its size, which
differed by a third between the estimators.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np

from musclelib.acquisition.area_average import area_average

SMALLEST = 12
"""Smallest height and width of frames for the search [px]."""


class Footage(Protocol):
    """B-mode frames with times and grid: a `recordings.video.Video`, or simulated frames."""

    @property
    def time(self) -> np.ndarray:
        """Time of each frame [s]."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Number of pixels of a frame along depth and lateral."""
        ...

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Spacing of the pixels along depth and lateral [mm]."""
        ...

    def chunks(self, frames: int, /) -> Iterator[np.ndarray]:
        """Yield all frames in pieces of at most `frames`, uint8 `(time, depth, lateral)`."""
        ...


class Velocity(NamedTuple):
    """Tissue velocity [mm/s], float32 `(time, depth, lateral)`; axial towards the probe."""

    axial: np.ndarray
    lateral: np.ndarray


def tissue_velocity(
    video: Footage, shape: tuple[int, int] | None = None, frames: int = 32
) -> Iterator[Velocity]:
    """Yield the velocity between consecutive frames of a video, chunk by chunk.

    N frames have N - 1 velocities; velocity k is the motion from frame k to frame k + 1, divided by
    the time between them.

    Parameters
    ----------
    video : Footage
        The frames; the flow is estimated on their grid.
    shape : tuple of int, optional
        Number of pixels along depth and lateral to which the velocity is reduced by averaging
        areas; by default that of the video.
    frames : int
        Largest number of frames in memory at a time.

    Raises
    ------
    ValueError
        The video has fewer than two frames, its grid is too small, or `shape` is impossible.
    """
    if len(video.time) < 2:
        raise ValueError(f"{video} has {len(video.time)} frame; a velocity needs at least 2")
    if min(video.shape) < SMALLEST:
        raise ValueError(
            f"{video}: a grid of {video.shape} px is too small; allowed is {SMALLEST} px or more"
        )
    # factors from px/frame to mm/s, for each interval between frames
    axial, lateral = np.outer(video.pixel_size, 1 / np.diff(video.time)).astype(np.float32)
    estimator: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    last: np.ndarray | None = None
    done = 0
    for chunk in video.chunks(frames):
        series = chunk if last is None else np.concatenate([last[np.newaxis], chunk])
        last = series[-1]
        if len(series) < 2:
            continue
        pairs = itertools.pairwise(series)
        flow = np.stack([estimator.calc(a, b, None) for a, b in pairs])  # last axis: lateral, depth
        steps = np.s_[done : done + len(flow), np.newaxis, np.newaxis]
        velocity = Velocity(flow[..., 1] * -axial[steps], flow[..., 0] * lateral[steps])
        done += len(flow)
        yield Velocity(*(area_average(part, shape or video.shape) for part in velocity))


def mean_displacement(video: Footage) -> tuple[np.ndarray, np.ndarray]:
    """Integrate the mean tissue velocity along its main direction.

    Parameters
    ----------
    video : Footage
        The frames.

    Returns
    -------
    displacement : numpy.ndarray
        Displacement since the first frame [mm], `(time,)`.
    direction : numpy.ndarray
        Unit vector (depth, lateral) along which the mean square velocity is largest. Its larger
        component is positive.
    """
    means = [
        np.stack([part.mean(axis=(1, 2), dtype=np.float64) for part in velocity], axis=1)
        for velocity in tissue_velocity(video)
    ]
    velocity = np.concatenate(means)
    direction = np.linalg.svd(velocity, full_matrices=False)[2][0]
    direction = direction * np.sign(direction[np.abs(direction).argmax()])
    steps = velocity @ direction * np.diff(video.time)
    return np.concatenate([[0.0], np.cumsum(steps)]), direction
