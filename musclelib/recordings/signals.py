"""Signals recorded with a video, such as torque and joint angle, at the times of its frames."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.io
import xarray as xr
from numpy.typing import ArrayLike
from scipy.integrate import cumulative_trapezoid

_CHANNELS = {
    "torque": ("TOR", "N m", "ankle torque"),
    "angle": ("POS", "deg", "ankle angle"),
    "angular_velocity": ("VEL", "deg/s", "ankle angular velocity"),
}


class ImageGeometry(NamedTuple):
    """Position of the image in the frames of a scanner's video, and its scale."""

    crop: tuple[int, int, int, int]
    """Left and upper edge, width and height of the image [px]."""
    pixel_size: float
    """Edge of a pixel [mm]."""


def sample_by_index(signals: xr.Dataset, frame_index: ArrayLike) -> xr.Dataset:
    """Take the sample that belongs to each frame.

    Parameters
    ----------
    signals : xarray.Dataset
        Signals along the dim `time`.
    frame_index : numpy.ndarray of int
        The number of each frame's sample, counted from 0.

    Raises
    ------
    ValueError
        An index is not an integer, or no sample has it.
    """
    index = np.asarray(frame_index)
    if not np.issubdtype(index.dtype, np.integer):
        raise ValueError(f"frame_index is of type {index.dtype}; whole numbers are needed")
    count = signals.sizes["time"]
    outside = index[(index < 0) | (index >= count)]
    if outside.size:
        raise ValueError(f"frame_index {outside[0]} has no sample; allowed is 0 to {count - 1}")
    return signals.isel(time=index)


def sample_by_time(signals: xr.Dataset, frame_times: ArrayLike) -> xr.Dataset:
    """Interpolate signals linearly to the times of the frames; average the rectified EMG.

    An electromyogram is faster than any video and would alias: its absolute value is averaged from
    half a frame before to half a frame after each frame. Signals may be a little slower than the
    video; if they have fewer than one sample for every second frame, a warning says that values are
    interpolated.

    Parameters
    ----------
    signals : xarray.Dataset
        Signals along `time` [s], in ascending order.
    frame_times : numpy.ndarray
        Times of the frames on the clock of the signals [s].

    Raises
    ------
    ValueError
        The times of the signals do not ascend, are likely in milliseconds or have a gap within the
        video, or the signals do not cover the video; the message says by how many seconds.
    """
    clock, times = signals["time"].values, np.asarray(frame_times, dtype=float)
    if not np.all(np.diff(clock) > 0):
        raise ValueError("the times of the signals do not ascend")
    late, early = clock[0] - times.min(), times.max() - clock[-1]
    # rounding may put a frame at the very end just after the last sample
    if max(late, early) > 1e-9:
        gaps = [f"begin {late:.3g} s after its first frame"] * bool(late > 1e-9)
        gaps += [f"end {early:.3g} s before its last frame"] * bool(early > 1e-9)
        raise ValueError(f"the signals do not cover the video: they {' and '.join(gaps)}")
    _check_sampling(clock, np.unique(times))
    sampled = signals.interp(time=times.clip(clock[0], clock[-1]))
    if "emg" in signals and times.size > 1:
        total = cumulative_trapezoid(np.abs(signals["emg"].values), clock, initial=0)
        middle = (times[1:] + times[:-1]) / 2
        edges = np.concatenate([times[:1], middle, times[-1:]]).clip(clock[0], clock[-1])
        sampled["emg"] = sampled["emg"].copy(
            data=np.diff(np.interp(edges, clock, total)) / np.diff(edges)
        )
    return sampled


