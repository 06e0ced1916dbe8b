from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musclelib.muscle_state.kept_features import kept_features
from musclelib.muscle_state.trials import Trials


def test_features_are_made_once_for_each_origin(store: Path, tmp_path: Path) -> None:
    trials, made = Trials(store), []

    def make(number: int) -> np.ndarray:
        made.append(number)
        return np.full((3, 2), number, np.float32)

    first = kept_features(trials, [1, 0], make, "a", tmp_path)
    again = kept_features(trials, [0, 1, 2], make, "a", tmp_path)
    assert made == [1, 0, 2]
    np.testing.assert_array_equal(first[0], again[1])
    kept_features(trials, [1], make, "b", tmp_path)
    assert made == [1, 0, 2, 1]


def test_a_trial_that_failed_is_made_again(store: Path, tmp_path: Path) -> None:
    trials = Trials(store)

    def fails(number: int) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_features(trials, [0], fails, "a", tmp_path)
    (found,) = kept_features(trials, [0], lambda number: np.ones(2), "a", tmp_path)
    np.testing.assert_array_equal(found, np.ones(2))
