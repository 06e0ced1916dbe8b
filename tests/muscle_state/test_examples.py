from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from musclelib import sequences
from musclelib.muscle_state import examples
from musclelib.muscle_state.examples import FeatureRows, FramePairs, training_points, trial_features
from musclelib.muscle_state.trials import Trials
from musclelib.parameters import ParameterError


@pytest.fixture(scope="module")
def trials(store: Path) -> Trials:
    return Trials(store)


def test_a_pair_comes_with_the_change_between_its_frames(trials: Trials) -> None:
    pairs = FramePairs(trials, [3, 8], 1, seed=0)
    frames, changes = pairs.rows([125, 0, 119])
    assert frames.dtype == torch.uint8
    for row, (trial, frame) in enumerate([(8, 5), (3, 0), (3, 119)]):
        np.testing.assert_array_equal(frames[row], trials.frames(trial, frame, 2))
        known = trials.states[trial, frame + 1] - trials.states[trial, frame]
        np.testing.assert_allclose(changes[row], known, rtol=1e-5)


def test_an_epoch_shows_every_pair_once_on_any_number_of_devices(trials: Trials) -> None:
    one = FramePairs(trials, [0, 1], 4, seed=5)
    two = [FramePairs(trials, [0, 1], 2, 5, rank, 2) for rank in (0, 1)]
    epoch = torch.cat([one[step][1] for step in range(60)])
    assert len(torch.unique(epoch, dim=0)) == len(one) == 240
    for step in (0, 59, 61):
        joined = torch.cat([part[step][1] for part in two])
        torch.testing.assert_close(joined, one[step][1], rtol=0, atol=0)
    assert not torch.equal(one[60][1], one[0][1])
    torch.testing.assert_close(pickle.loads(pickle.dumps(one))[7][0], one[7][0])


def test_moments_are_those_of_the_training_trials(trials: Trials) -> None:
    moments = FramePairs(trials, [2, 6], 1, 0).moments()
    frames = np.stack([trials.frames(trial, 0, 121) for trial in (2, 6)])
    assert float(moments.input_mean) == pytest.approx(frames.mean(), rel=1e-5)
    assert float(moments.input_sd) == pytest.approx(frames.std(), rel=1e-5)
    changes = trials.changes([2, 6]).reshape(-1, 3)
    np.testing.assert_allclose(moments.output_mean, changes.mean(axis=0), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(moments.output_sd, changes.std(axis=0, ddof=1), rtol=1e-4)


def test_other_trials_have_another_digest(trials: Trials) -> None:
    assert FramePairs(trials, [0], 1, 0).digest == FramePairs(trials, [0], 2, 3).digest
    assert FramePairs(trials, [0], 1, 0).digest != FramePairs(trials, [1], 1, 0).digest


def test_a_signal_that_never_changes_is_refused(store: Path, tmp_path: Path) -> None:
    dataset = sequences.open(store).isel(sequence=[0]).load()
    sequences.write(dataset.assign(emg=0 * dataset.emg), tmp_path / "a.zarr")
    with pytest.raises(ParameterError, match="EMG, torque or angle does not change"):
        FramePairs(Trials(tmp_path / "a.zarr"), [0], 1, 0)


def test_features_are_computed_once_and_follow_the_motion(
    trials: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = training_points(trials, [0, 1], 8)
    features = trial_features(trials, [0], points, 11, tmp_path)
    calls = []
    kept = examples.motion_features
    monkeypatch.setattr(examples, "motion_features", lambda *of: calls.append(of[2]) or kept(*of))
    both = trial_features(trials, [1, 0], points, 11, tmp_path)
    assert calls == [11]
    np.testing.assert_array_equal(both[1], features[0])
    trial_features(trials, [0], points + 1, 11, tmp_path)
    trial_features(trials, [0], points, 15, tmp_path)
    assert calls == [11, 11, 15]

    rows = FeatureRows(both, points, trials, [1, 0], 4, 0)
    inputs, changes = rows.rows(range(240))
    lateral = inputs[:, 8:].median(dim=1).values  # the angle changes with the lateral motion
    assert np.corrcoef(lateral, changes[:, 2])[0, 1] > 0.85
    moments = rows.moments()
    np.testing.assert_allclose(moments.input_mean, both.reshape(-1, 16).mean(axis=0), atol=1e-5)


def test_frames_without_features_are_named(store: Path, tmp_path: Path) -> None:
    dataset = sequences.open(store).isel(sequence=[0, 1], time=slice(0, 40)).load()
    dataset["intensity"][1, 30:33] = 0
    sequences.write(dataset, tmp_path / "a.zarr")
    trials = Trials(tmp_path / "a.zarr")
    points = training_points(trials, [0], 5)
    with pytest.raises(ParameterError, match=r"trial 1, frame 29: no feature .*\(4 such frames\)"):
        trial_features(trials, [0, 1], points, 11, tmp_path / "features.zarr")
