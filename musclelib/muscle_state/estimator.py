"""Estimate the state of a muscle from video: absolute, without drift, with a stated uncertainty.

The appearance of a frame says where the muscle is, with an error that does not grow; the motion
between frames says how it got there, with hardly any noise, but errors that add up. A temporal
network states both with their SDs, and the path of least squares through all of them is the
estimate: smooth where motion is certain, and drawn back by appearance all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from scipy.linalg import solveh_banded

from musclelib.muscle_state.features import motion_features
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters

GREY = (24, 32)
"""Cells along depth and lateral of which the mean grey value is taken."""

ORIENTATION = (6, 12)
"""Cells along depth and lateral of which the mean orientation is taken, and the motion."""

WINDOW = 15
"""Side of the window with which corners are followed [px]."""

_SMOOTHING = 2.0  # SD of the Gaussian before the gradients of the orientation [px]
_LASTING = 10  # how many times longer the errors of changes last than those of the state
_DOUBTFUL = 0.1  # confidence below which the features of a frame are replaced
_LOST = 100.0  # novelty of a frame to which no corner could be followed


class Features(NamedTuple):
    """Features of the frames of a video, float32, one row a frame."""

    appearance: np.ndarray
    """Grey values and orientations of cells, `(time, 912)`."""
    motion: np.ndarray
    """Displacements of cells since the previous frame [px], `(time, 144)`; first row zero.

    NaN where no corner could be followed.
    """


class Estimate(NamedTuple):
    """Signals estimated from a video."""

    state: np.ndarray
    """`(time, signal)`, in the units of the training."""
    state_sd: np.ndarray
    """Stated SD of the error of `state`."""
    change: np.ndarray
    """Change of each signal since the previous frame, `(time, signal)`; first row zero."""
    change_sd: np.ndarray
    """Stated SD of the error of `change`."""
    confidence: np.ndarray
    """From 0 to 1, `(time,)`: 1 for a frame like those of the training; SDs are divided by it."""


def frame_features(frames: Iterable[np.ndarray]) -> Features:
    """Return appearance and motion features of consecutive frames.

    Appearance is the mean grey value [0-1] of 24 x 32 cells, then the mean orientation of 6 x 12
    cells: cosine and sine of twice the angle of the gradients, weighted by their square. Motion is
    that of paper 3, `motion_features`, around the centres of these 6 x 12 cells.

    Parameters
    ----------
    frames : iterable of numpy.ndarray
        Frames `(depth, lateral)`, uint8, one at a time in memory.

    Raises
    ------
    ValueError
        There is no frame, or a frame has another shape or type than needed.
    """
    rows: list[np.ndarray] = []
    motion: list[np.ndarray] = []
    points = np.empty((0, 2))
    last: np.ndarray | None = None
    for frame in _checked(frames):
        rows.append(_appearance(frame))
        if last is None:
            points = _centres(frame.shape)
            motion.append(np.zeros(2 * len(points), np.float32))
        else:
            motion.append(motion_features([last, frame], points, WINDOW)[0])
        last = frame
    if not rows:
        raise ValueError("the video has no frames")
    return Features(np.stack(rows), np.stack(motion))


def estimate(features: Features, networks: Sequence[StateEstimator]) -> Estimate:
    """Estimate the signals of a video by networks that were trained with different seeds.

    Means and variances are those of the mixture of the networks' Gaussians (Lakshminarayanan et al.
    2017). Frames unlike the training frames get a larger SD, so that appearance there counts less,
    and the features of frames with a confidence below 0.1, such as corrupt ones, are interpolated.

    Parameters
    ----------
    features : Features
        Features of the video.
    networks : sequence of StateEstimator
        Networks of one training set.

    Raises
    ------
    ValueError
        There is no network, or the features are not those that it was trained with.
    """
    if not networks:
        raise ValueError("networks: none is given; needed are one or more")
    settings = networks[0].settings
    for name, rows in zip(features._fields, features, strict=True):
        wanted = getattr(settings, name)
        if rows.ndim != 2 or rows.shape[1] != wanted:
            raise ValueError(f"{name} of shape {rows.shape}: the network takes (time, {wanted})")
    confidence = _confidence(features, networks)
    appearance, motion = _bridged(features, confidence)
    means, variances = [], []
    with torch.no_grad():
        for network in networks:
            out = network.eval()(appearance, motion)
            centre, scale = network.state_mean, network.state_sd
            means.append((out.state[0] * scale + centre, out.change[0] * network.change_sd))
            sds = (out.state_log_sd.exp()[0] * scale, out.change_log_sd.exp()[0])
            variances.append((sds[0].square(), (sds[1] * network.change_sd).square()))
    (state, state_sd), (change, change_sd) = (
        _mixture([part[i] for part in means], [part[i] for part in variances]) for i in (0, 1)
    )
    state_sd, change_sd = (sd / confidence[:, None] for sd in (state_sd, change_sd))
    change[0] = 0
    return Estimate(
        fuse(state, state_sd, change, change_sd), state_sd, change, change_sd, confidence
    )


def fuse(
    state: np.ndarray, state_sd: np.ndarray, change: np.ndarray, change_sd: np.ndarray
) -> np.ndarray:
    """Return the path of least squares through estimates of the state and of its changes.

    x minimises sum_t (x_t - state_t)^2 / state_sd_t^2 + (x_t - x_t-1 - change_t)^2 / (n
    change_sd_t^2), where n = 10 because errors of changes are those of a gain: they last, and add
    up faster than independent ones.

    Parameters
    ----------
    state, state_sd, change, change_sd : numpy.ndarray
        Estimates and their SDs `(time, signal)`; the first row of the changes has no effect.
    """
    near, step = 1 / state_sd**2, 1 / (_LASTING * change_sd[1:] ** 2)
    path = np.empty_like(state, dtype=float)
    for signal in range(state.shape[1]):
        diagonal, pull = near[:, signal].copy(), near[:, signal] * state[:, signal]
        between, moved = step[:, signal], step[:, signal] * change[1:, signal]
        diagonal[1:] += between
        diagonal[:-1] += between
        pull[1:] += moved
        pull[:-1] -= moved
        bands = np.stack([np.concatenate([[0.0], -between]), diagonal])
        path[:, signal] = solveh_banded(bands, pull)
    return path


def check_video(
    settings: StateEstimatorParameters,
    shape: tuple[int, int],
    pixel_size: tuple[float, float],
    frame_rate: float,
) -> None:
    """Refuse a video on another grid or of another frame rate than the training's.

    Raises
    ------
    ValueError
        Shape, pixel size (by more than 2 %) or frame rate (by more than 5 %) differ.
    """
    if tuple(shape) != tuple(settings.shape):
        raise ValueError(
            f"frames of {tuple(shape)} px: the estimator was trained on {tuple(settings.shape)} px"
        )
    if not np.allclose(pixel_size, settings.pixel_size, rtol=0.02):
        raise ValueError(
            f"pixels of {tuple(pixel_size)} mm: the estimator was trained on"
            f" {tuple(settings.pixel_size)} mm"
        )
    if not np.isclose(frame_rate, settings.frame_rate, rtol=0.05):
        raise ValueError(
            f"frame rate of {frame_rate:.4g} Hz: the estimator was trained at"
            f" {settings.frame_rate:.4g} Hz"
        )


def _checked(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    shape = None
    for number, frame in enumerate(frames):
        if frame.ndim != 2 or frame.dtype != np.uint8 or shape not in (None, frame.shape):
            needed = "(depth, lateral)" if shape is None else shape
            raise ValueError(
                f"frame {number} is {frame.dtype} of shape {frame.shape}; needed is uint8 {needed}"
            )
        shape = frame.shape
        yield frame


def _appearance(frame: np.ndarray) -> np.ndarray:
    grey = frame.astype(np.float32) / 255
    smooth = cv2.GaussianBlur(grey, (0, 0), _SMOOTHING)
    down, across = cv2.Sobel(smooth, cv2.CV_32F, 0, 1), cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    xx, yy, xy = (_cells(part, ORIENTATION) for part in (across**2, down**2, across * down))
    total = xx + yy + 1e-8
    return np.concatenate([_cells(grey, GREY), (xx - yy) / total, 2 * xy / total])


def _cells(values: np.ndarray, count: tuple[int, int]) -> np.ndarray:
    return cv2.resize(values, count[::-1], interpolation=cv2.INTER_AREA).ravel()


def _centres(shape: tuple[int, ...]) -> np.ndarray:
    """Return the centres of the cells of motion, `(point, 2)` of (depth, lateral) [px]."""
    axes = [
        (np.arange(count) + 0.5) * size / count - 0.5
        for count, size in zip(ORIENTATION, shape, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def _confidence(features: Features, networks: Sequence[StateEstimator]) -> np.ndarray:
    """Return the confidence of each frame, the mean of the networks' novelty turned round."""
    appearance = torch.from_numpy(features.appearance)[None]
    novelty = torch.stack([network.novelty(appearance)[0] for network in networks]).mean(dim=0)
    lost = torch.from_numpy(np.isnan(features.motion).any(axis=1))
    return 1 / novelty.clamp(min=1).masked_fill(lost, _LOST).double().numpy()


