"""What a run does with an objective of any kind; of adversarial ones, see also test_loop."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from musclelib.parameters import ParameterError, Parameters, quantity
from musclelib.training import Optimiser, TrainingError, TrainingParameters, load_averaged, train
from musclelib.training.checkpoint import read
from musclelib.training.objective import Objective, Supervised, Turn


@dataclass(frozen=True)
class LineParameters(Parameters):
    """A model that counts on little."""

    width: int = quantity(3, low=1)


class Line(Supervised):
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


def settings(**changes):
    small = {
        "steps": 6,
        "optimisers": {"all": {"rate": 1e-2}},
        "checkpoint_every": 2,
        "review_every": 3,
        "device": "cpu",
        "precision": "32-true",
    }
    return TrainingParameters.from_dict(small | changes)


def run(folder, objective=None, validate=None, **changes):
    objective = objective or Line()
    return objective, train(objective, Points, folder, settings(**changes), validate)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimisers": {"all": {"kind": "sgd", "decay": 0.1, "clip": 0.5, "halve_every": 2}}},
    ],
)
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
    assert list(tables[0]) == ["step", "network", "squared", "gradient of network"]


def test_steps_are_those_of_plain_sgd_with_clipped_gradients(tmp_path):
    trained, plain = Line(), Line()
    for model in (trained, plain):
        model.network[2].p = 0.0
    sgd = Optimiser(kind="sgd", rate=1e-2, betas=(0.9, 0.999), clip=0.1)
    run(tmp_path, trained, optimisers={"network": sgd}, steps=3)
    optimiser = torch.optim.SGD(plain.network.parameters(), 1e-2, momentum=0.9)
    for step in range(3):
        optimiser.zero_grad()
        plain.loss(*Points(0, 1)[step])[0].backward()
        assert float(nn.utils.clip_grad_norm_(plain.network.parameters(), 0.1)) > 0.1
        optimiser.step()
    for one, two in zip(trained.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(one, two)
    assert torch.equal(trained.kept.weight, plain.kept.weight)
    gradients = pd.read_csv(tmp_path / "losses.csv")["gradient of network"]
    assert (gradients > 0.1).all()  # the table has them as they were


def test_running_moments_are_averaged_as_weights_are(tmp_path):
    first = Line().network[1].running_mean.clone()
    seen = []
    objective, best = run(
        tmp_path,
        steps=1,
        ema=0.5,
        review_every=1,
        validate=lambda model, _: (
            seen.append(model.network[1].running_mean.clone()) or {"score": 1.0}
        ),
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
    objective, best = run(tmp_path, ema=0.0, steps=2, validate=lambda *_: {"score": 1.0})
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
    _, path = run(tmp_path, validate=lambda *_: {"score": next(scores)}, review_every=2)
    assert path == tmp_path / "best.safetensors"
    assert read(path)[1]["step"] == 4


def test_a_run_of_before_a_parameter_was_known_goes_on_with_its_default(tmp_path):
    run(tmp_path, steps=4)
    path = tmp_path / "last.safetensors"
    with safe_open(path, "pt") as file:
        metadata = json.loads(file.metadata()["musclelib"])
    for name in ("ema", "compile"):
        del metadata["parameters"][name]
    save_file(read(path)[0], path, {"musclelib": json.dumps(metadata)})
    with pytest.raises(TrainingError, match=r"with ema = 0\.999, not 0\.5"):
        run(tmp_path, ema=0.5)
    run(tmp_path)
    assert read(path)[1]["step"] == 6


def test_a_run_of_a_version_with_other_parameters_is_refused(tmp_path):
    run(tmp_path, steps=4)
    path = tmp_path / "last.safetensors"
    with safe_open(path, "pt") as file:
        metadata = json.loads(file.metadata()["musclelib"])
    metadata["parameters"]["learning_rate"] = 2e-4
    save_file(read(path)[0], path, {"musclelib": json.dumps(metadata)})
    with pytest.raises(
        TrainingError, match="another version of musclelib, which had learning_rate"
    ):
        run(tmp_path)


def test_out_of_memory_says_the_size_of_a_batch(tmp_path):
    class Large(Line):
        def loss(self, x, y):
            raise MemoryError

    with pytest.raises(
        TrainingError,
        match="step 1: out of memory with examples of 8 x 2 and 8 x 1, 32-true; lower batch",
    ):
        run(tmp_path, Large())


def test_each_device_asks_for_its_own_examples(tmp_path):
    asked = []
    train(
        Line(),
        lambda *own: asked.append(own) or Points(*own),
        tmp_path,
        TrainingParameters(steps=1, device="cpu"),
    )
    assert asked == [(0, 1)]


@dataclass(frozen=True)
class NoParameters(Parameters):
    """Of models that count on nothing."""


class Recorder(Objective):
    """Networks of one weight each; notes in which order they are trained, and from which values."""

    settings = NoParameters()

    def __init__(self, *names):
        super().__init__()
        self.names = names
        for name in names:
            setattr(self, name, nn.Linear(1, 1, bias=False))
            nn.init.constant_(getattr(self, name).weight, 1.0)
        self.seen = []

    def groups(self):
        return {name: [getattr(self, name)] for name in self.names}

    def turn(self, name):
        """Descend the weight itself: its gradient is 1."""
        self.seen.append(
            (name, {other: float(getattr(self, other).weight) for other in self.names})
        )
        return Turn(name, getattr(self, name)(torch.ones(1, 1)).sum())


class Pix2Pix(Recorder):
    """The discriminator first, then the generator."""

    def turns(self, x, y):
        yield self.turn("discriminator")
        yield self.turn("generator")


class StarGAN(Recorder):
    """Five turns of the critic, then the generator."""

    def turns(self, x, y):
        for _ in range(5):
            yield self.turn("critic")
        yield self.turn("generator")


def sgd(rate, **changes):
    return Optimiser(kind="sgd", rate=rate, betas=(0.0, 0.0), **changes)


def test_pix2pix_steps_its_discriminator_before_the_generator_is_asked_for_its_loss(tmp_path):
    model = Pix2Pix("generator", "discriminator")
    rates = {"generator": sgd(0.1), "discriminator": sgd(0.5)}
    train(model, Points, tmp_path, settings(steps=2, optimisers=rates))
    assert [name for name, _ in model.seen] == ["discriminator", "generator"] * 2
    values = [(round(seen["generator"], 6), seen["discriminator"]) for _, seen in model.seen]
    assert values == [(1.0, 1.0), (1.0, 0.5), (0.9, 0.5), (0.9, 0.0)]
    averaged = read(tmp_path / "last.safetensors")[0]
    assert [name for name in averaged if name.startswith("average")] == ["average/generator.weight"]


def test_stargan_takes_five_turns_of_its_critic(tmp_path):
    model = StarGAN("generator", "critic")
    train(model, Points, tmp_path, settings(steps=1, optimisers={"all": sgd(0.125)}))
    assert [seen["critic"] for _, seen in model.seen] == [1 - 0.125 * k for k in range(6)]
    assert float(model.generator.weight) == 0.875
    table = pd.read_csv(tmp_path / "losses.csv")
    assert table["critic"].tolist() == [0.5]  # the last of its turns


def test_two_time_scales_with_rates_that_are_halved(tmp_path):
    class Plain(Recorder):
        def turns(self, x, y):
            yield self.turn("generator")
            yield self.turn("discriminator")

    rates = {"generator": sgd(0.01, halve_every=2), "discriminator": sgd(0.1, halve_every=3)}
    model = Plain("generator", "discriminator")
    train(model, Points, tmp_path, settings(steps=5, optimisers=rates))
    assert float(model.generator.weight) == pytest.approx(1 - 0.01 * (1 + 1 + 0.5 + 0.5 + 0.25))
    assert float(model.discriminator.weight) == pytest.approx(1 - 0.1 * (3 + 2 * 0.5))


def test_an_optimiser_of_a_group_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"no group 'critic'; allowed are all, network"):
        run(tmp_path, optimisers={"critic": {"rate": 1e-3}})


class Two(Points):
    """Two unpaired sets of points."""

    def __getitem__(self, step):
        x, _ = super().__getitem__(step)
        return x, x.flip(0) + 1


class Cut(Objective):
    """Contrastive translation: generator and patch projection in one group, no second generator."""

    settings = NoParameters()

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.to_b, self.project, self.discriminator = (nn.Linear(2, 2) for _ in range(3))

    def groups(self):
        return {"generator": [self.to_b, self.project], "discriminator": [self.discriminator]}

    def turns(self, a, b):
        fake = self.to_b(a)
        queries, keys = self.project(fake), self.project(a)
        contrast = nn.functional.cross_entropy(queries @ keys.T, torch.arange(len(a)))
        adversarial = (self.discriminator(fake) - 1).square().mean()
        yield Turn("generator", contrast + adversarial, {"contrast": contrast})
        real, false = self.discriminator(b), self.discriminator(fake.detach())
        yield Turn("discriminator", ((real - 1).square() + false.square()).mean())


class Domains:
    """Two domains drawn out of three, with the class of each: what ConPres trains on."""

    digest = "three domains"

    def __init__(self, rank, world):
        self.first = rank

    def __getitem__(self, step):
        rng = np.random.default_rng((step, self.first))
        drawn = rng.permutation(3)[:2]
        images = [torch.from_numpy(rng.standard_normal((4, 2), dtype=np.float32)) for _ in drawn]
        return *images, *(torch.full((4,), int(domain)) for domain in drawn)


class ConPres(Objective):
    """One generator for all directions, told the class that is wanted; a class head beside it."""

    settings = NoParameters()

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.generator, self.discriminator = nn.Linear(5, 2), nn.Linear(2, 4)
        self.drawn = []

    def groups(self):
        return {"generator": [self.generator], "discriminator": [self.discriminator]}

    def translated(self, x, domain):
        return self.generator(torch.cat([x, nn.functional.one_hot(domain, 3).float()], 1))

    def turns(self, x, y, domain_x, domain_y):
        self.drawn.append((int(domain_x[0]), int(domain_y[0])))
        fake = self.translated(x, domain_y)
        scores = self.discriminator(fake)
        right = nn.functional.cross_entropy(scores[:, 1:], domain_y)
        cycle = (self.translated(fake, domain_x) - x).abs().mean()
        total = (scores[:, 0] - 1).square().mean() + right + cycle
        yield Turn("generator", total, {"class": right, "cycle": cycle})
        real, false = self.discriminator(y), self.discriminator(fake.detach())
        known = nn.functional.cross_entropy(real[:, 1:], domain_y)
        yield Turn("discriminator", false[:, 0].square().mean() + known, {"known": known})


@pytest.mark.parametrize(("kind", "examples"), [(Cut, Two), (ConPres, Domains)])
def test_contrastive_models_say_themselves_and_resume(tmp_path, kind, examples):
    clip = {"all": {"decay": 1e-4, "clip": 0.1}}
    for folder, lengths in (("a", [4]), ("b", [2, 4])):
        for steps in lengths:
            train(kind(), examples, tmp_path / folder, settings(steps=steps, optimisers=clip))
    (one, _), (two, _) = (read(tmp_path / folder / "last.safetensors") for folder in "ab")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_conpres_is_handed_the_drawn_domains_and_their_classes(tmp_path):
    model = ConPres()
    train(model, Domains, tmp_path, settings(steps=6))
    assert model.drawn == [
        tuple(int(part[0]) for part in Domains(0, 1)[step][2:]) for step in range(6)
    ]
    assert len(set(model.drawn)) > 2
    assert {"class", "cycle", "known"} <= set(pd.read_csv(tmp_path / "losses.csv"))


class Remembering(Line):
    """Carries a number from step to step that is no weight, and binds it anew."""

    seen = torch.zeros(())

    def loss(self, x, y):
        self.seen = 0.9 * self.seen + x.mean()
        loss, parts = super().loss(x, y)
        return loss + self.seen * self.network(x).mean(), parts

    def memory(self):
        return {"seen": self.seen}

    def remember(self, memory):
        self.seen = memory["seen"]


def test_what_an_objective_remembers_is_resumed(tmp_path):
    for folder, lengths in (("a", [6]), ("b", [3, 6])):
        for steps in lengths:
            run(tmp_path / folder, Remembering(), steps=steps)
    (one, _), (two, _) = (read(tmp_path / folder / "last.safetensors") for folder in "ab")
    assert one["memory 0/seen"] != 0
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_group_without_an_optimiser_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="none is given for discriminator, nor for all"):
        train(
            Pix2Pix("generator", "discriminator"),
            Points,
            tmp_path,
            settings(optimisers={"generator": {"rate": 0.1}}),
        )
