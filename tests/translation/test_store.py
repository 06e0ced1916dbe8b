import json
import warnings

import numpy as np
import pytest
import torch

from musclelib import sequences, simulator
from musclelib.networks.resnet_generator import Generator, GeneratorParameters
from musclelib.parameters import ParameterError
from musclelib.sequences.clips import Clips
from musclelib.streams import Purpose, torch_seed
from musclelib.translation import store as room
from musclelib.translation.store import translate_store
from musclelib.translation.translate import translate


def files(store):
    return {
        path.relative_to(store): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def generator():
    return Generator(GeneratorParameters(features=2, blocks=1, noise=True))


@pytest.fixture
def source(small, tmp_path):
    simulator.generate(tmp_path / "source.zarr", small, 3, seed=2)
    return tmp_path / "source.zarr"


@pytest.fixture
def target(generator, source, tmp_path):
    translate_store(generator, source, tmp_path / "target.zarr", seed=5)
    return tmp_path / "target.zarr"


def test_labels_are_kept_and_frames_translated(generator, source, target):
    before, after = sequences.open(source).load(), sequences.open(target).load()
    sequences.check(after)
    assert after.attrs["domain"] == "translated"
    labels = {
        "territory",
        "twitch_train",
        "firing_time",
        "firing_rate",
        "centre_depth",
        "unit_count",
    }
    assert labels <= set(after.data_vars)
    for name in set(after.data_vars) - {"velocity", "velocity_mean", "velocity_sd"}:
        assert after[name].identical(before[name])
    for name in ("time", "depth", "lateral"):
        assert after[name].identical(before[name])
    moments = before.velocity_mean.values, before.velocity_sd.values
    for index in range(3):
        seed = torch_seed(Purpose.INJECTED_NOISE, 5, index)
        mean, deviation = (values[index] for values in moments)
        wanted = translate(generator, (before.velocity[index].values - mean) / deviation, seed=seed)
        # a rounded mean may move a value across the edge between two numbers of half precision
        np.testing.assert_allclose(
            after.velocity[index], wanted * deviation + mean, atol=0.03 * deviation
        )


def test_a_translated_set_is_a_training_set(target):
    clips = Clips(target)
    assert len(clips) == 9
    values = torch.stack([clips[index] for index in range(3)])  # one sequence
    assert abs(float(values.mean())) < 1e-4
    assert float(values.std(correction=0)) == pytest.approx(1, abs=1e-3)


def test_origin_network_and_way_are_told(generator, source, target):
    told = json.loads(sequences.open(target).attrs["parameters"])
    assert told["origin"]["domain"] == "simulated"
    assert told["origin"]["seed"] == 2
    assert told["settings"]["features"] == 2
    assert told["statistics"] == "the whole recording"


def test_what_describes_other_frames_is_not_kept(dataset, generator, tmp_path):
    more = {
        "coherence": (
            dataset.velocity.dims,
            np.ones(dataset.velocity.shape, np.float32),
            {"units": "1"},
        ),
        "true_map": (
            ("sequence", "source", "depth", "lateral"),
            np.ones((3, 2, 12, 10)),
            {"units": "1"},
        ),
        "true_signal": (("sequence", "source", "time"), np.ones((3, 2, 80)), {"units": "mm/s"}),
        "angle": (("sequence", "time"), np.ones((3, 80)), {"units": "deg"}),
    }
    sequences.write(dataset.assign(more), tmp_path / "a.zarr")
    translate_store(generator, tmp_path / "a.zarr", tmp_path / "b.zarr")
    assert set(sequences.open(tmp_path / "b.zarr").data_vars) == {
        "angle",
        "velocity",
        "velocity_mean",
        "velocity_sd",
    }


def test_interrupted_and_continued_gives_the_same_bytes(
    generator, source, target, tmp_path, monkeypatch
):
    store, done = tmp_path / "again.zarr", []

    def stops(*arguments, **options):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(translate(*arguments, **options))
        return done[-1]

    monkeypatch.setattr(room, "translate", stops)
    with pytest.raises(KeyboardInterrupt):
        translate_store(generator, source, store, seed=5)
    with pytest.raises(sequences.SequenceError, match="not finished"):
        sequences.open(store)
    done.clear()
    translate_store(generator, source, store, seed=5)
    assert len(done) == 1  # nothing is done twice
    assert files(store) == files(target)


def test_a_finished_store_is_left_alone_and_another_is_refused(
    generator, source, target, monkeypatch
):
    def never(*_, **__):
        raise AssertionError("translated again")

    whole = files(target)
    with monkeypatch.context() as patch:
        patch.setattr(room, "translate", never)
        translate_store(generator, source, target, seed=5)
        with pytest.raises(
            sequences.SequenceError, match="exists already, made from something else"
        ):
            translate_store(generator, source, target, seed=6)
        next(generator.parameters()).data += 0.1
        with pytest.raises(
            sequences.SequenceError, match="exists already, made from something else"
        ):
            translate_store(generator, source, target, seed=5)
    assert files(target) == whole
    translate_store(generator, source, target, seed=5, replace=True)
    assert files(target) != whole


def test_another_source_that_says_the_same_of_itself_is_refused(dataset, generator, tmp_path):
    for name, factor in (("a", 1.0), ("b", 2.0)):
        deviation = (("sequence",), np.full(3, factor), {"units": "mm/s"})
        made = (
            (dataset * np.float32(factor)).assign(velocity_sd=deviation).assign_attrs(dataset.attrs)
        )
        made.velocity.attrs = dataset.velocity.attrs
        sequences.write(made, tmp_path / f"{name}.zarr")
    translate_store(generator, tmp_path / "a.zarr", tmp_path / "c.zarr")
    with pytest.raises(sequences.SequenceError, match="exists already"):
        translate_store(generator, tmp_path / "b.zarr", tmp_path / "c.zarr")


def test_what_cannot_be_translated_leaves_no_store(dataset, generator, source, tmp_path):
    target = tmp_path / "b.zarr"
    with pytest.raises(sequences.SequenceError, match="there is no zarr store"):
        translate_store(generator, tmp_path / "none.zarr", target)
    with pytest.raises(ParameterError, match="memory = 1e-06 GB"):
        translate_store(generator, source, target, memory=1e3)
    sequences.write(
        dataset.rename(velocity="displacement").assign(
            displacement=dataset.velocity.assign_attrs(units="um")
        ),
        tmp_path / "d.zarr",
    )
    with pytest.raises(sequences.SequenceError, match="has no 'velocity'"):
        translate_store(generator, tmp_path / "d.zarr", target)
    assert not target.exists()


def test_a_still_sequence_is_named(dataset, generator, tmp_path):
    dataset.velocity[1] = 3.0
    sequences.write(dataset, tmp_path / "a.zarr")
    with pytest.raises(sequences.SequenceError, match="sequence 1 does not move"):
        translate_store(generator, tmp_path / "a.zarr", tmp_path / "b.zarr")


def test_progress_is_seen(generator, source, tmp_path, capfd):
    with warnings.catch_warnings():
        translate_store(generator, source, tmp_path / "a.zarr")
    assert "translate: 100%" in capfd.readouterr().err
