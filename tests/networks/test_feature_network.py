from __future__ import annotations

import pytest
import torch

from musclelib.networks import weights
from musclelib.networks.feature_network import FeatureNetwork, FeatureNetworkParameters


def _network(**changes: object) -> FeatureNetwork:
    torch.manual_seed(0)
    return FeatureNetwork(FeatureNetworkParameters.from_dict(changes)).eval()


@pytest.mark.parametrize("hidden", [256, 512, 1024])
def test_two_hidden_layers_of_rectified_neurons(hidden: int) -> None:
    network = _network(hidden=hidden)
    features = torch.randn(5, 200)
    first, second, last = network.dense
    expected = last(second(first(features).relu()).relu())
    torch.testing.assert_close(network(features), expected)
    assert expected.shape == (5, 3)
    assert first.weight.shape == (hidden, 200)
    assert second.weight.shape == (hidden, hidden)


def test_dropout_acts_on_the_inputs_of_the_last_layers() -> None:
    features = torch.randn(64, 200)
    spreads = []
    for dropout in (0, 1, 2):
        network = _network(dropout=dropout)
        torch.testing.assert_close(network(features), network(features))
        network.train()
        torch.manual_seed(1)
        spreads.append(torch.stack([network(features) for _ in range(50)]).var(dim=0).mean())
    assert spreads[0] == 0
    assert 0 < spreads[1] < spreads[2]


def test_points_and_moments_travel_with_the_weights(tmp_path) -> None:
    network = _network(points=3, window=11)
    network.integration_points.copy_(torch.arange(6).reshape(3, 2))
    network.standardise(torch.arange(6.0), torch.full((6,), 2.0), torch.ones(3), torch.ones(3))
    weights.save(network, tmp_path / "a.safetensors")
    back = weights.load(tmp_path / "a.safetensors", FeatureNetwork)
    features = torch.randn(2, 6)
    torch.testing.assert_close(back.changes(features), network.changes(features))
    torch.testing.assert_close(back.integration_points, network.integration_points)
    assert back.settings.window == 11
