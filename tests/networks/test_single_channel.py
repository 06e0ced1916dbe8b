import pytest
import torch
from torch import nn

from musclelib.networks.single_channel import SingleChannel2d, SingleChannel3d

LAYERS = [
    (SingleChannel3d, (1, 5), (7, 7, 7), (2, 9, 8, 10)),
    (SingleChannel3d, (5, 1), (7, 7, 7), (2, 9, 8, 10)),
    (SingleChannel3d, (4, 1), (3, 1, 5), (1, 3, 4, 9)),
    (SingleChannel2d, (1, 5), (7, 7), (2, 9, 8)),
    (SingleChannel2d, (5, 1), (7, 5), (2, 9, 8)),
    (SingleChannel2d, (1, 1), (3, 3), (2, 5, 6)),
]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kind", "channels", "kernel", "shape"), LAYERS)
def test_value_and_gradients_are_those_of_the_convolution(kind, channels, kernel, shape, bias):
    torch.manual_seed(0)
    ours = kind(*channels, kernel, bias=bias).double()
    plain = kind.__base__(*channels, kernel, bias=bias).double()
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(shape[0], channels[0], *shape[1:], dtype=torch.float64)
    weight = torch.randn_like(plain(x))
    results = []
    for layer in (ours, plain):
        given = x.clone().requires_grad_()
        result = layer(given)
        (result * weight).sum().backward()
        results.append([result.detach(), given.grad, *(value.grad for value in layer.parameters())])
    for got, expected in zip(*results, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("channels", [(1, 16), (16, 1)])
def test_half_precision_errs_no_more_than_the_convolution_does(channels):
    torch.manual_seed(0)
    ours, plain = SingleChannel3d(*channels, 7), nn.Conv3d(*channels, 7)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(1, channels[0], 12, 12, 12)
    exact = plain(x).detach()
    with torch.autocast("cpu", torch.bfloat16):
        errors = [(layer(x).float() - exact).square().mean().item() for layer in (ours, plain)]
    assert 0 < errors[0] < 1.5 * errors[1]
