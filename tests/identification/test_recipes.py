import json

import numpy as np
import pandas as pd
import pytest
import torch

from musclelib.identification.firing_examples import SimulatedFirings
from musclelib.identification.recipes import RECIPES, SimulatedRecipe, SimulatedStage
from musclelib.networks import weights
from musclelib.networks.firing_detector import FiringDetector, FiringParameters
from musclelib.networks.mask_rcnn import DETECTORS, Detector
from musclelib.networks.twitch import TWITCH_NETWORKS, TwitchNetwork
from musclelib.parameters import ParameterError
from musclelib.training import Optimiser, TrainingError, TrainingParameters, ship, train_recipe
from musclelib.training.checkpoint import read

TINY = TrainingParameters(steps=1, batch=1, device="cpu", precision="32-true")
SMALL = TWITCH_NETWORKS["light"].changed(features=2, dense=8, states=4)


def recipe(settings, *stages, **changes):
    return SimulatedRecipe("tiny", "Is a test.", stages, settings, validated=1, **changes)


def test_the_papers_recipe_is_its_text():
    stages = RECIPES["detector-paper"].stages
    total = np.cumsum([stage.training.steps for stage in stages])
    assert total.tolist() == [20_000, 200_000, 500_000, 600_000]
    optimisers = [stage.training.optimiser("network") for stage in stages]
    assert [optimiser.rate for optimiser in optimisers[:3]] == [1e-3, 1e-4, 1e-5]
    assert {(one.kind, one.betas[0]) for one in optimisers} == {("sgd", 0.9)}
    assert {stage.training.batch for stage in stages} == {8}
    assert [stage.fixed for stage in stages] == [True, False, False, False]
    assert [stage.noise for stage in stages] == [None, None, None, (10.0, 30.0)]
    twitch = RECIPES["twitch-paper"].stages[0].training
    assert (twitch.steps, twitch.batch) == (100_000, 32)
    assert (twitch.optimiser("network").rate, twitch.optimiser("network").clip) == (1e-4, 1.0)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_data(name):
    values = json.loads(RECIPES[name].to_json())
    assert type(RECIPES[name]).from_dict(values) == RECIPES[name]


def test_stages_of_a_twitch_network_follow_each_other_and_are_shipped_with_a_card(tmp_path):
    slow = TINY.changed(optimisers={"all": Optimiser(rate=1e-9)})
    stages = SimulatedStage("all", TINY.changed(steps=2)), SimulatedStage("fine", slow)
    made = recipe(SMALL, *stages, sequences=2)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="is no run of a recipe"):
        ship(made, tmp_path / "empty", tmp_path / "twitch")
    best = train_recipe(made, tmp_path / "run")
    assert best == tmp_path / "run" / "fine" / "best.safetensors"
    before, _ = read(tmp_path / "run" / "all" / "best.safetensors")
    after, _ = read(best)
    for name in before:
        if name.startswith("average/") and "running" not in name:  # the second stage hardly moves
            torch.testing.assert_close(after[f"model/{name[8:]}"], before[name], rtol=0, atol=1e-7)
    train_recipe(made, tmp_path / "run")  # is left alone
    ship(made, tmp_path / "run", tmp_path / "twitch", "tiny")
    assert weights.load(tmp_path / "twitch.safetensors", TwitchNetwork).settings == SMALL
    facts = weights.about(tmp_path / "twitch.safetensors")
    assert (facts["steps"], facts["note"]) == ("2 (all), 1 (fine)", "tiny")
    card = (tmp_path / "twitch.md").read_text()
    score = pd.read_csv(tmp_path / "run" / "fine" / "scores.csv").score[0]
    assert f"{score:.4g}" in card
    assert "- data: made while training, `simulated by musclelib" in card


def test_a_detector_is_trained_and_shipped(tmp_path):
    network = DETECTORS["light"].changed(
        stages=1, channels=8, hidden=16, proposals=(40, 40), regions=16
    )
    made = recipe(network, SimulatedStage("all", TINY, fixed=True))
    train_recipe(made, tmp_path / "run")
    ship(made, tmp_path / "run", tmp_path / "detector")
    # nothing was pretrained, so nothing was kept
    assert weights.load(tmp_path / "detector.safetensors", Detector).settings == network
    assert "anchor box" in (tmp_path / "detector.md").read_text()


def test_pretrained_twitch_networks_do_not_exist():
    message = "pretrained = 'coco': there are such weights for a detector only"
    with pytest.raises(ParameterError, match=message):
        recipe(SMALL, SimulatedStage("all", TINY), pretrained="coco")


def test_what_simulates_its_sequences_takes_no_store(tmp_path):
    made = recipe(SMALL, SimulatedStage("all", TINY))
    with pytest.raises(ParameterError, match="simulates what it trains on; no store is taken"):
        made.data(made.stages[0], [tmp_path / "a.zarr"], tmp_path)


def test_a_detector_of_firings_is_trained_and_shipped_with_a_card(tmp_path):
    training = TrainingParameters(steps=2, batch=16, device="cpu", precision="32-true")
    made = recipe(FiringParameters(features=4), SimulatedStage("all", training))
    train_recipe(made, tmp_path / "run")
    ship(made, tmp_path / "run", tmp_path / "firings")
    back = weights.load(tmp_path / "firings.safetensors", FiringDetector)
    assert back.settings == made.settings
    assert "found / true 20-25 Hz" in (tmp_path / "firings.md").read_text()


def test_a_run_on_other_simulated_sequences_is_refused(tmp_path):
    stage = SimulatedStage("all", TINY, noise=None)
    train_recipe(recipe(SMALL, stage, sequences=2), tmp_path / "run")
    other = recipe(SMALL, stage, sequences=3)
    with pytest.raises(TrainingError, match="holds a run of another recipe"):
        train_recipe(other, tmp_path / "run")
    (tmp_path / "run" / "recipe.json").unlink()
    with pytest.raises(TrainingError, match="is of a run on other examples"):
        train_recipe(other, tmp_path / "run")


def test_a_stage_goes_on_only_from_the_weights_it_began_with(tmp_path):
    def stages(first):
        return [SimulatedStage("all", TINY.changed(steps=first)), SimulatedStage("fine", TINY)]

    train_recipe(recipe(SMALL, *stages(1), sequences=2), tmp_path / "run")
    (tmp_path / "run" / "all" / "best.safetensors").unlink()  # as if longer training had chosen it
    with pytest.raises(TrainingError, match="on other examples or first weights"):
        train_recipe(recipe(SMALL, *stages(2), sequences=2), tmp_path / "run")


def test_a_start_that_was_refused_binds_nobody(tmp_path):
    for changes in ({}, {"left_out": 4}):  # the second is not "a run of another recipe"
        with pytest.raises(ParameterError, match="needs labelled stores"):
            train_recipe(RECIPES["reader"].changed(**changes), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sequences": 5}, "sequences = 5: the trains of firings are ever new"),
        ({"stages": (SimulatedStage("a", TINY),) * 2}, r"stages \['a', 'a'\]; needed are"),
        ({"stages": ()}, r"stages \[\]; needed are one or more"),
    ],
)
def test_recipes_that_would_not_do_what_they_say_are_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        RECIPES["firings"].changed(**changes)


@pytest.mark.parametrize("batch", [8, 40])
def test_trains_of_firings_come_in_whole_pools(batch):
    with pytest.raises(ParameterError, match=f"batch = {batch}: allowed are multiples of 16"):
        SimulatedFirings(batch, 0)
