"""Torque, angle and EMG of the tibialis anterior with its tracked fascicles, from a public set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import xarray as xr

_CHANNELS = {
    "torque": ("Torque", "Nm", "N m", "ankle torque, dorsiflexion positive"),
    "angle": ("Angle", "Deg", "deg", "ankle angle, plantarflexion positive"),
    "emg": ("EMG_TA", "V", "V", "amplified EMG of the tibialis anterior"),
}


def read_tibialis(path: str | Path, tracks: str | Path | None = None) -> xr.Dataset:
    """Read one trial of the recordings `ta_torque_angle_emg` (Tecchio et al., 2023).

    Parameters
    ----------
    path : str or Path
        The file of the signals (MAT v7.3), such as `ta_torque_angle_emg/Ref_Long_01.mat`.
    tracks : str or Path, optional
        The file of the tracked fascicles of the same trial (MAT v5), of the same name in the folder
        `US_Data/Fas_Data`.

    Returns
    -------
    xarray.Dataset
        `torque` [N m], `angle` [deg] and `emg` [V] along `time` [s] at 2000 Hz. The torque of
        dorsiflexion and the angle of plantarflexion, which lengthens the muscle, are positive. The
        EMG has an offset of -0.01 to 0.02 V, to be taken off before it is rectified. With tracks
        also `frame_time` [s], on the clock of the signals, and of the superficial and the deep part
        of the muscle `fascicle_length` [mm] and `pennation` [deg] `(region, frame)`.

    Raises
    ------
    FileNotFoundError, ValueError
        A file does not exist or has another layout, a unit is another one, the channels do not
        share a clock, or there is no time for each frame that was tracked.

    Examples
    --------
    >>> from musclelib.recordings import fetch, read_tibialis
    >>> name = "Ref_Long_01.mat"
    >>> trial = read_tibialis(  # doctest: +SKIP
    ...     fetch(f"ta_torque_angle_emg/{name}"),
    ...     fetch(f"ta_torque_angle_emg/US_Data/Fas_Data/{name}"),
    ... )
    """
    for file in (path, tracks):
        if file is not None and not Path(file).is_file():
            raise FileNotFoundError(f"there is no file {file}")
    try:
        with h5py.File(path) as contents:
            groups = [channel for channel, *_ in _CHANNELS.values()] + ["US"]
            if not all(isinstance(contents.get(group), h5py.Group) for group in groups):
                raise KeyError(f"it needs the structs {', '.join(groups)}")
            signals, frame_time = _signals(path, contents), _frame_times(contents)
    except (OSError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise ValueError(f"{path} is not laid out as a trial in MAT v7.3: {error}") from None
    if tracks is None:
        return signals
    length, pennation = _fascicles(tracks)
    if len(frame_time) != length.shape[1]:
        raise ValueError(
            f"{tracks} has {length.shape[1]} frames, but {path} the times of {len(frame_time)}"
        )
    both = ("region", "frame")
    return signals.assign(
        frame_time=("frame", frame_time, {"units": "s", "long_name": "time of each frame"}),
        fascicle_length=(both, length, {"units": "mm", "long_name": "fascicle length"}),
        pennation=(both, pennation, {"units": "deg", "long_name": "pennation"}),
    )


def _signals(path: str | Path, contents: h5py.File) -> xr.Dataset:
    clocks, variables = [], {}
    for name, (channel, unit, written, long_name) in _CHANNELS.items():
        stored = contents[channel]
        found = "".join(map(chr, np.ravel(stored["units"][()])))
        if found.strip().lower() != unit.lower():
            raise ValueError(f"{path}: {channel} is in {found!r}; {unit!r} is needed")
        values = np.ravel(stored["values"][()])
        clocks.append((stored["start"][0, 0], stored["interval"][0, 0], len(values)))
        variables[name] = ("time", values, {"units": written, "long_name": long_name})
    start, interval, count = clocks[0]
    if any(
        abs(other - start) > interval or abs(step - interval) > 1e-9 or length != count
        for other, step, length in clocks
    ):
        raise ValueError(f"{path}: the channels {', '.join(_CHANNELS)} do not share a clock")
    time = start + interval * np.arange(count)
    return xr.Dataset(variables, {"time": ("time", time, {"units": "s", "long_name": "time"})})


def _frame_times(contents: h5py.File) -> np.ndarray:
    stored = contents["US/times"]
    empty = "MATLAB_empty" in stored.attrs  # it then holds its shape instead of values
    return np.empty(0) if empty else np.ravel(stored[()]).astype(float)


def _fascicles(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Return fascicle lengths [mm] and pennation [deg] `(region, frame)`."""
    try:
        contents: Any = scipy.io.loadmat(str(path), squeeze_me=True, struct_as_record=False)
        regions = np.atleast_1d(contents["Fdat"].Region)
        lengths = np.array([region.FL for region in regions], float)
        angles = np.degrees(np.array([region.PEN for region in regions], float))
    except Exception as error:  # SciPy raises many types of error for a damaged or foreign file
        raise ValueError(f"{path} holds no tracked fascicles Fdat.Region: {error}") from None
    if lengths.ndim != 2 or lengths.shape != angles.shape or not np.isfinite(lengths).all():
        raise ValueError(f"{path}: each region needs a finite length and pennation for each frame")
    return lengths, angles
