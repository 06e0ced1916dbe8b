from __future__ import annotations

import pytest
import torch

from musclelib.networks import weights
from musclelib.networks.state_cnn import StateCnn, StateCnnParameters
from musclelib.parameters import ParameterError

_SMALL = (40, 56)


def _network(**changes: object) -> StateCnn:
    torch.manual_seed(0)
    return StateCnn(StateCnnParameters.from_dict({"shape": _SMALL, **changes})).eval()


def _reference(network: StateCnn, frames: torch.Tensor) -> torch.Tensor:
    """The plain stack of layers of section III-F."""
    stack: list[torch.nn.Module] = []
    for number, one in enumerate(network.convolutions, 1):
        stack += [one, torch.nn.ReLU()]
        if number % network.settings.repeats == 0:
            stack.append(torch.nn.MaxPool2d(2, ceil_mode=True))
    stack.append(torch.nn.Flatten())
    for one in network.dense:
        stack += [one, torch.nn.ReLU()]
    return torch.nn.Sequential(*stack[:-1])(frames)


@pytest.mark.parametrize(
    ("changes", "filters", "dense"),
    [
        ({"model": "A", "filter": 3, "dropout": 0}, [16, 36, 64, 121, 169, 225], [1024, 3]),
        (
            {"model": "A", "pools": 5, "repeats": 2, "filter": 3},
            [16, 16, 36, 36, 64, 64, 121, 121, 169, 169],
            [1024, 3],
        ),
        ({"model": "C", "pools": 3, "filter": 11}, [49, 81, 144], [1024] * 2),
        (
            {"model": "D", "pools": 7, "dropout": 3},
            [64, 121, 169, 225, 289, 361, 441],
            [1024, 3],
        ),
    ],
)
def test_rows_of_table_1_have_their_layers(
    changes: dict[str, object], filters: list[int], dense: list[int]
) -> None:
    network = _network(**changes)
    assert [one.out_channels for one in network.convolutions] == filters
    sides = [one.kernel_size[0] for one in network.convolutions]
    assert sides == [network.settings.filter, *[3] * (len(filters) - 1)]
    assert [one.out_features for one in network.dense][: len(dense)] == dense
    frames = torch.randn(2, 2, *_SMALL)
    expected = _reference(network, frames)
    torch.testing.assert_close(network(frames), expected, rtol=1e-4, atol=1e-4)
    with torch.inference_mode():  # pools in another way
        torch.testing.assert_close(network(frames), expected, rtol=1e-4, atol=1e-4)


def test_the_frames_of_paper_3_leave_2_x_8_pixels_after_six_pools() -> None:
    network = StateCnn()
    assert network.dense[0].in_features == 289 * 2 * 8
    assert network(torch.zeros(1, 2, 120, 496, dtype=torch.uint8)).shape == (1, 3)


def test_weights_have_a_variance_of_one_over_fan_in_and_biases_are_zero() -> None:
    for layer in _network().layers():
        fan_in = layer.weight[0].numel()
        assert layer.weight.var().item() * fan_in == pytest.approx(1, rel=0.1)
        assert not layer.bias.any()


def test_dropout_acts_on_the_last_layers_in_training_only() -> None:
    frames = torch.randn(1, 2, *_SMALL)
    for dropout in range(4):
        network = _network(dropout=dropout, repeats=2)
        assert torch.equal(network(frames), network(frames))
        network.train()
        first = len(network.layers()) - dropout  # the last layer without dropout
        for layer in range(1, len(network.layers()) + 1):
            same = torch.equal(network.responses(frames, layer), network.responses(frames, layer))
            assert same == (layer <= first), (dropout, layer)


def test_moments_travel_with_the_weights(tmp_path) -> None:
    network = _network()
    frames = torch.randint(0, 255, (3, 2, *_SMALL))
    plain = network((frames - 100) / 20.0)
    mean, sd = torch.tensor([0.1, 2.0, -3.0]), torch.tensor([0.01, 1.0, 5.0])
    network.standardise(torch.tensor([100.0]), torch.tensor([20.0]), mean, sd)
    weights.save(network, tmp_path / "a.safetensors")
    back = weights.load(tmp_path / "a.safetensors", StateCnn)
    torch.testing.assert_close(back(frames), plain)
    torch.testing.assert_close(back.changes(frames), plain * sd + mean)
    torch.testing.assert_close(back.standard(back.changes(frames)), plain, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "C"}, "model C has 5 layers"),
        ({"repeats": 3}, "repeats = 3"),
        ({"filter": 4}, "filter = 4"),
        ({"dropout": 4}, "dropout = 4"),
    ],
)
def test_architectures_that_paper_3_does_not_describe_are_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        _network(**changes)
