import numpy as np
import pandas as pd
import pytest
import torch

from musclelib.identification.recipes import RECIPES, Recipe, Stage
from musclelib.identification.train import export, train_identification
from musclelib.networks import weights
from musclelib.networks.firing_detector import FiringDetector, FiringParameters
from musclelib.networks.mask_rcnn import DETECTORS, Detector
from musclelib.networks.twitch import TWITCH_NETWORKS, TwitchNetwork
from musclelib.parameters import ParameterError
from musclelib.training import TrainingError, TrainingParameters
from musclelib.training.checkpoint import read

TINY = TrainingParameters(steps=1, batch=1, device="cpu", precision="32-true")
SMALL = TWITCH_NETWORKS["light"].changed(features=2, dense=8, states=4)


def test_the_papers_recipe_is_its_text():
    stages = RECIPES["detector"]["paper"].stages
    assert np.cumsum([stage.training.steps for stage in stages]).tolist() == [
        20_000,
        200_000,
        500_000,
        600_000,
    ]
    assert [stage.training.learning_rate for stage in stages[:3]] == [1e-3, 1e-4, 1e-5]
    assert [stage.fixed for stage in stages] == [True, False, False, False]
    assert [stage.noise for stage in stages] == [None, None, None, (10.0, 30.0)]
    assert {
        (stage.training.optimiser, stage.training.betas[0], stage.training.batch)
        for stage in stages
    } == {("sgd", 0.9, 8)}
    twitch = RECIPES["twitch"]["paper"].stages[0].training
    assert (twitch.steps, twitch.batch, twitch.learning_rate, twitch.clip) == (
        100_000,
        32,
        1e-4,
        1.0,
    )


def test_stages_of_a_twitch_network_follow_each_other_and_are_shipped_with_a_card(tmp_path):
    recipe = Recipe(
        SMALL,
        (Stage("all", TINY.changed(steps=2)), Stage("fine", TINY.changed(learning_rate=1e-9))),
        2,
    )
    with pytest.raises(TrainingError, match="no stage has a best checkpoint yet"):
        export(recipe, tmp_path / "run", tmp_path / "twitch")
    best = train_identification(recipe, tmp_path / "run", validated=1)
    assert best == tmp_path / "run" / "fine" / "best.safetensors"
    before, _ = read(tmp_path / "run" / "all" / "best.safetensors")
    after, _ = read(best)
    for name in before:
        if name.startswith("average/") and "running" not in name:  # the second stage hardly moves
            torch.testing.assert_close(after[f"model/{name[8:]}"], before[name], rtol=0, atol=1e-7)
    train_identification(recipe, tmp_path / "run", validated=1)  # is left alone
    export(recipe, tmp_path / "run", tmp_path / "twitch", "tiny")
    assert weights.load(tmp_path / "twitch.safetensors", TwitchNetwork).settings == SMALL
    facts = weights.about(tmp_path / "twitch.safetensors")
    assert (facts["steps"], facts["note"]) == ("2 (all), 1 (fine)", "tiny")
    card = (tmp_path / "twitch.md").read_text()
    assert "# TwitchNetwork light" in card
    score = pd.read_csv(tmp_path / "run" / "fine" / "scores.csv").score[0]
    assert f"{score:.4g}" in card


def test_a_detector_is_trained_and_shipped(tmp_path):
    network = DETECTORS["light"].changed(
        stages=1, channels=8, hidden=16, proposals=(40, 40), regions=16
    )
    recipe = Recipe(network, (Stage("all", TINY, fixed=True),))
    train_identification(recipe, tmp_path / "run", validated=1)
    export(recipe, tmp_path / "run", tmp_path / "detector")
    # nothing was pretrained, so nothing was kept
    assert weights.load(tmp_path / "detector.safetensors", Detector).settings == network
    assert "anchor box" in (tmp_path / "detector.md").read_text()


def test_pretrained_twitch_networks_do_not_exist(tmp_path):
    with pytest.raises(
        ParameterError, match="pretrained = 'coco': there are such weights for a detector only"
    ):
        train_identification(Recipe(SMALL, (Stage("all", TINY),)), tmp_path, "coco")


def test_a_detector_of_firings_is_trained_and_shipped_with_a_card(tmp_path):
    training = TrainingParameters(steps=2, batch=16, device="cpu", precision="32-true", flip=False)
    recipe = Recipe(FiringParameters(features=4), (Stage("all", training),))
    train_identification(recipe, tmp_path / "run", validated=1)
    export(recipe, tmp_path / "run", tmp_path / "firings")
    assert weights.load(tmp_path / "firings.safetensors", FiringDetector).settings == recipe.network
    card = (tmp_path / "firings.md").read_text()
    assert "Tells when the twitches of a train begin" in card
    assert "told 20-25 Hz" in card
    assert "dB" not in card
