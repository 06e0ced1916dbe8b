import pytest
import torch

from musclelib.networks.slow_fusion import SlowFusion


def count(network):
    return sum(value.numel() for value in network.parameters())


def test_sizes_of_every_layer_are_those_of_paper_2():
    network, seen = SlowFusion().eval(), []
    for module in network.layers:
        module.register_forward_hook(
            lambda module, given, result: seen.append((type(module).__name__, result.shape))
        )
    assert network(torch.randn(1, 1, 400, 64, 64)).shape == (1, 64, 32, 32)
    sizes = [tuple(shape[1:3]) for kind, shape in seen if kind in ("Conv3d", "MaxPool3d")]
    assert sizes == [(8, 80), (16, 80), (16, 16), (32, 16), (32, 4), (64, 4), (64, 1)]
    assert {shape[3:] for _, shape in seen} == {(32, 32)}
    kernels = [(1, 8, 343), (8, 16, 63), (16, 32, 45), (32, 64, 45)]
    assert count(network) == sum(
        before * after * size + 3 * after for before, after, size in kernels
    )


def test_any_even_field_can_be_fused():
    assert SlowFusion().eval()(torch.randn(2, 1, 400, 20, 36)).shape == (2, 64, 10, 18)


@pytest.mark.parametrize(
    "shape", [(1, 1, 399, 64, 64), (1, 1, 400, 63, 64), (1, 2, 400, 64, 64), (400, 64, 64)]
)
def test_wrong_sequences_are_refused(shape):
    with pytest.raises(ValueError, match="slow fusion: input of shape"):
        SlowFusion()(torch.zeros(shape))


def test_gradients_in_half_precision_are_those_in_full():
    """A kernel longer than its 4 frames: unless padded, torch 2.13 leaves gradients unset."""
    network, x = SlowFusion().eval(), torch.randn(1, 1, 400, 16, 16)
    gradients = []
    for half in (False, True):
        for _ in range(3):  # what is unset is what was there
            network.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                image = network(x)
            image.float().square().mean().backward()
        gradients.append(
            [weight.grad.clone() for weight in network.parameters() if weight.dim() == 5]
        )
    for full, half in zip(*gradients, strict=True):
        assert float((full - half).norm() / full.norm()) < 0.1
