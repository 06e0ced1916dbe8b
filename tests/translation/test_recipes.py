import json

import numpy as np
import pytest
import torch

from musclelib import sequences, simulator
from musclelib.networks import weights
from musclelib.parameters import ParameterError
from musclelib.training import TrainingError, load_averaged, ship, train_recipe
from musclelib.training.checkpoint import read
from musclelib.translation.recipes import RECIPES

TINY = {
    "stages.*.training.steps": 2,
    "stages.*.training.checkpoint_every": 1,
    "stages.*.training.precision": "32-true",
    "stages.*.training.device": "cpu",
    "settings.features": 2,
    "settings.discriminator_features": 2,
    "crop": None,
    "tests": 1,
}


def tiny(name="one-sided", **changes):
    recipe = RECIPES[name]
    for path, value in (TINY | changes).items():
        recipe = recipe.changed_at(path, value)
    return recipe


@pytest.fixture
def stores(tmp_path, small):
    made = [tmp_path / "a.zarr", tmp_path / "b.zarr"]
    for seed, store in enumerate(made):
        simulator.generate(store, small.changed(pixels=(24, 24)), 4, seed=seed)
    return made


def test_tests_are_not_trained_on(tmp_path, stores):
    recipe = tiny(tests=3)
    examples, review = recipe.data(recipe.stages[0], stores, tmp_path)
    clips = examples(0, 1).clips[0]
    per_sequence = 96 // sequences.CLIP_FRAMES
    last = sequences.standardised(sequences.open(stores[0]).velocity[3].to_numpy())
    assert len(clips) == per_sequence
    torch.testing.assert_close(
        torch.cat([clips[index] for index in range(per_sequence)], dim=1)[0],
        torch.from_numpy(last)[: 3 * 32],
    )
    assert len(review.validation.originals) == 3
    with pytest.raises(ParameterError, match=r"a\.zarr has 4 sequences"):
        tiny(tests=4).data(recipe.stages[0], stores, tmp_path)
    with pytest.raises(ParameterError, match=r"takes two stores, .* there are 1"):
        train_recipe(recipe, tmp_path / "run", stores[:1])


def test_a_one_sided_generator_is_shipped_with_a_filter_a_recipe_and_a_card(tmp_path, stores):
    recipe, target = tiny(), tmp_path / "weights" / "mine"
    best = train_recipe(recipe, tmp_path / "run", stores)
    (file,) = ship(recipe, tmp_path / "run", target, "began with others")
    shipped = weights.load(file)
    assert shipped.settings.time_filter > 0
    assert shipped.time_filter.taps[1:].abs().max() > 0
    model = recipe.objective(recipe.stages[0])
    load_averaged(best, model)
    for name, values in model.to_b.state_dict().items():
        np.testing.assert_array_equal(shipped.state_dict()[name].numpy(), values.numpy())
    card = target.with_suffix(".md").read_text()
    for part in (
        "# one-sided",
        "`a.zarr`, 4 sequences, simulated, seed 0",
        weights.digest(shipped),
        weights.card_line(file),
        "- note: began with others",
        "Losses of stage `all`",
        "| xCorr |",
    ):
        assert part in card
    about = json.loads(target.with_suffix(".json").read_text())
    assert type(recipe).from_dict(about["recipe"]) == recipe
    assert about["stores"] == [
        {"store": store.name, "digest": sequences.digest(sequences.open(store))} for store in stores
    ]


def test_both_generators_of_a_cyclegan_are_shipped(tmp_path, stores):
    recipe = tiny("2d", **{"settings.blocks": 1})
    best = train_recipe(recipe, tmp_path / "run", stores)
    files = ship(recipe, tmp_path / "run", tmp_path / "tiny")
    assert [path.name for path in files] == ["tiny.safetensors", "tiny-back.safetensors"]
    model = recipe.objective(recipe.stages[0])
    load_averaged(best, model)
    for network, path in zip((model.to_b, model.to_a), files, strict=True):
        assert weights.digest(weights.load(path)) == weights.digest(network)


def test_a_run_goes_on_with_its_own_stores_only(tmp_path, stores):
    def run(*own, **changes):
        return train_recipe(tiny(**changes), tmp_path / "run", own)

    before = run(*stores).read_bytes()
    other = tmp_path / "other.zarr"
    different = simulator.preset("paper1", frames=96, pixels=(24, 24), units=(2, 2))
    simulator.generate(other, different, 4, seed=0)
    for changed in ((other, stores[1]), (stores[0], other)):
        for steps in (2, 3):  # finished, and made longer
            with pytest.raises(
                TrainingError, match="a run on other stores, or on stores that have"
            ):
                run(*changed, **{"stages.*.training.steps": steps})
    with pytest.raises(TrainingError, match="a run of another recipe"):
        run(*stores, tests=2)
    assert run(*stores).read_bytes() == before
    longer = run(*stores, **{"stages.*.training.steps": 3})
    assert read(longer.with_name("last.safetensors"))[1]["step"] == 3


def test_a_store_that_changed_since_is_on_no_card(tmp_path, stores, small):
    recipe = tiny()
    train_recipe(recipe, tmp_path / "run", stores)
    simulator.generate(stores[0], small.changed(pixels=(24, 24)), 4, seed=9, replace=True)
    with pytest.raises(TrainingError, match=r"a\.zarr: has changed since"):
        ship(recipe, tmp_path / "run", tmp_path / "tiny")
    assert not (tmp_path / "tiny.md").exists()
