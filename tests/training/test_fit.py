"""Supervised runs; what `fit` shares with `train` is tested there."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from musclelib.parameters import Parameters, quantity
from musclelib.training import TrainingError, TrainingParameters, fit, load_averaged
from musclelib.training.checkpoint import read


@dataclass(frozen=True)
class LineParameters(Parameters):
    """A model that counts on little."""

    width: int = quantity(3, low=1)


class Line(nn.Module):
    """Learns a linear map through a batch norm and dropout."""

    def __init__(self, settings=None):
        super().__init__()
        torch.manual_seed(1)
        self.settings = settings or LineParameters()
        width = self.settings.width
        self.network = nn.Sequential(
            nn.Linear(2, width), nn.BatchNorm1d(width), nn.Dropout(0.2), nn.Linear(width, 1)
        )
        self.kept = nn.Linear(1, 1)

    def trained(self):
        return [self.network]

    def loss(self, x, y):
        loss = (self.network(x).float() - y.float()).square().mean()
        return loss, {"squared": loss}


class Points:
    """Batches by number, each device's its own."""

    digest = "points"

    def __init__(self, rank, world):
        self.rank, self.world = rank, world

    def __getitem__(self, step):
        rng = np.random.default_rng((step, self.rank))
        x = torch.from_numpy(rng.standard_normal((8, 2), dtype=np.float32))
        return x, x.sum(1, keepdim=True)


def run(folder, objective=None, validate=None, **changes):
    small = {
        "steps": 6,
        "learning_rate": 1e-2,
        "checkpoint_every": 2,
        "preview_every": 3,
        "device": "cpu",
    }
    parameters = TrainingParameters.from_dict(small | {"precision": "32-true"} | changes)
    objective = objective or Line()
    return objective, fit(objective, Points, folder, parameters, validate)


@pytest.mark.parametrize("changes", [{}, {"optimiser": "sgd", "weight_decay": 0.1, "clip": 0.5}])
def test_a_run_made_longer_is_bit_identical_to_a_long_one(tmp_path, changes):
    for folder, lengths in (("a", [6]), ("b", [3, 6])):
        for steps in lengths:
            run(tmp_path / folder, steps=steps, **changes)
    (one, _), (two, _) = (read(tmp_path / folder / "last.safetensors") for folder in "ab")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert "model/network.1.running_mean" in one
    tables = [
        pd.read_csv(tmp_path / folder / "losses.csv").drop(columns="seconds") for folder in "ab"
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert list(tables[0]) == ["step", "networks", "squared", "gradient of networks"]


def test_steps_are_those_of_plain_sgd_with_clipped_gradients(tmp_path):
    trained, plain = Line(), Line()
    for model in (trained, plain):
        model.network[2].p = 0.0
    run(tmp_path, trained, optimiser="sgd", betas=(0.9, 0.999), clip=0.1, steps=3)
    optimiser = torch.optim.SGD(plain.network.parameters(), 1e-2, momentum=0.9)
    for step in range(3):
        optimiser.zero_grad()
        plain.loss(*Points(0, 1)[step])[0].backward()
        assert float(nn.utils.clip_grad_norm_(plain.network.parameters(), 0.1)) > 0.1
        optimiser.step()
    for one, two in zip(trained.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(one, two)
    assert torch.equal(trained.kept.weight, plain.kept.weight)
    gradients = pd.read_csv(tmp_path / "losses.csv")["gradient of networks"]
    assert (gradients > 0.1).all()  # the table has them as they were


def test_running_moments_are_averaged_as_weights_are(tmp_path):
    first = Line().network[1].running_mean.clone()
    seen = []
    objective, best = run(
        tmp_path,
        steps=1,
        ema=0.5,
        preview_every=1,
        validate=lambda model: seen.append(model.network[1].running_mean.clone()) or {"score": 1.0},
    )
    now = objective.network[1].running_mean
    assert not torch.equal(now, first)
    expected = 2 / 11 * first + 9 / 11 * now  # a short average at first
    torch.testing.assert_close(seen[0], expected)
    averaged = Line()
    load_averaged(best, averaged)
    torch.testing.assert_close(averaged.network[1].running_mean, expected)
    assert int(averaged.network[1].num_batches_tracked) == 1


def test_without_average_the_last_weights_are_validated(tmp_path):
    objective, best = run(tmp_path, ema=0.0, steps=2, validate=lambda _: {"score": 1.0})
    averaged = Line()
    load_averaged(best, averaged)
    assert all(
        torch.equal(one, two)
        for one, two in zip(objective.parameters(), averaged.parameters(), strict=True)
    )


def test_weights_without_a_gradient_stay(tmp_path):
    objective = Line()
    objective.network[0].requires_grad_(False)
    before = objective.network[0].weight.clone()
    run(tmp_path, objective, steps=2)
    assert torch.equal(objective.network[0].weight, before)
    assert not torch.equal(objective.network[3].weight, Line().network[3].weight)


def test_no_previews_are_drawn_and_scores_need_a_validation(tmp_path):
    _, path = run(tmp_path)
    assert path == tmp_path / "last.safetensors"
    assert not (tmp_path / "previews").exists()
    assert (tmp_path / "scores.csv").read_text() == ""


def test_the_best_checkpoint_is_kept(tmp_path):
    scores = iter([2.0, 1.0, 3.0])
    _, path = run(tmp_path, validate=lambda _: {"score": next(scores)}, preview_every=2)
    assert path == tmp_path / "best.safetensors"
    assert read(path)[1]["step"] == 4


def test_a_run_of_before_a_parameter_was_known_goes_on_with_its_default(tmp_path):
    run(tmp_path, steps=4)
    path = tmp_path / "last.safetensors"
    with safe_open(path, "pt") as file:
        metadata = json.loads(file.metadata()["musclelib"])
    for name in ("clip", "optimiser", "weight_decay"):
        del metadata["parameters"][name]
    save_file(read(path)[0], path, {"musclelib": json.dumps(metadata)})
    with pytest.raises(TrainingError, match=r"with clip = None, not 1\.0"):
        run(tmp_path, clip=1.0)
    run(tmp_path)
    assert read(path)[1]["step"] == 6


def test_out_of_memory_says_the_size_of_a_batch(tmp_path):
    class Large(Line):
        def loss(self, x, y):
            raise MemoryError

    with pytest.raises(
        TrainingError, match="step 1: out of memory with 8 clips of , 32-true; lower batch"
    ):
        run(tmp_path, Large())


def test_each_device_asks_for_its_own_examples(tmp_path):
    asked = []
    fit(
        Line(),
        lambda *own: asked.append(own) or Points(*own),
        tmp_path,
        TrainingParameters(steps=1, device="cpu"),
    )
    assert asked == [(0, 1)]
