import numpy as np
import pytest

from musclelib import simulator
from musclelib.identification.methods.edges import Decomposition
from musclelib.identification.reader.labelled import labelled
from musclelib.identification.reader.recipe import export, recipe, split, train_reader
from musclelib.networks import weights
from musclelib.simulator.in_vivo import InVivoParameters
from musclelib.training.checkpoint import TrainingError


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("reading") / "smooth.zarr"
    parameters = simulator.preset(
        "paper2", units=(3, 5), profile="gaussian", noise_snr=(30.0, 30.0)
    )
    simulator.generate(path, parameters, 9, seed=3)
    return path


def test_a_reader_is_trained_shipped_and_used(store, tmp_path):
    own, kept = split(store)
    assert (own, kept) == ([0, 1, 2, 3, 4, 5, 6, 8], [7])
    checkpoint = train_reader(
        labelled(store, own), tmp_path / "run", recipe(40), labelled(store, kept)
    )
    export(checkpoint, tmp_path / "reader", [store])
    assert weights.about(tmp_path / "reader.safetensors")["model"] == "TerritoryReader"
    card = (tmp_path / "reader.md").read_text()
    assert "`smooth.zarr`, 9 sequences, simulated, seed 3" in card
    assert card.count("| 40 |") == 1
    velocity = simulator.simulate(
        simulator.preset("paper2", units=(3, 3), profile="gaussian"), 9, 0
    ).velocity
    units = Decomposition.load(tmp_path)(velocity, 400.0)
    assert np.isfinite(units.twitch_train).all()
    assert ((units.confidence >= 0.5) & (units.confidence <= 1)).all()


def test_a_finished_run_is_left_alone(store, tmp_path):
    sets = labelled(store, [0])
    first = train_reader(sets, tmp_path / "run", recipe(4))
    before = first.stat().st_mtime_ns
    assert train_reader(sets, tmp_path / "run", recipe(4)) == first
    assert first.stat().st_mtime_ns == before
    with pytest.raises(
        TrainingError, match="is of a run on other examples, or on examples that have changed"
    ):
        train_reader(labelled(store, [1]), tmp_path / "run", recipe(4))


def test_without_validation_the_card_has_none(store, tmp_path):
    export(
        train_reader(labelled(store, [0]), tmp_path / "run", recipe(4)),
        tmp_path / "reader",
        [store],
    )
    assert "Validation" not in (tmp_path / "reader.md").read_text()


def test_subjects_are_kept_apart(tmp_path):
    parameters = InVivoParameters(duration=0.3, units=(1, 1), subjects=(6, 7))
    simulator.generate(tmp_path / "two.zarr", parameters, 2, seed=1)
    own, kept = split(tmp_path / "two.zarr")
    assert len(own) == len(kept) == 1
