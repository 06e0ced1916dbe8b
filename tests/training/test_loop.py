import os
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from musclelib.parameters import ParameterError
from musclelib.training import TrainingError, TrainingParameters, load_averaged, train
from musclelib.training.checkpoint import read
from musclelib.training.data import Pairs
from musclelib.translation.models.cyclegan import CycleGAN, CycleGANParameters
from musclelib.translation.preview import Previews

TINY = {
    "kernel": "single",
    "features": 2,
    "blocks": 1,
    "noise": True,
    "discriminator_features": 2,
    "pool": 3,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Several threads only get in each other's way on networks this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def model(kind=CycleGAN, **changes):
    torch.manual_seed(1)
    built = kind(CycleGANParameters.from_dict(TINY | changes))
    with torch.no_grad():
        for name, weight in built.named_parameters():
            if "scale" in name:
                weight.fill_(0.1)  # noise that is heard: a resumed run must draw the same
    return built


def clips(seed, count, shape):
    rng = np.random.default_rng(seed)
    return [torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)) for _ in range(count)]


def settings(**changes):
    small = {
        "steps": 6,
        "checkpoint_every": 2,
        "review_every": 4,
        "device": "cpu",
        "precision": "32-true",
    }
    return TrainingParameters.from_dict(small | changes)


def run(folder, objective=None, validate=None, frames=6, **changes):
    a, b = (clips(seed, 5, (1, frames, 28, 26)) for seed in (1, 2))
    how = settings(**changes)
    pairs = partial(Pairs, a, b, how.batch, 24, how.seed)
    review = Previews(a, b, Path(folder), validate)
    return train(objective or model(), pairs, folder, how, review)


def assert_same(first, second):
    (one, about_one), (two, about_two) = read(Path(first)), read(Path(second))
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name
    assert {**about_one, "parameters": None} == {**about_two, "parameters": None}


class Stopping(CycleGAN):
    """Stops between the two halves of a step."""

    stop, error = 5, KeyboardInterrupt()
    calls = 0

    def discriminator_loss(self, a, b, fakes):
        self.calls += 1
        if self.calls == self.stop:
            raise self.error
        return super().discriminator_loss(a, b, fakes)


class Broken(CycleGAN):
    """Its generators' loss is not a number in step 4."""

    calls = 0

    def generator_loss(self, a, b):
        self.calls += 1
        total, parts, fakes = super().generator_loss(a, b)
        if self.calls == 4:
            total, parts["cycle_a"] = total * float("nan"), parts["cycle_a"] * float("nan")
        return total, parts, fakes


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return folder


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_stopped_in_the_middle_of_a_step_and_resumed_is_bit_identical(
    whole, tmp_path, workers
):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, model(Stopping), workers=workers)
    assert read(tmp_path / "last.safetensors")[1]["step"] == 4
    run(tmp_path, model(), workers=workers)
    assert_same(whole / "last.safetensors", tmp_path / "last.safetensors")
    logs = [
        pd.read_csv(folder / "losses.csv").drop(columns="seconds") for folder in (whole, tmp_path)
    ]
    pd.testing.assert_frame_equal(*logs, check_exact=True)
    assert list(logs[0]["step"]) == [1, 2, 3, 4, 5, 6]


def test_a_run_made_longer_is_bit_identical_to_a_long_one(whole, tmp_path):
    run(tmp_path, steps=3)
    run(tmp_path, steps=6)
    assert_same(whole / "last.safetensors", tmp_path / "last.safetensors")


