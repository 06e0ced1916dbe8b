"""The fascicle angle of the real clips as a measure of torque and joint angle.

What the field measures by hand stands beside the estimator: a line from the fascicle angle to each
signal, fitted to the other clips of the same kind, so that task and speed have to be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from musclelib.muscle_state.geometry import measure_fascicles
from musclelib.muscle_state.real_clips import Clip, open_clip
from musclelib.muscle_state.real_video import scores
from musclelib.recordings import read_clip_observers

EVERY = 4
"""Number of frames from one measured frame to the next."""


def measured_angles(folder: str | Path, name: str) -> pd.DataFrame:
    """Measure the fascicle angle of a clip by `measure_fascicles`, in every fourth frame.

    What that learnt, it learnt from observers' marks on public images, some of them on these clips;
    it never saw torque or joint angle.

    Parameters
    ----------
    folder : str or Path
        Folder with the data set `gm_torque_angle`.
    name : str
        Name of the clip.

    Returns
    -------
    pandas.DataFrame
        `frame`, counted from 0, `angle` of the fascicles [deg] and `confidence` (0 to 1).

    Raises
    ------
    FileNotFoundError, ValueError
        The clip is missing or damaged, or shows no muscle.
    """
    video = open_clip(folder, name)
    frames = np.concatenate(list(video.chunks()))[::EVERY]
    found = measure_fascicles(frames, pixel_size=video.pixel_size, area=None)
    return pd.DataFrame(
        {
            "frame": np.arange(len(frames)) * EVERY,
            "angle": found["fascicle_angle"].values,
            "confidence": found["confidence"].values,
        }
    )


def observed_angles(folder: str | Path) -> pd.DataFrame:
    """Return `clip`, `frame` and mean `angle` of the observers [deg] in all observed frames.

    Parameters
    ----------
    folder : str or Path
        Folder of the three workbooks, see `read_clip_observers`.
    """
    found = read_clip_observers(folder)
    angle = found["fascicle_angle"].mean("observer").values  # of those who measured something
    table = pd.DataFrame({name: found[name].values for name in ("clip", "frame")})
    return table.assign(angle=angle).dropna()


def compare(clips: Mapping[str, Clip], angles: pd.DataFrame, method: str) -> pd.DataFrame:
    """Compare the fascicle angle with the signals of each clip.

    Parameters
    ----------
    clips : mapping of str to Clip
        The clips; those without angles are left out.
    angles : pandas.DataFrame
        `clip`, `frame` and `angle` [deg].
    method : str
        Name of the method in the table.

    Returns
    -------
    pandas.DataFrame
        Rows as those of `evaluate`, over the frames with an angle. A clip that is the only one of
        its kind has no row, as no other could give its line.
    """
    angles = angles[np.isfinite(angles["angle"])]
    rows = {name: part for name, part in angles.groupby("clip") if name in clips}
    tables = []
    for name, part in rows.items():
        kind = clips[name].kind
        others = [other for other in rows if other != name and clips[other].kind == kind]
        if not others:
            continue
        known = np.concatenate([_inputs(rows[other]) for other in others])
        states = [clips[other].sequence.state[rows[other]["frame"]] for other in others]
        line = np.linalg.lstsq(known, np.concatenate(states))[0]
        frames = part["frame"].to_numpy()
        tables.append(scores(name, clips[name], method, _inputs(part) @ line, frames))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _inputs(angles: pd.DataFrame) -> np.ndarray:
    return np.stack([angles["angle"], np.ones(len(angles))], axis=1)
