import numpy as np
import pytest

from musclelib import simulator
from musclelib.identification.methods.edges import Decomposition
from musclelib.identification.reader.recipe import READER
from musclelib.networks import weights
from musclelib.parameters import ParameterError
from musclelib.simulator.in_vivo import InVivoParameters
from musclelib.training import TrainingError, ship, train_recipe


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("reading") / "smooth.zarr"
    parameters = simulator.preset(
        "paper2", units=(3, 5), profile="gaussian", noise_snr=(30.0, 30.0)
    )
    simulator.generate(path, parameters, 9, seed=3)
    return path


def short(steps, **changes):
    recipe = READER.changed(**changes)
    for name in ("steps", "checkpoint_every", "review_every"):
        recipe = recipe.changed_at(f"stages.0.training.{name}", steps)
    return recipe


def test_a_reader_is_trained_shipped_and_used(store, tmp_path):
    assert READER.split(store) == ([0, 1, 2, 3, 4, 5, 6, 8], [7])
    recipe = short(40)
    best = train_recipe(recipe, tmp_path / "run", [store])
    assert best.name == "best.safetensors"
    ship(recipe, tmp_path / "run", tmp_path / "reader")
    assert weights.about(tmp_path / "reader.safetensors")["model"] == "TerritoryReader reader"
    card = (tmp_path / "reader.md").read_text()
    assert "`smooth.zarr`, 9 sequences, simulated, seed 3" in card
    assert card.count("| 40 |") == 1
    parameters = simulator.preset("paper2", units=(3, 3), profile="gaussian")
    velocity = simulator.simulate(parameters, 9, 0).velocity
    units = Decomposition.load(tmp_path)(velocity, 400.0)
    assert np.isfinite(units.twitch_train).all()
    assert ((units.confidence >= 0.5) & (units.confidence <= 1)).all()


def test_a_finished_run_is_left_alone_and_belongs_to_its_store(tmp_path):
    parameters = simulator.preset("paper2", units=(3, 5), profile="gaussian")
    stores = [tmp_path / "a.zarr", tmp_path / "b.zarr"]
    for seed, path in enumerate(stores):
        simulator.generate(path, parameters, 1, seed=seed)
    first = train_recipe(short(4), tmp_path / "run", stores[:1])
    before = first.stat().st_mtime_ns
    assert train_recipe(short(4), tmp_path / "run", stores[:1]) == first
    assert first.stat().st_mtime_ns == before
    with pytest.raises(TrainingError, match="holds a run on other stores"):
        train_recipe(short(4), tmp_path / "run", stores[1:])
    # no subject is left out, so nothing is validated
    assert first.name == "last.safetensors"
    ship(short(4), tmp_path / "run", tmp_path / "reader")
    assert "Validation" not in (tmp_path / "reader.md").read_text()


def test_subjects_are_kept_apart(tmp_path):
    parameters = InVivoParameters(duration=0.3, units=(1, 1), subjects=(6, 7))
    simulator.generate(tmp_path / "two.zarr", parameters, 2, seed=1)
    assert READER.split(tmp_path / "two.zarr") == ([0], [1])


def test_a_reader_needs_a_store(tmp_path):
    with pytest.raises(ParameterError, match="recipe reader: needs labelled stores"):
        train_recipe(READER, tmp_path / "run")