def test_bf16_on_networks_on_clips_resumes_bit_identical(tmp_path):
    kind = {"kernel": "clip", "temporal_stride": 1, "features": 4}
    for folder, lengths in (("a", [3]), ("b", [2, 3])):
        for steps in lengths:
            run(tmp_path / folder, model(**kind), frames=8, steps=steps, precision="bf16-mixed")
    assert_same(tmp_path / "a/last.safetensors", tmp_path / "b/last.safetensors")


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import test_loop
test_loop.torch.set_num_threads(1)
test_loop.run({folder!r}, test_loop.model(noise={noise}), **{changes!r})
"""


def start(folder, noise=True, **changes):
    script = SCRIPT.format(
        tests=str(Path(__file__).parent), folder=str(folder), noise=noise, changes=changes
    )
    path = Path(folder).with_suffix(".py")
    path.write_text(script)
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
def test_a_killed_run_resumed_is_bit_identical(tmp_path):
    run(tmp_path / "whole", steps=30, review_every=100)
    process = start(tmp_path / "killed", steps=30, review_every=100)
    last = tmp_path / "killed/last.safetensors"
    while process.poll() is None and not last.exists():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert read(last)[1]["step"] < 30
    run(tmp_path / "killed", steps=30, review_every=100)
    assert_same(tmp_path / "whole/last.safetensors", last)


@pytest.mark.slow
def test_two_devices_of_one_clip_learn_as_one_device_of_two(tmp_path):
    process = start(tmp_path / "two", noise=False, devices=2, batch=1, steps=1)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    run(tmp_path / "one", model(noise=False), devices=1, batch=2, steps=1)
    (two, _), (one, _) = (read(tmp_path / name / "last.safetensors") for name in ("two", "one"))
    states = {name for name in two if name.startswith("memory")}
    assert {name.split("/")[0] for name in states} == {"memory 0", "memory 1"}
    assert two.keys() - states == {name for name in one if not name.startswith("memory")}
    # times 1 - beta
    gradients = [name for name in one if name.endswith("exp_avg") and one[name].dim() > 1]
    assert len(gradients) == 2 * 8 + 2 * 5
    for name in gradients:  # of biases before a norm there is rounding only
        assert float((two[name] - one[name]).norm() / one[name].norm()) < 1e-4, name


def test_compiled_networks_learn_the_same(whole, tmp_path, monkeypatch):
    compile, compiled = torch.compile, set()

    def compile_eager(module, **_):
        compiled.add(module)
        # traced, but not translated to another language, which takes minutes
        return compile(module, backend="eager")

    monkeypatch.setattr(torch, "compile", compile_eager)
    run(tmp_path, compile=True)
    assert len(compiled) == 4
    (one, _), (two, _) = read(whole / "last.safetensors"), read(tmp_path / "last.safetensors")
    for name in one:
        if name.startswith("model") and one[name].dim() > 1:
            torch.testing.assert_close(one[name], two[name], rtol=0, atol=5e-6)


def test_a_finished_run_is_left_alone_but_gives_its_weights(whole):
    before = (whole / "last.safetensors").stat().st_mtime_ns
    again = model()
    assert run(whole, again) == whole / "last.safetensors"
    assert (whole / "last.safetensors").stat().st_mtime_ns == before
    tensors, _ = read(whole / "last.safetensors")
    for name, value in again.state_dict().items():
        assert torch.equal(value, tensors[f"model/{name}"])


def test_steps_are_those_of_plain_adam_generators_first(tmp_path):
    """Two steps of `train` against the same written out, without Fabric, averages or layouts."""
    trained, plain, first = (model(noise=False) for _ in range(3))
    # so that flips do not matter
    symmetric = [clip + clip.flip(2) for clip in clips(3, 1, (1, 6, 24, 24))]
    pairs = partial(Pairs, symmetric, symmetric, 1, None, 0)
    train(trained, pairs, tmp_path, settings(steps=2, batch=1))
    generators, discriminators = (
        torch.optim.Adam(
            [weight for network in networks for weight in network.parameters()],
            2e-4,
            (0.5, 0.999),
        )
        for networks in plain.groups().values()
    )
    batch = torch.stack(symmetric)
    for _ in range(2):
        loss, _, fakes = plain.generator_loss(batch, batch)
        generators.zero_grad()
        loss.backward()
        generators.step()
        discriminators.zero_grad()
        plain.discriminator_loss(batch, batch, fakes)[0].backward()
        discriminators.step()
    for one, two, start in zip(
        trained.parameters(), plain.parameters(), first.parameters(), strict=True
    ):
        # a bias before a norm has no gradient but rounding, which Adam makes as large as any
        if one.dim() > 1:
            assert float((two - start).abs().max()) > 1e-4
            torch.testing.assert_close(one, two, rtol=0, atol=2e-6)


def test_averaged_weights_follow_their_definition(tmp_path):
    objective = model()
    first = {name: weight.detach().clone() for name, weight in objective.to_b.named_parameters()}
    run(tmp_path, objective, steps=1, ema=0.5)
    tensors, _ = read(tmp_path / "last.safetensors")
    averaged = model()
    about = load_averaged(tmp_path / "last.safetensors", averaged)
    assert about["step"] == 1
    assert about["settings"]["features"] == 2
    for name, weight in averaged.to_b.named_parameters():
        decay = 2 / 11  # (1 + step) / (10 + step), while that is below 0.5
        expected = decay * first[name] + (1 - decay) * tensors[f"model/to_b.{name}"]
        torch.testing.assert_close(weight, expected)
    for name, weight in averaged.discriminator_a.named_parameters():
        assert torch.equal(weight, tensors[f"model/discriminator_a.{name}"])


def test_the_best_checkpoint_is_that_of_the_lowest_score(tmp_path):
    seen, scores = [], iter([3.0, float("nan"), 1.0, 2.0])

    def validate(objective, step):
        seen.append({name: weight.clone() for name, weight in objective.to_b.named_parameters()})
        assert not objective.training
        assert not torch.is_grad_enabled()
        return {"score": next(scores), "other": 7.0}

    best = run(tmp_path, validate=validate, steps=4, review_every=1)
    assert best == tmp_path / "best.safetensors"
    tensors, about = read(best)
    assert (about["step"], about["best"]) == (3, 1.0)
    for name, weight in seen[2].items():  # validated are the averaged weights
        assert torch.equal(weight, tensors[f"average/to_b.{name}"])
    assert read(tmp_path / "last.safetensors")[1]["best"] == 1.0
    table = pd.read_csv(tmp_path / "scores.csv")
    assert list(table["step"]) == [1, 2, 3, 4]
    assert list(table["score"][[0, 2, 3]]) == [3, 1, 2]
    # the best is known after a resume
    run(tmp_path, validate=lambda *_: {"score": 1.5}, steps=5, review_every=1)
    assert read(best)[1]["step"] == 3


def test_validation_that_draws_numbers_changes_no_step(whole, tmp_path):
    run(tmp_path, validate=lambda *_: {"score": float(torch.rand(()))})
    (one, _), (two, _) = read(whole / "last.safetensors"), read(tmp_path / "last.safetensors")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_without_a_score_the_last_checkpoint_is_the_result(tmp_path):
    assert run(tmp_path, validate=lambda *_: {"loss": 1.0}) == tmp_path / "last.safetensors"
    assert not (tmp_path / "best.safetensors").exists()
    assert list(pd.read_csv(tmp_path / "scores.csv").loss) == [1.0, 1.0]


def test_a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_checkpoint(whole, tmp_path):
    with pytest.raises(TrainingError) as error:
        run(tmp_path, model(Broken))
    assert str(error.value).startswith(
        "step 4: the loss 'cycle_a' is nan;"
        " lower the rate of the optimiser of generators (now 0.0002)"
    )
    assert str(tmp_path / "last.safetensors") in str(error.value)
    assert "\n" not in str(error.value)
    assert read(tmp_path / "last.safetensors")[1]["step"] == 2
    run(tmp_path, model())
    assert_same(whole / "last.safetensors", tmp_path / "last.safetensors")


def test_a_gradient_that_is_not_finite_reaches_no_weight(tmp_path):
    objective = model()
    weight = next(iter(objective.discriminator_a.parameters()))
    weight.register_hook(lambda gradient: gradient * float("inf"))
    before = {name: value.clone() for name, value in objective.discriminator_a.named_parameters()}
    message = r"step 1: the 'gradient of discriminators' is (nan|inf).*there is no checkpoint yet"
    with pytest.raises(TrainingError, match=message):
        run(tmp_path, objective)
    assert all(
        torch.equal(value, before[name])
        for name, value in objective.discriminator_a.named_parameters()
    )


@pytest.mark.parametrize(
    "cause",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        MemoryError(),
    ],
)
def test_out_of_memory_says_what_to_lower(tmp_path, cause):
    objective = model(Stopping)
    objective.stop, objective.error = 1, cause
    shape = "2 x 1 x 6 x 24 x 24"
    message = f"step 1: out of memory with examples of {shape} and {shape}, 32-true;"
    with pytest.raises(TrainingError, match=message):
        run(tmp_path, objective)


def test_other_errors_come_through(tmp_path):
    objective = model(Stopping)
    objective.error, objective.stop = RuntimeError("sizes do not match"), 1
    with pytest.raises(RuntimeError, match=r"^sizes do not match$"):
        run(tmp_path, objective)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        (
            {"ema": 0.5},
            {},
            "with ema = 0.999, not 0.5; choose another folder",
        ),
        ({"seed": 1}, {}, "with seed = 0, not 1"),
        ({}, {"cycle": 5.0}, "with cycle = 10.0, not 5.0"),
    ],
)
def test_a_run_goes_on_as_it_began_or_not_at_all(whole, changes, kind, message):
    with pytest.raises(TrainingError, match=message):
        run(whole, model(**kind), steps=8, **changes)


def test_a_damaged_checkpoint_is_refused(whole, tmp_path):
    (tmp_path / "last.safetensors").write_bytes((whole / "last.safetensors").read_bytes()[:2000])
    with pytest.raises(TrainingError, match="no checkpoint of musclelib, or damaged"):
        run(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there(tmp_path):
    with pytest.raises(ParameterError, match="device = 'cuda': this machine has no usable GPU"):
        run(tmp_path, device="cuda")


def test_losses_reach_a_table_and_previews_are_drawn(whole):
    table = pd.read_csv(whole / "losses.csv")
    parts = {
        "adversarial_a",
        "adversarial_b",
        "cycle_a",
        "cycle_b",
        "identity_a",
        "identity_b",
        "discriminator_a",
        "discriminator_b",
    }
    assert parts | {"step", "seconds", "generators", "discriminators"} <= set(table)
    weighted = table.adversarial_a + table.adversarial_b + 10 * (table.cycle_a + table.cycle_b)
    np.testing.assert_allclose(
        table.generators, weighted + 5 * (table.identity_a + table.identity_b), rtol=1e-5
    )
    assert [path.name for path in sorted((whole / "previews").iterdir())] == [
        "0000004.png",
        "0000006.png",
    ]
    scores = pd.read_csv(whole / "scores.csv")
    assert list(scores["step"]) == [4, 6]
    assert scores["correlation A to B"].between(-1, 1).all()


def test_the_cost_is_said_after_two_steps(tmp_path, capsys):
    run(tmp_path, steps=2)
    output = capsys.readouterr()
    assert "s a step on 1 x cpu, 32-true: about 0 h 1 min for 2 steps" in output.out + output.err


class Inverting(CycleGAN):
    """Its generators learn nothing and turn every contraction round."""

    def __init__(self, settings):
        super().__init__(settings)
        for generator in (self.to_b, self.to_a):
            generator.register_forward_hook(lambda module, given, output: 0 * output - given[0])


def test_inverted_contractions_are_warned_of_once_each(tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(tmp_path, model(Inverting), steps=2, review_every=1)
    texts = [str(warning.message) for warning in caught if "inverted" in str(warning.message)]
    assert len(texts) == 2
    assert texts[0].startswith("step 1: translations 'A to B' correlate with their input by -1.00")
    np.testing.assert_allclose(
        pd.read_csv(tmp_path / "scores.csv")["correlation B to A"], -1, atol=1e-6
    )
