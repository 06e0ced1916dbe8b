import numpy as np
import pandas as pd
import torch

from musclelib import simulator
from musclelib.networks.presets import build
from musclelib.networks.weights import digest, load_generator
from musclelib.training import TrainingParameters, load_averaged, train
from musclelib.training.export import export


def test_a_run_is_shipped_with_a_card_of_its_own_numbers(tmp_path, small):
    torch.manual_seed(0)
    changes = {"features": 2, "judge_features": 2}
    clips = [torch.randn(1, 8, 32, 32) for _ in range(3)]
    run, target = tmp_path / "run", tmp_path / "weights" / "tiny"
    train(build("one-sided", **changes), clips, clips, run, TrainingParameters(steps=3, batch=1, precision="32-true"))
    simulator.generate(tmp_path / "a.zarr", small, 2, seed=3)
    export(run, target, [tmp_path / "a.zarr"])

    model = build("one-sided", **changes)
    load_averaged(run / "last.safetensors", model)
    shipped = load_generator(target.with_suffix(".safetensors"))
    for name, values in model.to_b.state_dict().items():
        np.testing.assert_array_equal(shipped.state_dict()[name].numpy(), values.numpy())
    card = target.with_suffix(".md").read_text()
    assert "steps: 3 of 3 run" in card
    assert digest(shipped) in card
    assert "`a.zarr`, 2 sequences, simulated, seed 3" in card
    hours = pd.read_csv(run / "losses.csv").seconds.sum() / 3600
    assert f"{hours:.2f} h" in card
