"""Signals recorded with a researcher's video, at the times of its frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from musclelib.muscle_state.own_video.opening import OwnVideo
from musclelib.recordings import read_push_data, read_signals, sample_by_index, sample_by_time

UNITS = {"torque": "N m", "angle": "deg", "angular_velocity": "deg/s", "emg": "V"}
"""Units of the signals."""

_LARGEST = {"torque": 1000.0, "angle": 360.0, "angular_velocity": 3000.0, "emg": 10.0}


def signals_at_frames(own: OwnVideo, path: str | Path, start: float = 0.0) -> xr.Dataset:
    """Read signals and take them to the frames of a video.

    Parameters
    ----------
    own : OwnVideo
        The video.
    path : str or Path
        CSV file with the column `time` [s] and any of `torque` [N m], `angle` [deg],
        `angular_velocity` [deg/s] and `emg` [V], which becomes its mean rectified value about each
        frame; or `AGR003_push_data.mat` of the public recordings `gm_torque_angle`.
    start : float
        Time of the first frame of the whole video on the clock of a CSV file [s].

    Returns
    -------
    xarray.Dataset
        The signals by `time` [s], that of the frames.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The signals do not cover the video, are likely in another unit or on another clock, or
        have another number of samples than the video has frames.
    """
    path = Path(path)
    if path.suffix.lower() == ".mat":
        sampled = _push_at_frames(own, path)
    else:
        recorded = read_signals(path)
        _check_sizes(recorded, path)
        try:
            sampled = sample_by_time(recorded, own.time + start)
        except ValueError as error:
            raise ValueError(
                f"{path}: {error}; signals_start = {start:g} s is the time of the video's first"
                " frame on the clock of the signals"
            ) from None
    kept = {
        str(name): ("time", sampled[name].values, {"units": UNITS[str(name)]})
        for name in sampled.data_vars
        if name in UNITS
    }
    return xr.Dataset(kept, {"time": own.time})


def _push_at_frames(own: OwnVideo, path: Path) -> xr.Dataset:
    clips, name = read_push_data(path), own.video.path.stem
    if name not in clips:
        raise ValueError(f"{path} has no clip {name!r}; it has {', '.join(clips)}")
    index = clips[name]["frame_index"].values
    if len(index) != own.video.frame_count:
        raise ValueError(
            f"{path}: {len(index)} samples for the {own.video.frame_count} frames of {own}; needed"
            " is one a frame"
        )
    return sample_by_index(clips[name], index[own.first : own.stop])


def _check_sizes(recorded: xr.Dataset, path: Path) -> None:
    """Refuse values that no muscle makes, which are in another unit."""
    for name in recorded.data_vars:
        largest = float(np.abs(recorded[name]).max())
        if largest > _LARGEST[str(name)]:
            raise ValueError(
                f"{path}: {name} reaches {largest:g} {UNITS[str(name)]}; at most"
                f" {_LARGEST[str(name)]:g} is possible: convert it to {UNITS[str(name)]}"
            )
