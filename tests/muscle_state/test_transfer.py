from __future__ import annotations

import numpy as np
import pytest
import torch

from musclelib.muscle_state.evaluate import estimate_changes
from musclelib.muscle_state.features import motion_features
from musclelib.muscle_state.region_clips import RegionClip
from musclelib.muscle_state.transfer import TRAINING, evaluate, responses, tunings
from musclelib.networks.feature_network import FeatureNetwork, FeatureNetworkParameters

from .conftest import moving_trial


def _clip(kind: str, seed: int) -> RegionClip:
    frames, path = moving_trial(seed, 120)
    return RegionClip(kind, frames, path[:, 1:] * (8.0, 4.0))  # shear is torque, lateral angle


def _clips() -> dict[str, RegionClip]:
    kinds = ["passive", "isometric", "isokinetic 30", "isokinetic 500"] * 2
    return {f"{kind} {n}": _clip(kind, n) for n, kind in enumerate(kinds)}


def _untrained() -> FeatureNetwork:
    torch.manual_seed(3)
    network = FeatureNetwork(FeatureNetworkParameters(points=12, hidden=256, window=11, dropout=0))
    places = np.stack(np.meshgrid(np.arange(3) * 8 + 4, np.arange(4) * 12 + 6, indexing="ij"), -1)
    network.integration_points.copy_(torch.from_numpy(places.reshape(-1, 2)))
    return network.eval()


def test_one_clip_of_each_task_is_drawn_to_tune_on() -> None:
    clips = _clips()
    drawn = {seed: tunings(clips, seed) for seed in range(6)}
    for names in drawn.values():
        assert sorted(clips[name].kind.split()[0] for name in names) == [
            "isokinetic", "isometric", "passive",
        ]  # fmt: skip
    assert len({tuple(names) for names in drawn.values()}) > 1
    assert tunings(clips, 2) == drawn[2]


def test_responses_are_what_the_network_says_and_what_its_last_layer_takes() -> None:
    network, clip = _untrained(), _clip("passive", 1)
    points = network.integration_points.numpy()
    said, hidden = responses(network, torch.from_numpy(motion_features(clip.frames, points, 11)))
    assert hidden.shape == (119, 256)
    assert hidden.min() >= 0
    assert said == pytest.approx(estimate_changes(network, clip.frames), abs=1e-4)
    last = network.dense[-1](torch.from_numpy(hidden).float()).detach().numpy()
    assert last == pytest.approx(said, abs=1e-4)  # outputs are not scaled before training


def test_tuning_finds_what_an_untrained_network_does_not_in_clips_that_it_was_not_tuned_on(
    tmp_path,
) -> None:
    clips = _clips()
    short = TRAINING.changed(steps=250)
    table = evaluate(_untrained(), clips, tmp_path, 1, short)
    assert set(table["clip"]) == set(clips) - set(tunings(clips, 0))
    means = table.groupby(["tuning", "signal"])["r_change"].mean()
    assert means["readout"].min() > 0.9
    assert means["from nothing"].min() > 0.8
    assert np.abs(means["none"]).max() < 0.7
    # sums start from the true value, and follow it where changes are right
    read = table[table["tuning"] == "readout"]
    assert read["r"].mean() > 0.9
