from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from musclelib.muscle_state.estimator import Features
from musclelib.muscle_state.real_clips import Clip
from musclelib.muscle_state.real_fascicles import compare
from musclelib.muscle_state.state_windows import KnownSequence


def _clip(kind: str, torque: np.ndarray, angle: np.ndarray) -> Clip:
    state = np.stack([torque, angle], axis=1).astype(np.float32)
    nothing = np.zeros((len(state), 1), np.float32)
    return Clip(kind, KnownSequence(Features(nothing, nothing), state), np.zeros(len(state)))


def test_the_line_of_a_clip_comes_from_the_other_clips_of_its_kind():
    time = np.linspace(0, 6, 100)
    rotation = 30 * np.sin(time)
    clips = {
        "a": _clip("passive", 0 * time, rotation),
        "b": _clip("passive", 0 * time, 0.5 * rotation),
        "c": _clip("isometric", 3 * rotation, 0 * time),
    }
    frames = np.arange(0, 100, 5)
    fascicle = 20 + rotation[frames] / 10
    # the fascicles of b turn by half as much at the same joint angle, as its line knows nothing of
    angles = pd.concat(
        [
            pd.DataFrame({"clip": name, "frame": frames, "angle": fascicle})
            for name in ("a", "b", "c", "unknown")
        ]
    )
    table = compare(clips, angles, "by hand").set_index("clip")
    assert sorted(table.index) == ["a", "b"]  # c is the only one of its kind
    assert set(table["signal"]) == {"angle"}  # the torque of passive clips does not vary here
    assert table["r"].to_numpy() == pytest.approx([1, 1], abs=1e-6)
    wanted = np.sqrt(np.mean((0.5 * rotation[frames]) ** 2))
    assert table["rmse"].to_numpy() == pytest.approx([wanted, wanted], rel=1e-5)


def test_frames_without_a_measured_angle_do_not_count():
    time = np.linspace(0, 6, 60)
    clips = {name: _clip("passive", 0 * time, 30 * np.sin(time)) for name in "ab"}
    angle = np.where(np.arange(60) % 2, np.nan, 20 + 3 * np.sin(time))
    angles = pd.concat(
        [pd.DataFrame({"clip": name, "frame": np.arange(60), "angle": angle}) for name in "ab"]
    )
    assert compare(clips, angles, "by hand")["rmse"].max() == pytest.approx(0, abs=1e-4)
