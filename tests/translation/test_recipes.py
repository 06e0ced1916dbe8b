import subprocess
import sys

import pytest
import torch

from musclelib import sequences, simulator
from musclelib.networks import weights
from musclelib.parameters import ParameterError
from musclelib.training import TrainingError, TrainingParameters
from musclelib.training.checkpoint import read
from musclelib.translation.presets import build
from musclelib.translation.recipes import train_translation

TINY = {"features": 2, "discriminator_features": 2}
PARAMETERS = TrainingParameters(steps=2, batch=1, precision="32-true", device="cpu")


@pytest.fixture
def stores(tmp_path, small):
    made = [tmp_path / "a.zarr", tmp_path / "b.zarr"]
    for seed, store in enumerate(made):
        simulator.generate(store, small.changed(pixels=(24, 24)), 4, seed=seed)
    return made


def test_tests_are_not_trained_on(tmp_path, stores, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "musclelib.translation.recipes.train",
        lambda model, a, b, folder, parameters, validate: asked.append((a, validate)),
    )
    train_translation(build("one-sided", **TINY), tmp_path / "run", *stores, PARAMETERS, tests=3)
    ((clips, validate),) = asked
    per_sequence = 96 // sequences.CLIP_FRAMES
    last = sequences.standardised(sequences.open(stores[0]).velocity[3].to_numpy())
    assert len(clips) == per_sequence
    torch.testing.assert_close(
        torch.cat([clips[index] for index in range(per_sequence)], dim=1)[0],
        torch.from_numpy(last)[: 3 * 32],
    )
    assert len(validate.originals) == 3
    with pytest.raises(ParameterError, match=r"a\.zarr has 4 sequences"):
        train_translation(
            build("one-sided", **TINY), tmp_path / "run", *stores, PARAMETERS, tests=4
        )


def test_one_command_trains_and_ships_and_goes_on(tmp_path, stores):
    def command(steps):
        return [
            *(
                sys.executable,
                "-m",
                "musclelib.translation.recipes",
                "one-sided",
                tmp_path / "run",
                *stores,
            ),
            *(
                "--target",
                tmp_path / "weights" / "mine",
                "--tests",
                "1",
                "--settings",
                '{"features": 2}',
            ),
            *(
                "--training",
                f'{{"steps": {steps}, "seed": 3, "precision": "32-true", "device": "cpu"}}',
            ),
        ]

    for steps in (1, 2):
        subprocess.run(command(steps), check=True, capture_output=True)
        facts = weights.about(tmp_path / "weights" / "mine.safetensors")
        assert facts["seed"] == "3"
        assert "on 3 sequences" in facts["note"]  # not on the one for tests
        assert weights.load(tmp_path / "weights" / "mine.safetensors").settings.time_filter > 0
    assert read(tmp_path / "run" / "last.safetensors")[1]["step"] == 2


def test_a_run_goes_on_with_its_own_stores_alone(tmp_path, stores):
    def run(*own, steps=2, tests=1):
        parameters = PARAMETERS.changed(steps=steps, checkpoint_every=1)
        return train_translation(
            build("one-sided", **TINY), tmp_path / "run", *own, parameters, tests
        )

    best = run(*stores)
    weights = best.read_bytes()
    other = tmp_path / "other.zarr"
    simulator.generate(
        other, simulator.preset("paper1", frames=96, pixels=(24, 24), units=(2, 2)), 4, seed=0
    )
    for changed in ((other, stores[1]), (stores[0], other)):
        for steps in (2, 3):  # finished, and made longer
            with pytest.raises(TrainingError, match="is of a run on other examples"):
                run(*changed, steps=steps)
    with pytest.raises(TrainingError, match="is of a run on other examples"):
        run(*stores, tests=2)
    assert run(*stores).read_bytes() == weights
    assert read(run(*stores, steps=3))[1]["step"] == 3