def read_signals(path: str | Path) -> xr.Dataset:
    """Read signals from a CSV file.

    Its columns are `time` [s] and any of `torque` [N m], `angle` [deg], `angular_velocity` [deg/s]
    and `emg` [V].

    Raises
    ------
    FileNotFoundError, ValueError
        The file does not exist, a column is missing or unknown, or a value is not a finite number.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        # an error for rows longer than the header, whose first value pandas would take for the
        # row's name
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
            table = pd.read_csv(path, index_col=False)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise ValueError(f"{path} cannot be read as CSV: {error}") from None
    allowed = [*_CHANNELS, "emg"]
    unknown = [name for name in table if name not in (*allowed, "time")]
    if "time" not in table or unknown or len(table.columns) < 2:
        raise ValueError(
            f"{path} has the columns {list(table)}; needed are time and some of"
            f" {', '.join(allowed)}"
        )
    for name in table:
        if table[name].dtype.kind not in "if" or not np.isfinite(table[name]).all():
            raise ValueError(f"{path}: column {name} holds something that is not a finite number")
    return xr.Dataset(
        {name: ("time", table[name]) for name in table if name != "time"}, {"time": table["time"]}
    )


def read_push_data(path: str | Path) -> dict[str, xr.Dataset]:
    """Read the signals of the recordings `gm_torque_angle` (`AGR003_push_data.mat`).

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to xarray.Dataset
        For each clip, by the name of its video without the ending: `torque` [N m], `angle` [deg]
        and `angular_velocity` [deg/s] along `time` [s], of the whole trial at 100 Hz, and
        `frame_index` along `frame`, the number of each frame's sample, counted from 0.

    Raises
    ------
    FileNotFoundError, ValueError
        The file does not exist, or has another layout.
    """
    trials = _read_struct(path, "clips")
    try:
        return {
            f"{trial}_{push}": _push(vars(pushes)[push])
            for trial, pushes in _fields(trials).items()
            for push in _fields(pushes)
        }
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{path} is not laid out as clips.trial.push: {error}") from None


def read_image_geometry(path: str | Path) -> ImageGeometry:
    """Read crop and scale of the recordings `gm_torque_angle` (`p6_params.mat`).

    The corner is used as written. The file does not say whether it is counted from 0 or from 1; the
    difference is one pixel, 0.09 mm.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    FileNotFoundError, ValueError
        The file does not exist or has another layout, or its pixels are not square.
    """
    values = _fields(_read_struct(path, "Params"))
    try:
        x0, y0, width, height = (
            round(float(values[name])) for name in ("ulcornerx", "ulcornery", "nx", "ny")
        )
        across, along = float(values["px2mmX"]), float(values["px2mmY"])
    except KeyError as error:
        raise ValueError(f"{path}: Params has no field {error}") from None
    if not np.isclose(across, along):
        raise ValueError(f"{path}: pixels of {across} x {along} mm are not square")
    return ImageGeometry((x0, y0, width, height), along)


def _check_sampling(clock: np.ndarray, times: np.ndarray) -> None:
    """Refuse signals with times likely in milliseconds or with a gap; warn of slow signals."""
    if len(times) < 2:
        return
    steps, frame = np.diff(clock), float(np.median(np.diff(times)))
    usual, lasts, video = float(np.median(steps)), clock[-1] - clock[0], times[-1] - times[0]
    slow = usual > 2 * frame
    # with times in ms, signals seem to last a thousand times as long as the video, or 500 times if
    # they cover only half of it
    if slow and lasts > 500 * video:
        raise ValueError(
            f"the signals last {lasts:g} s with a sample every {usual:.3g} s, but the video"
            f" {video:.3g} s with a frame every {frame:.3g} s: their times are likely in ms; divide"
            " them by 1000, or cut the signals to the video"
        )
    beside = np.flatnonzero((clock[1:] > times[0]) & (clock[:-1] < times[-1]))
    widest = beside[steps[beside].argmax()]
    if steps[widest] > max(5 * usual, 2 * frame):
        raise ValueError(
            f"the signals have a gap of {steps[widest]:.3g} s at {clock[widest]:.6g} s, within the"
            f" video, where samples come every {usual:.3g} s: fill it, or cut the video"
        )
    if slow:
        warnings.warn(
            f"the signals have a sample every {usual:.3g} s, the video a frame every {frame:.3g} s:"
            " frames between two samples get interpolated values",
            stacklevel=3,
        )


def _read_struct(path: str | Path, name: str) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        contents = scipy.io.loadmat(str(path), squeeze_me=True, struct_as_record=False)
    except Exception as error:  # SciPy raises many types of error for a damaged or foreign file
        raise ValueError(f"{path} cannot be read as a MAT file: {error}") from None
    if name not in contents:
        raise ValueError(f"{path} has no struct {name!r}")
    return contents[name]


def _fields(struct: Any) -> Mapping[str, Any]:
    return {name: getattr(struct, name) for name in struct._fieldnames}


def _push(push: Any) -> xr.Dataset:
    variables: dict[str, Any] = {
        name: ("time", getattr(push, field), {"units": units, "long_name": long_name})
        for name, (field, units, long_name) in _CHANNELS.items()
    }
    # stored as uint8 or uint16 and counted from 1: widen before subtracting
    index = push.frameInds.astype(np.int64) - 1
    variables["frame_index"] = ("frame", index, {"units": "1", "long_name": "sample of each frame"})
    return xr.Dataset(
        variables, {"time": ("time", push.time, {"units": "s", "long_name": "time of the trial"})}
    )
