"""The recorded clips of ONE participant in the form of the simulated trials.

That is: the region of paper 3 along the muscle, 25 frames a second, proximal on the left, torque
positive towards plantarflexion and angle towards dorsiflexion.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclelib.muscle_state.clock import clock_frames
from musclelib.muscle_state.geometry import measure_fascicles
from musclelib.muscle_state.real_clips import clip_kind, clip_state, open_clip
from musclelib.muscle_state.region import find_bands, place_region
from musclelib.recordings import read_push_data
from musclelib.simulator.longitudinal import FRAME_RATE

_PLACED = 12  # frames of a clip in which the muscle is sought to place the region


class RegionClip(NamedTuple):
    """A recorded clip in the form of a simulated trial."""

    kind: str
    """Such as "passive" or "isokinetic 30"."""
    frames: np.ndarray
    """Region of paper 3, uint8 `(time, 120, 496)`, 25 frames a second, proximal on the left."""
    state: np.ndarray
    """Torque [N m], plantarflexion positive, and angle [deg], dorsiflexion positive, `(time, 2)`,
    as simulated; in the recordings the angle is positive towards plantarflexion."""


def read_region_clip(folder: str | Path, name: str) -> RegionClip:
    """Read a clip of the data set `gm_torque_angle` in the form of a simulated trial.

    A frame is the one nearest to each tick of a clock of 25 Hz. In the simulation fascicles run
    down to the right, from the proximal to the distal side; a clip in which they run down to the
    left is mirrored.

    Parameters
    ----------
    folder : str or Path
        Folder of the data set.
    name : str
        Name of the clip.

    Raises
    ------
    FileNotFoundError, ValueError
        The clip is missing, damaged or without signals, or shows no muscle.
    """
    signals = read_push_data(Path(folder) / "AGR003_push_data.mat")
    state = clip_state(signals, name)
    video = open_clip(folder, name)
    frames = np.concatenate(list(video.chunks()))
    if len(frames) != len(state):
        raise ValueError(f"{name}: {len(frames)} frames, but {len(state)} values of the signals")
    ticks = nearest_frames(signals[name]["time"].values[signals[name]["frame_index"].values])
    frames, state = frames[ticks], state[ticks] * (1, -1)
    some = frames[np.linspace(0, len(frames) - 1, _PLACED).round().astype(int)]
    angle = measure_fascicles(some, pixel_size=video.pixel_size, area=None)["fascicle_angle"]
    if float(angle.median()) < 0:
        frames, some = frames[..., ::-1], some[..., ::-1]
    contours = np.stack([find_bands(frame) for frame in some])
    region = place_region(contours, video.pixel_size, video.shape)
    return RegionClip(clip_kind(name), region.extract(frames), state)


def nearest_frames(times: np.ndarray) -> np.ndarray:
    """Return the number of the frame nearest to each tick of the simulated trials' clock.

    Parameters
    ----------
    times : numpy.ndarray
        Times of the frames [s], ascending.

    Raises
    ------
    ValueError
        The frames are too slow: some would be taken twice.
    """
    places = clock_frames(times)
    if len(places) < int(np.ptp(times) * FRAME_RATE + 1e-6) + 1:
        raise ValueError(f"frames are further apart than 1/{FRAME_RATE:g} s: some are missing")
    return places