def _bridged(features: Features, confidence: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return appearance and motion with a batch axis, without those of frames that are doubtful.

    They would mislead the frames around them, which the convolutions see together: the features are
    interpolated between the nearest frames that are not doubtful, if there are any.
    """
    good = confidence >= _DOUBTFUL
    both = good & np.concatenate([[True], good[:-1]])  # a motion takes two frames
    parts = []
    for rows, kept in ((features.appearance, good), (features.motion, both)):
        filled = np.nan_to_num(rows)
        if kept.any() and not kept.all():
            known, frames = np.flatnonzero(kept), np.arange(len(rows))
            after = np.searchsorted(known, frames).clip(0, len(known) - 1)
            first, last = known[(after - (known[after] > frames)).clip(0)], known[after]
            share = np.divide(frames - first, last - first, where=last > first, out=0.0 * frames)
            filled = filled[first] + share[:, np.newaxis].clip(0, 1) * (
                filled[last] - filled[first]
            )
        parts.append(torch.from_numpy(filled.astype(np.float32))[None])
    return parts[0], parts[1]


def _mixture(
    means: list[torch.Tensor], variances: list[torch.Tensor]
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and SD of an equal mixture of Gaussians."""
    mean, variance = torch.stack(means).double(), torch.stack(variances).double()
    total = variance.mean(dim=0) + mean.var(dim=0, correction=0)
    return mean.mean(dim=0).numpy(), total.sqrt().numpy()
