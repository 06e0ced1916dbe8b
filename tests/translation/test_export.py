import numpy as np
import pandas as pd
import pytest
import torch

from musclelib import simulator
from musclelib.networks import weights
from musclelib.sequences.clips import Clips
from musclelib.training import TrainingError, TrainingParameters, load_averaged, train
from musclelib.translation.export import export
from musclelib.translation.presets import build


def test_a_run_is_shipped_with_a_card_of_its_own_numbers(tmp_path, small):
    torch.manual_seed(0)
    changes = {"features": 2, "discriminator_features": 2}
    run, target = tmp_path / "run", tmp_path / "weights" / "tiny"
    simulator.generate(tmp_path / "a.zarr", small.changed(pixels=(32, 32)), 2, seed=3)
    clips = Clips(tmp_path / "a.zarr")
    train(
        build("one-sided", **changes),
        clips,
        clips,
        run,
        TrainingParameters(steps=3, batch=1, precision="32-true"),
    )
    export(run, target, [tmp_path / "a.zarr"])

    model = build("one-sided", **changes)
    load_averaged(run / "last.safetensors", model)
    shipped = weights.load(target.with_suffix(".safetensors"))
    for name, values in model.to_b.state_dict().items():
        np.testing.assert_array_equal(shipped.state_dict()[name].numpy(), values.numpy())
    facts = weights.about(target.with_suffix(".safetensors"))
    assert (facts["model"], facts["steps"], facts["side of clips"]) == ("one-sided", "3", "whole")
    assert not target.with_name("tiny-back.safetensors").exists()
    card = target.with_suffix(".md").read_text()
    assert "steps: 3 of 3 run" in card
    assert weights.digest(shipped) in card
    assert "`a.zarr`, 2 sequences, simulated, seed 3" in card
    hours = pd.read_csv(run / "losses.csv").seconds.sum() / 3600
    assert f"{hours:.2f} h" in card


def test_both_generators_of_a_cyclegan_are_shipped(tmp_path):
    torch.manual_seed(0)
    changes = {"features": 1, "blocks": 1, "discriminator_features": 1, "kernel": "single"}
    clips = [torch.randn(1, 8, 24, 24) for _ in range(3)]
    run, target = tmp_path / "run", tmp_path / "tiny"
    model = build("2d", **changes)
    parameters = TrainingParameters(steps=2, batch=1, crop=24, precision="32-true")
    train(model, clips, clips, run, parameters, lambda _: {"score": 1.0})
    export(run, target, [], "began with others")
    load_averaged(run / "best.safetensors", model)
    for network, name in ((model.to_b, "tiny.safetensors"), (model.to_a, "tiny-back.safetensors")):
        assert weights.digest(weights.load(tmp_path / name)) == weights.digest(network)
        facts = weights.about(tmp_path / name)
        assert (facts["side of clips"], facts["note"]) == ("24", "began with others")
    assert "- note: began with others" in target.with_suffix(".md").read_text()


def test_a_one_sided_generator_is_shipped_with_a_filter_matched_on_both_domains(tmp_path, small):
    torch.manual_seed(0)
    changes = {"features": 2, "discriminator_features": 2}
    run, target = tmp_path / "run", tmp_path / "tiny"
    stores = [tmp_path / "a.zarr", tmp_path / "b.zarr"]
    for seed, store in enumerate(stores):
        simulator.generate(store, small.changed(pixels=(32, 32)), 2, seed=seed)
    clips = [Clips(store) for store in stores]
    train(
        build("one-sided", **changes),
        *clips,
        run,
        TrainingParameters(steps=2, batch=1, precision="32-true"),
    )
    export(run, target, stores, "began with others", match=[1])
    shipped = weights.load(target.with_suffix(".safetensors"))
    assert shipped.settings.time_filter > 0
    assert shipped.time_filter.taps[1:].abs().max() > 0
    assert (
        "began with others; its filter on time was matched after training, on 1 sequences"
        in weights.about(target.with_suffix(".safetensors"))["note"]
    )
    assert weights.digest(shipped) in target.with_suffix(".md").read_text()
    with pytest.raises(TrainingError, match="on stores of domain A and B"):
        export(run, target, stores[:1], match=[1])


def test_a_card_names_no_store_that_its_weights_have_not_seen(tmp_path, small):
    changes = {"features": 2, "discriminator_features": 2}
    stores = [tmp_path / "a.zarr", tmp_path / "b.zarr"]
    for seed, store in enumerate(stores):
        simulator.generate(store, small.changed(pixels=(32, 32)), 2, seed=seed)
    clips = Clips(stores[0])
    parameters = TrainingParameters(steps=1, batch=1, precision="32-true")
    train(build("one-sided", **changes), clips, clips, tmp_path / "run", parameters)
    with pytest.raises(TrainingError, match="store 2 of 2 for its card is none that its run saw"):
        export(tmp_path / "run", tmp_path / "tiny", stores)
    assert not (tmp_path / "tiny.md").exists()
    simulator.generate(stores[0], small.changed(pixels=(32, 32)), 2, seed=9, replace=True)
    with pytest.raises(TrainingError, match="store 1 of 1 for its card"):
        export(tmp_path / "run", tmp_path / "tiny", stores[:1])
