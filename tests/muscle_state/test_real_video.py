from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from musclelib.muscle_state import real_video
from musclelib.muscle_state.estimator import Features
from musclelib.muscle_state.estimator_recipe import TRAINING
from musclelib.muscle_state.real_clips import Clip
from musclelib.muscle_state.real_video import (
    agreement,
    evaluate,
    overview,
    splits,
    summary,
)
from musclelib.muscle_state.state_windows import KnownSequence


def _clip(kind: str, seed: int) -> Clip:
    """Return a clip whose appearance shows both signals, and whose motion shows their changes."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, 60)
    angle = 20 * np.sin(3 * time + rng.uniform(0, 1)) * (kind != "isometric")
    torque = 30 * np.sin(5 * time + rng.uniform(0, 1))
    state = np.stack([torque, angle], axis=1).astype(np.float32)
    mixing = np.random.default_rng(0).normal(size=(2, 60))
    appearance = (state @ mixing + 0.1 * rng.normal(size=(60, 60))).astype(np.float32)
    changes = np.diff(state, axis=0, prepend=state[:1])
    motion = (changes @ mixing[:, :20] + 0.1 * rng.normal(size=(60, 20))).astype(np.float32)
    return Clip(kind, KnownSequence(Features(appearance, motion), state), angle - angle[0])


def _clips() -> dict[str, Clip]:
    kinds = ["isokinetic 30", "isokinetic 120", "isometric", "passive"] * 2
    return {f"{kind} {n}": _clip(kind, n) for n, kind in enumerate(kinds)}


def test_drift_is_the_rise_of_the_line_through_the_error() -> None:
    true = 40 * np.sin(np.linspace(0, 6, 101))
    drifting = true + np.linspace(2, 10, 101)
    r, rmse, drift = agreement(drifting, true)
    assert drift == pytest.approx(100 * 8 / np.ptp(true), rel=1e-9)
    assert rmse == pytest.approx(np.sqrt(np.mean(np.linspace(2, 10, 101) ** 2)))
    assert 0.9 < r < 1
    assert agreement(true + 7, true)[2] == pytest.approx(0, abs=1e-9)  # an offset is no drift
    assert np.isnan(agreement(np.zeros(101), true)[0])


def test_no_test_clip_is_in_its_training_and_each_clip_is_tested_in_each_way() -> None:
    clips = _clips()
    found = list(splits(clips))
    for split in found:
        assert not set(split.train) & set(split.test)
        whole = split.held_out != "clip of known task"
        task = split.test[0].split()[0]
        wanted = [name for name in clips if whole or name.startswith(task)]
        assert sorted(split.train + split.test) == sorted(wanted)
    for way in ("clip", "clip of known task", "task"):
        tested = [name for split in found if split.held_out == way for name in split.test]
        assert sorted(tested) == sorted(clips)
    speeds = {split.name: split.test for split in found if split.held_out == "speed"}
    assert speeds["isokinetic 30"] == ["isokinetic 30 0", "isokinetic 30 4"]
    assert set(speeds) == {"isokinetic 30", "isokinetic 120"}


def test_a_test_clip_has_no_influence_on_what_is_learned_without_it(tmp_path, monkeypatch) -> None:
    """Networks for a split are the same whatever the frames of its test clip show."""
    clips, seen = _clips(), []
    only = next(splits(clips))
    kept = real_video.train_estimators

    def spied(known, *arguments):
        seen.append([id(one) for one in known])
        return kept(known, *arguments)

    monkeypatch.setattr(real_video, "train_estimators", spied)
    monkeypatch.setattr(real_video, "clip_settings", _settings)
    evaluate(clips, only, tmp_path, 1, TRAINING.changed(steps=1))
    assert id(clips[only.test[0]].sequence) not in seen[0]
    assert len(seen[0]) == len(clips) - 1


def test_signals_that_appearance_shows_are_found_in_clips_that_were_held_out(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(real_video, "clip_settings", _settings)
    clips = _clips()
    short = TRAINING.changed(steps=150, batch=8)
    chosen = (("clip", "passive 3"), ("clip", "isometric 2"))
    table = pd.concat(
        evaluate(clips, split, tmp_path, 1, short).assign(held_out="clip")
        for split in splits(clips)
        if split[:2] in chosen
    )
    assert set(table["method"]) == {
        "optical flow, integrated", "KLT, integrated", "ridge", "estimator",
    }  # fmt: skip
    assert table[table["method"] == "estimator"]["r"].min() > 0.98
    assert table[table["method"] == "ridge"]["r"].min() > 0.98
    # the angle of isometric clips does not vary
    assert set(table[table["kind"] == "isometric"]["signal"]) == {"torque"}
    assert len(summary(table)) == 3 * 4


def _rows(held_out: str, method: str, r: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"kind": "passive", "clip": [f"clip {n}" for n in range(len(r))], "signal": "angle"}
        | {"method": method, "r": r, "rmse": 1.0, "drift_percent": [10 * one for one in r]}
        | {"held_out": held_out}
    )


def test_a_summary_has_the_mean_and_the_range_of_r_over_clips() -> None:
    row = summary(_rows("clip", "estimator", [0.5, 0.9, 1.0]))
    names = ["kind", "method", "r", "drift_percent", "held_out", "signal", "rmse"]
    assert list(row) == [*names, "clips", "low", "high"]
    found = row.iloc[0][["r", "drift_percent", "clips", "low", "high"]].astype(float)
    assert found.to_numpy() == pytest.approx([0.8, 8, 3, 0.5, 1.0])


def test_an_overview_compares_methods_for_one_way_of_holding_out_and_ways_for_one_method() -> None:
    table = pd.concat(
        [
            _rows("clip", "estimator", [0.9, 1.0]),
            _rows("task", "estimator", [0.1]),
            _rows("clip of known task", "estimator", [0.7]),
            _rows("clip of known task", "fascicle angle, observers", [0.6]),
        ]
    )
    methods = overview(table, "clip", "method")
    assert methods["Method"].tolist() == ["estimator", "fascicle angle, observers"]
    assert methods["Passive angle: r"].tolist() == pytest.approx([0.95, 0.6])
    ways = overview(table, "estimator", "held_out")
    assert ways["Held out"].tolist() == ["clip", "clip of known task", "task"]
    assert ways["Passive angle: drift [%]"].tolist() == pytest.approx([9.5, 7.0, 1.0])


def _settings(known):
    return real_video.StateEstimatorParameters(
        shape=(32, 32),
        pixel_size=(0.1, 0.1),
        frame_rate=61.0,
        appearance=60,
        motion=20,
        signals=("torque", "angle"),
        components=(4, 4),
        features=8,
        dilations=(1, 2),
    )
