from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from musclelib.muscle_state.estimator import Features
from musclelib.muscle_state.estimator_recipe import (
    ESTIMATOR,
    PAPER_3,
    TRAINING,
    StateEstimation,
    train_estimators,
)
from musclelib.muscle_state.state_windows import KnownSequence, StateWindows, known_sequences
from musclelib.muscle_state.trials import Trials, split
from musclelib.networks import weights
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters
from musclelib.parameters import ParameterError
from musclelib.training.card import ship
from musclelib.training.recipe import train_recipe

_SETTINGS = StateEstimatorParameters(
    shape=(32, 32),
    pixel_size=(0.1, 0.1),
    frame_rate=25.0,
    appearance=8,
    motion=4,
    signals=("torque",),
    components=(4, 2),
    features=8,
    dilations=(1, 2),
)


def _sequence(seed: int, frames: int = 70) -> KnownSequence:
    rng = np.random.default_rng(seed)
    appearance = rng.normal(size=(frames, 8)).astype(np.float32)
    motion = rng.normal(size=(frames, 4)).astype(np.float32)
    return KnownSequence(Features(appearance, motion), appearance[:, :1] * 3 + 5)


def test_equal_seeds_give_equal_weights_and_others_do_not(tmp_path) -> None:
    known, short = [_sequence(n) for n in range(3)], TRAINING.changed(steps=5, batch=4)
    first = train_estimators(known, _SETTINGS, tmp_path / "a", 2, short)
    again = train_estimators(known, _SETTINGS, tmp_path / "b", 2, short)
    for one, two in zip(first, again, strict=True):
        for name, values in one.state_dict().items():
            assert torch.equal(values, two.state_dict()[name]), name
    assert not torch.equal(first[0].enter.weight, first[1].enter.weight)


def test_axes_come_from_the_training_sequences_alone(tmp_path) -> None:
    known = [_sequence(n) for n in range(3)]
    (network,) = train_estimators(known, _SETTINGS, tmp_path, 1, TRAINING.changed(steps=1, batch=2))
    frames = np.concatenate([one.features.appearance for one in known])
    np.testing.assert_allclose(network.appearance_mean, frames.mean(axis=0), atol=1e-6)
    state = np.concatenate([one.state for one in known])
    np.testing.assert_allclose(network.state_sd, state.std(axis=0, ddof=1), rtol=1e-5)


def test_windows_are_cut_from_one_sequence_and_long_ones_come_more_often() -> None:
    long, short = _sequence(0, 400), _sequence(1, 100)
    windows = StateWindows([long, short], batch=200, seed=0)
    appearance, motion, state = windows[0]
    assert appearance.shape == (200, 56, 8)
    assert motion.shape == (200, 56, 4)
    torch.testing.assert_close(state, appearance[..., :1] * 3 + 5)
    places = {tuple(row): n for n, one in enumerate((long, short)) for row in one.features[0]}
    share = np.mean([places[tuple(one[0].numpy())] == 0 for one in appearance])
    assert 0.7 < share < 0.9


def test_devices_draw_different_windows_and_steps_are_repeatable() -> None:
    known = [_sequence(0)]
    first, second = (StateWindows(known, 4, 0, rank, 2)[3][0] for rank in (0, 1))
    assert not torch.equal(first, second)
    assert torch.equal(first, StateWindows(known, 4, 0, 0, 2)[3][0])


def test_the_stated_sd_of_a_perfect_fit_is_that_of_the_errors() -> None:
    """The loss is smallest where the stated SD is the root mean square of the errors."""
    objective = StateEstimation(_SETTINGS)
    network = objective.network
    network.state_mean.zero_()
    torch.nn.init.zeros_(network.readout.weight)
    torch.nn.init.zeros_(network.readout.bias)
    appearance, motion = torch.zeros(1, 2000, 8), torch.zeros(1, 2000, 4)
    state = 0.5 * torch.randn(1, 2000, 1, generator=torch.Generator().manual_seed(0))
    losses = []
    for log_sd in (-1.2, float(np.log(0.5)), -0.2):
        network.leave.bias.data = torch.tensor([0.0, 0.0, log_sd, -0.3])
        losses.append(float(objective.eval().loss(appearance, motion, state)[1]["state"].detach()))
    assert losses[1] < min(losses[0], losses[2])


def test_sequences_that_cannot_be_learned_from_are_refused() -> None:
    features, state = _sequence(0)
    with pytest.raises(ParameterError, match="there are no sequences"):
        StateWindows([], 4, 0)
    with pytest.raises(ParameterError, match="sequence 0: 70 frames and 60 values"):
        StateWindows([KnownSequence(features, state[:60])], 4, 0)
    with pytest.raises(ParameterError, match="not finite"):
        StateWindows([KnownSequence(features, state * np.nan)], 4, 0)
    with pytest.raises(ParameterError, match="signal 0: is the same in all frames"):
        StateWindows([KnownSequence(features, state * 0)], 4, 0)


def test_a_frame_whose_motion_was_lost_is_trained_without_motion() -> None:
    (appearance, motion), state = _sequence(0)
    motion[10] = np.nan
    windows = StateWindows([KnownSequence(Features(appearance, motion), state)], 8, 0)
    assert torch.isfinite(windows[0][1]).all()


def test_a_store_of_trials_becomes_features_with_its_signals(store, tmp_path) -> None:
    trials = Trials(store)
    (found,) = known_sequences(trials, [1], tmp_path)
    np.testing.assert_array_equal(found.state, trials.states[1].astype(np.float32))
    assert found.features.appearance.shape == (121, 912)
    moved = found.features.motion[1:, 72:].mean(axis=1)  # along lateral; 0.5 degrees a pixel
    assert np.corrcoef(moved, np.diff(found.state[:, 2]))[0, 1] > 0.9


def test_the_recipe_trains_on_some_participants_and_reviews_another(store, tmp_path) -> None:
    settings = PAPER_3.changed(
        shape=(24, 48), pixel_size=(0.1, 0.1), components=(8, 20), features=8, dilations=(1, 2)
    )
    recipe = ESTIMATOR.changed(settings=settings)
    for name, value in {"steps": 240, "batch": 8, "review_every": 80}.items():
        recipe = recipe.changed_at(f"stages.0.training.{name}", value)
    train_recipe(recipe, tmp_path / "run", [store])
    scores = pd.read_csv(tmp_path / "run" / "all" / "scores.csv")
    assert scores.score.iloc[-1] < 0.5 * scores.score.iloc[0]
    ship(recipe, tmp_path / "run", tmp_path / "estimator")
    network = weights.load(tmp_path / "estimator.safetensors", StateEstimator)
    trials = Trials(store)
    seen = known_sequences(trials, split(trials.subjects).training, tmp_path / "other")
    everyone = np.concatenate([one.state for one in seen])
    np.testing.assert_allclose(network.state_mean, everyone.mean(axis=0), rtol=1e-4)


def test_a_store_on_another_grid_is_refused(store, tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"frames of \(24, 48\) px: the estimator was trained"):
        train_recipe(ESTIMATOR, tmp_path / "run", [store])
