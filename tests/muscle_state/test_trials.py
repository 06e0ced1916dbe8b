from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from musclelib import sequences
from musclelib.muscle_state.trials import Trials, split
from musclelib.parameters import ParameterError


def test_frames_and_signals_are_those_of_the_store(store: Path) -> None:
    trials, dataset = Trials(store), sequences.open(store)
    assert trials.shape == (20, 121, 24, 48)
    assert trials.rate == 25
    assert set(trials.tasks) == {"combined"}
    np.testing.assert_array_equal(trials.frames(3, 30, 5), dataset.intensity[3, 30:35])
    whole = np.stack(list(trials.all_frames(2)))
    np.testing.assert_array_equal(whole, dataset.intensity[2])
    changes = trials.changes([4, 1])
    assert changes.shape == (2, 120, 3)
    torque = dataset.torque[1].values
    np.testing.assert_allclose(changes[1, 7, 1], torque[8] - torque[7], rtol=1e-5)
    assert changes[0, 7, 0] == pytest.approx(float(dataset.emg[4, 8] - dataset.emg[4, 7]))
    assert changes[0, 7, 2] == pytest.approx(float(dataset.angle[4, 8] - dataset.angle[4, 7]))


def test_equidistant_frames_cover_the_trials(store: Path) -> None:
    trials = Trials(store)
    frames = list(trials.equidistant([5, 0], 3))
    expected = (trials.frames(5, 0, 1), trials.frames(5, 120, 1), trials.frames(0, 120, 1))
    for frame, whole in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame, whole[0])
    assert len(list(trials.equidistant([0], 1000))) == 121


def test_a_file_that_was_cut_short_is_named(store: Path, tmp_path: Path) -> None:
    cut = shutil.copytree(store, tmp_path / "cut.zarr")
    file = next(path for path in (cut / "intensity" / "c" / "3").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[:1000])
    trials = Trials(cut)
    assert trials.frames(2, 0, 2).shape == (2, 24, 48)
    with pytest.raises(sequences.SequenceError, match=r"cut\.zarr: intensity, sequence 3: cannot"):
        trials.frames(3, 0, 2)


@pytest.mark.parametrize("name", ["intensity", "emg", "subject", "task"])
def test_a_store_without_a_part_of_a_trial_is_refused(
    store: Path, tmp_path: Path, name: str
) -> None:
    dataset = sequences.open(store).isel(sequence=[0]).load()
    if name == "intensity":
        dataset = dataset.rename(intensity="displacement")
        dataset["displacement"] = dataset.displacement.astype(float).assign_attrs(units="um")
    else:
        dataset = dataset.drop_vars(name)
    sequences.write(dataset, tmp_path / "a.zarr")
    with pytest.raises(sequences.SequenceError, match=f"has no '{name}'"):
        Trials(tmp_path / "a.zarr")


def test_an_unknown_task_is_refused(store: Path, tmp_path: Path) -> None:
    dataset = sequences.open(store).isel(sequence=[0]).load()
    sequences.write(dataset.assign(task=dataset.task + 1), tmp_path / "a.zarr")
    with pytest.raises(sequences.SequenceError, match="allowed are 0 to 2, isometric, passive"):
        Trials(tmp_path / "a.zarr")


def test_a_participant_is_in_one_part_only() -> None:
    subjects = [1, 1, 2, 2, 7, 7, 9, 9]
    assert split(subjects) == ([0, 1, 2, 3], [4, 5], [6, 7])
    assert split(subjects, [1], [2, 9]) == ([4, 5], [0, 1], [2, 3, 6, 7])
    assert split(subjects, [], [1]) == ([2, 3, 4, 5, 6, 7], [], [0, 1])


@pytest.mark.parametrize(
    ("subjects", "validation", "test"),
    [([1, 2], None, None), ([1, 2, 3], [1], [1]), ([1, 2, 3], [4], [1]), ([1, 2], [1, 2], [])],
)
def test_splits_that_mix_or_miss_participants_are_refused(
    subjects: list[int], validation: list[int] | None, test: list[int] | None
) -> None:
    with pytest.raises(ParameterError, match="at least one more to train on"):
        split(subjects, validation, test)
