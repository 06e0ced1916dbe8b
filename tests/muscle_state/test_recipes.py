from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from musclelib.__main__ import recipes
from musclelib.muscle_state.evaluate import estimate_changes, evaluate
from musclelib.muscle_state.optimised_inputs import flow, optimised_inputs
from musclelib.muscle_state.recipes import RECIPES, StateRecipe
from musclelib.muscle_state.table1 import TABLE_1
from musclelib.muscle_state.trials import Trials
from musclelib.networks import weights
from musclelib.networks.feature_network import FeatureNetwork
from musclelib.networks.state_cnn import StateCnn
from musclelib.parameters import ParameterError
from musclelib.training import ship, train_recipe
from musclelib.training.recipe import Recipe

_CNN = {"model": "A", "pools": 3, "filter": 5, "dropout": 0, "shape": [24, 48]}
_FEATURES = {"window": 11, "points": 12}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _recipe(name: str, settings: dict[str, Any], **training: Any) -> StateRecipe:
    recipe: Recipe = RECIPES[name]
    for key, value in settings.items():
        recipe = recipe.changed_at(f"settings.{key}", value)
    for key, value in {"precision": "32-true", "device": "cpu", **training}.items():
        recipe = recipe.changed_at(f"stages.0.training.{key}", value)
    assert isinstance(recipe, StateRecipe)
    return recipe


@pytest.fixture(scope="module")
def cnn(store: Path, tmp_path_factory: pytest.TempPathFactory) -> StateCnn:
    """A network on frames, trained for half a minute."""
    return _trained("state-cnn", _CNN, 300, store, tmp_path_factory.mktemp("cnn"))


def _trained(name: str, settings: dict[str, Any], steps: int, store: Path, folder: Path) -> Any:
    recipe = _recipe(name, settings, steps=steps, batch=32, ema=0.95, review_every=150)
    recipe = recipe.changed_at("stages.0.training.optimisers.all.rate", 1e-3)
    train_recipe(recipe, folder / "run", [store])
    ship(recipe, folder / "run", folder / "net")
    return weights.load(folder / "net.safetensors", StateCnn, FeatureNetwork)


def _learnt(network: StateCnn | FeatureNetwork, store: Path) -> pd.Series:
    trials = Trials(store)
    found = estimate_changes(network, trials.frames(19, 0, trials.shape[1]))
    table = evaluate([found], trials, [19], network.output_sd.numpy())
    return table[table.task == "combined"].set_index("signal").r2


@pytest.mark.slow
def test_the_cnn_learns_the_motion_of_unseen_textures(cnn: StateCnn, store: Path) -> None:
    r2 = _learnt(cnn, store)
    assert r2.mean() > 0.9
    assert r2.min() > 0.75


@pytest.mark.slow
def test_features_and_network_learn_the_motion_of_unseen_textures(
    store: Path, tmp_path: Path
) -> None:
    r2 = _learnt(_trained("state-features", _FEATURES, 600, store, tmp_path), store)
    assert r2.mean() > 0.9
    assert r2.min() > 0.75


@pytest.mark.slow
def test_optimised_frames_show_the_motion_that_each_signal_was_made_from(cnn: StateCnn) -> None:
    output = len(cnn.layers())
    motions = [flow(optimised_inputs(cnn, output, unit, count=16)) for unit in range(3)]
    depth = [found.motion[..., 0].mean() for found in motions]
    translation, shear = zip(*(found.lateral() for found in motions), strict=True)
    assert depth[0] > 2 * abs(shear[0])  # EMG: motion along depth
    assert shear[1] > 2 * max(abs(translation[1]), abs(depth[1]))  # torque: shear
    assert translation[2] > 2 * max(abs(shear[2]), abs(depth[2]))  # angle: lateral motion


@pytest.mark.parametrize("name", ["state-cnn", "state-features"])
def test_a_run_resumes_bit_identical_and_keeps_its_moments(
    store: Path, tmp_path: Path, name: str
) -> None:
    settings = _CNN if "cnn" in name else _FEATURES
    recipe = _recipe(name, settings, batch=2).changed_at("validated", 20)
    for folder, lengths in (("whole", [4]), ("parts", [2, 4])):
        for steps in lengths:
            longer = recipe.changed_at("stages.0.training.steps", steps)
            train_recipe(longer, tmp_path / folder, [store])
    shipped = []
    for folder in ("whole", "parts"):
        ship(recipe.changed_at("stages.0.training.steps", 4), tmp_path / folder, tmp_path / folder)
        shipped.append(weights.load(tmp_path / f"{folder}.safetensors"))
    assert weights.digest(shipped[0]) == weights.digest(shipped[1])
    changes = Trials(store).changes(range(18)).reshape(-1, 3)  # without the last two participants
    np.testing.assert_allclose(shipped[0].output_sd, changes.std(axis=0, ddof=1), rtol=1e-4)


def test_the_paper_recipe_is_plain_online_descent(store: Path, tmp_path: Path) -> None:
    settings = _CNN | {"pools": 2}
    recipe = _recipe("state-cnn-paper", settings, steps=3).changed_at("validated", 40)
    assert recipe.stages[0].training.patience == 5
    train_recipe(recipe, tmp_path / "run", [store])
    scores = pd.read_csv(tmp_path / "run" / "all" / "scores.csv")
    assert scores.score[0] == pytest.approx(scores[["emg", "torque", "angle"]].iloc[0].mean())

    data = recipe.data(recipe.stages[0], [str(store)], tmp_path)
    torch.manual_seed(0)
    objective = recipe.objective(recipe.stages[0])
    recipe.prepare(objective, data)
    start = {name: value.clone() for name, value in objective.named_parameters()}
    moving = {name: torch.zeros_like(value) for name, value in start.items()}
    examples = data.examples(0, 1)
    ours = torch.optim.SGD(objective.parameters(), 1e-5, momentum=0.95)
    for step in range(3):
        (turn,) = objective.turns(*examples[step])
        gradients = torch.autograd.grad(turn.total, list(objective.parameters()))
        for (name, value), gradient in zip(objective.named_parameters(), gradients, strict=True):
            moving[name] = 0.95 * moving[name] + gradient
            value.grad = gradient
            start[name] -= 1e-5 * moving[name]
        ours.step()
    for name, value in objective.named_parameters():
        torch.testing.assert_close(value.detach(), start[name])


def test_stores_that_do_not_fit_are_refused(store: Path, tmp_path: Path) -> None:
    stage = RECIPES["state-cnn"].stages[0]
    with pytest.raises(ParameterError, match=r"frames of \(24, 48\) pixels"):
        RECIPES["state-cnn"].data(stage, [str(store)], tmp_path)
    with pytest.raises(ParameterError, match="0 stores; needs one of trials"):
        RECIPES["state-features"].data(stage, [], tmp_path)


def test_every_row_of_table_1_is_a_recipe() -> None:
    assert len(TABLE_1) == 22 + 21
    made = [row.recipe() for row in TABLE_1]
    assert len({(one.to_json()) for one in made}) == 43
    best = min(TABLE_1[:22], key=lambda row: row.validation)
    assert best.recipe() == RECIPES["state-cnn-paper"]
    assert (best.training, best.validation, best.test) == (0.316, 0.253, 0.403)
    best = min(TABLE_1[22:], key=lambda row: row.validation)
    assert best.recipe() == RECIPES["state-features-paper"]
    assert {row.rate for row in TABLE_1} == {1e-5, 1e-3}
    assert RECIPES.items() <= recipes().items()
