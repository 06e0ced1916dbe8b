"""The clips `gm_torque_angle` of ONE participant's gastrocnemius, with torque and joint angle."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from musclelib.acquisition.optical_flow import mean_displacement
from musclelib.files import whole
from musclelib.muscle_state.estimator import Features, frame_features
from musclelib.muscle_state.state_windows import KnownSequence
from musclelib.recordings import (
    Video,
    open_video,
    read_image_geometry,
    read_push_data,
    sample_by_index,
)

SIGNALS = ("torque", "angle")
"""Signals of the clips [N m, deg], both positive towards plantarflexion."""

FRAME_RATE = 61.0
"""Frame rate of the clips [Hz], by the times of their frames."""

_USUAL = {"torque": (5, 500), "angle": (5, 180)}  # largest range in a clip [N m, deg]


class Clip(NamedTuple):
    """One clip with everything that is made from it."""

    kind: str
    """Such as "passive" or "isokinetic 30": the task, and its speed [deg/s]."""
    sequence: KnownSequence
    """Features and `SIGNALS`."""
    displacement: np.ndarray
    """Mean displacement by optical flow since the first frame [mm], `(time,)`."""


def read_clips(
    folder: str | Path, cache: str | Path, names: Sequence[str] | None = None
) -> dict[str, Clip]:
    """Read clips of a folder with the data set `gm_torque_angle`, and make their features.

    Parameters
    ----------
    folder : str or Path
        Folder with `AGR003_push_data.mat`, `p6_params.mat` and clips `p6_*.mp4`.
    cache : str or Path
        Folder in which the features are kept; they are made once, in about 2 min for 17 clips.
    names : sequence of str, optional
        Names of the clips, by default all of the folder.

    Returns
    -------
    dict of str to Clip
        Clips by the name of their file without the ending.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing or damaged, a clip and its signals differ in length or clock, or a signal
        has another unit or values that are not finite.
    """
    folder, cache = Path(folder), Path(cache)
    signals = read_push_data(folder / "AGR003_push_data.mat")
    _check_units(signals, folder)
    chosen = sorted(path.stem for path in folder.glob("p6_*.mp4")) if names is None else names
    if not chosen:
        raise FileNotFoundError(f"{folder} has no clip p6_*.mp4")
    states = [clip_state(signals, name) for name in chosen]
    with ThreadPoolExecutor(2) as pool:  # OpenCV computes beside Python
        made = pool.map(partial(_features, folder, cache), chosen)
    clips = {}
    for name, state, (appearance, motion, displacement) in zip(chosen, states, made, strict=True):
        if len(appearance) != len(state):
            raise ValueError(
                f"{folder / name}.mp4: {len(appearance)} frames, but {len(state)} values of the"
                " signals; needed is one a frame"
            )
        sequence = KnownSequence(Features(appearance, motion), state)
        clips[name] = Clip(clip_kind(name), sequence, displacement)
    return clips


def open_clip(folder: str | Path, name: str) -> Video:
    """Open the video of a clip, cropped to the ultrasound image.

    Parameters
    ----------
    folder : str or Path
        Folder with `p6_params.mat` and the clip.
    name : str
        Name of the clip.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing or damaged.
    """
    geometry = read_image_geometry(Path(folder) / "p6_params.mat")
    path = Path(folder) / f"{name}.mp4"
    return open_video(path, pixel_size=geometry.pixel_size, crop=geometry.crop)


def clip_state(signals: Mapping[str, xr.Dataset], name: str) -> np.ndarray:
    """Return `SIGNALS` at the frames of a clip, float32 `(time, signal)`.

    Parameters
    ----------
    signals : mapping of str to xarray.Dataset
        What `read_push_data` returns.
    name : str
        Name of the clip.

    Raises
    ------
    ValueError
        The clip has no signals, or a value that is not finite, or the frames do not come at
        `FRAME_RATE` (within 5 %) by the clock of the signals.
    """
    if name not in signals:
        raise ValueError(f"clip {name}: no signals; there are those of {', '.join(signals)}")
    known = signals[name]
    at_frames = sample_by_index(known, known["frame_index"].values)
    times = at_frames["time"].values
    rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else np.nan
    if not np.all(np.diff(times) > 0) or not np.isclose(rate, FRAME_RATE, rtol=0.05):
        raise ValueError(
            f"clip {name}: {rate:.4g} frames a second by the clock of the signals; needed are times"
            f" that ascend, at {FRAME_RATE:g} Hz"
        )
    state = np.stack([at_frames[signal].values for signal in SIGNALS], axis=1)
    if not np.isfinite(state).all():
        raise ValueError(f"clip {name}: a signal has values that are not finite")
    return state.astype(np.float32)


def clip_kind(name: str) -> str:
    """Return the kind of a clip: of `p6_isokinetic030_01_push_01`, it is "isokinetic 30"."""
    task = name.split("_")[1]
    speed = task.removeprefix("isokinetic")
    return task if speed == task else f"isokinetic {int(speed)}"


def _features(folder: Path, cache: Path, name: str) -> list[np.ndarray]:
    """Return appearance, motion and displacement of a clip, from the cache if it has them."""
    path = folder / f"{name}.mp4"
    if not path.is_file():
        raise FileNotFoundError(f"there is no clip {path}")
    # a file of the same name that shows something else has features of its own
    kept = cache / f"{name}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.npz"
    if not kept.is_file():
        video = open_clip(folder, name)
        frames = itertools.chain.from_iterable(video.chunks())
        made = (*frame_features(frames), mean_displacement(video)[0])
        kept.parent.mkdir(parents=True, exist_ok=True)
        with whole(kept) as new, new.open("wb") as file:
            np.savez(file, *made)
    with np.load(kept, allow_pickle=False) as held:
        return [held[name] for name in held.files]


def _check_units(signals: Mapping[str, xr.Dataset], folder: Path) -> None:
    """Refuse signals whose ranges no ankle reaches, or that hardly vary, as angles in radians."""
    for name, (low, high) in _USUAL.items():
        largest = max(float(np.ptp(one[name].values)) for one in signals.values())
        if not low <= largest <= high:
            unit = next(iter(signals.values()))[name].attrs["units"]
            raise ValueError(
                f"{folder}: {name} varies by up to {largest:.3g} in a clip; {low} to {high} {unit}"
                " are possible: is it in another unit?"
            )
