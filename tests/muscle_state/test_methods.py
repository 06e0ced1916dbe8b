from __future__ import annotations

import pytest
import torch

from musclelib.muscle_state.estimator_recipe import PAPER_3
from musclelib.muscle_state.methods import load_methods, method_digest
from musclelib.networks import weights
from musclelib.networks.feature_network import FeatureNetwork, FeatureNetworkParameters
from musclelib.networks.state_cnn import StateCnn, StateCnnParameters
from musclelib.networks.state_estimator import StateEstimator


def test_networks_of_further_seeds_are_named_and_estimators_are_one_mixture(tmp_path) -> None:
    small = PAPER_3.changed(components=(4, 4), features=8, dilations=(1,))
    for seed in range(2):
        torch.manual_seed(seed)
        features = FeatureNetwork(FeatureNetworkParameters(points=4))
        weights.save(features, tmp_path / f"features-{seed}.safetensors", seed=str(seed))
        weights.save(StateEstimator(small), tmp_path / f"estimator-{seed}.safetensors")
    cnn = StateCnn(StateCnnParameters("A", 2, shape=(24, 48)))
    weights.save(cnn, tmp_path / "cnn.safetensors", seed="0")
    methods = load_methods(tmp_path)
    assert list(methods) == ["KLT + network", "KLT + network, seed 1", "CNN", "estimator"]
    assert isinstance(methods["CNN"], StateCnn)
    assert len(methods["estimator"]) == 2
    first, second = (methods[name].dense[0].weight for name in list(methods)[:2])
    assert not torch.equal(first, second)
    assert len({method_digest(one) for one in methods.values()}) == 4
    assert method_digest(methods["CNN"]) == method_digest(load_methods(tmp_path)["CNN"])


def test_a_folder_without_weights_is_named(tmp_path) -> None:
    with pytest.raises(weights.MissingWeightsError, match="holds no weights of a method"):
        load_methods(tmp_path)
