"""A B-mode video with its synchronised signals as a sequence."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from musclelib import sequences
from musclelib.acquisition.optical_flow import tissue_velocity
from musclelib.recordings.video import Video


def video_sequence(video: Video, signals: xr.Dataset | None, *, source: str) -> xr.Dataset:
    """Turn a video into one sequence of grey values, axial and lateral velocity, with its signals.

    The velocity is that of the macroscopic motion from one frame to the next, by optical flow; the
    last frame, which has no next one, is left out. The whole video is held in memory.

    Parameters
    ----------
    video : Video
        The video; the sequence has the same grid.
    signals : xarray.Dataset, optional
        `torque` [N m], `angle` [deg], `angular_velocity` [deg/s] or `emg` [V], one value for each
        frame along `time`.
    source : str
        Origin and licence of the video.

    Raises
    ------
    ValueError
        A signal does not have one value for each frame, or the video does not decode.
    """
    names = (
        []
        if signals is None
        else [str(name) for name in signals.data_vars if signals[name].dims == ("time",)]
    )
    for name in names:
        assert signals is not None
        if signals[name].size != video.frame_count:
            raise ValueError(
                f"{video.path}: {name} has {signals[name].size} values for {video.frame_count}"
                " frames; give one a frame"
            )
    parts = list(tissue_velocity(video))
    velocity, lateral = (np.concatenate([part[axis] for part in parts]) for axis in (0, 1))
    intensity = np.concatenate(list(video.chunks()))[:-1]
    variables = {
        "intensity": intensity[None],
        "velocity": velocity[None],
        "lateral_velocity": lateral[None],
    }
    variables |= sequences.standardisation(velocity)
    variables |= {name: signals[name].values[None, :-1] for name in names if signals is not None}
    parameters = {
        "crop": video.crop,
        "frame_rate": video.frame_rate,
        "pixel_size": video.pixel_size,
    }
    parameters |= {"bits": video.bits} if video.bits > 8 else {}  # the scale of the grey values
    return sequences.build(
        variables,
        time=video.time[:-1],
        depth=video.depth,
        lateral=video.lateral,
        domain="recorded",
        source=source,
        parameters=json.dumps(parameters),
        units={"intensity": "1"},
    )
