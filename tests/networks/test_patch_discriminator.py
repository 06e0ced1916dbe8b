import copy

import pytest
import torch
from torch import nn

from musclelib.networks.layers import InstanceNorm
from musclelib.networks.patch_discriminator import Discriminator, DiscriminatorParameters

VARIANTS = [("clip", 2), ("clip", 1), ("single", 2)]


def reference(f, dims, temporal_stride):
    """The published list of layers."""
    convolve, norm = (nn.Conv2d, nn.InstanceNorm2d) if dims == 2 else (nn.Conv3d, nn.InstanceNorm3d)
    stride = 2 if dims == 2 else (temporal_stride, 2, 2)
    return nn.Sequential(
        *(convolve(1, f, 4, stride=stride, padding=1), nn.LeakyReLU(0.2)),
        *(convolve(f, 2 * f, 4, stride=stride, padding=1), norm(2 * f), nn.LeakyReLU(0.2)),
        *(convolve(2 * f, 4 * f, 4, stride=stride, padding=1), norm(4 * f), nn.LeakyReLU(0.2)),
        *(convolve(4 * f, 8 * f, 4, stride=1, padding=1), norm(8 * f), nn.LeakyReLU(0.2)),
        convolve(8 * f, 1, 4, stride=1, padding=1),
    )


@pytest.mark.parametrize(("frames", "stride"), VARIANTS)
def test_forward_is_that_of_the_published_layers(frames, stride, copy_weights):
    ours = Discriminator(DiscriminatorParameters(frames, features=3, temporal_stride=stride))
    dims = 3 if frames == "clip" else 2
    theirs = copy_weights(ours, reference(3, dims, stride)).double()
    x = torch.randn(2, 1, 24, 24, 32, dtype=torch.float64)
    got = ours.double()(x)
    expected = (
        theirs(x) if dims == 3 else torch.stack([theirs(frame) for frame in x.unbind(2)], dim=2)
    )
    assert expected.std() > 0.01
    torch.testing.assert_close(got, expected, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize(
    ("frames", "stride", "times"), [("clip", 2, 2), ("clip", 1, 27), ("single", 2, 32)]
)
def test_scores_of_a_clip_of_32_frames(frames, stride, times):
    judge = Discriminator(DiscriminatorParameters(frames, features=1, temporal_stride=stride))
    assert judge(torch.zeros(1, 1, 32, 64, 32)).shape == (1, 1, times, 6, 2)


@pytest.mark.parametrize(
    ("stride", "shape", "seen"),
    [
        (2, (144, 24, 24), (70, 24, 24)),
        (1, (40, 24, 24), (16, 24, 24)),
        (2, (24, 144, 24), (24, 70, 24)),
    ],
)
def test_a_score_sees_what_is_documented(stride, shape, seen):
    judge = Discriminator(DiscriminatorParameters(features=1, temporal_stride=stride))
    for index, layer in enumerate(judge.layers):
        if isinstance(layer, InstanceNorm):
            judge.layers[index] = nn.Identity()  # its statistics are those of the whole clip
    for value in judge.parameters():
        value.data.fill_(1.0)
    x = torch.zeros(1, 1, *shape, requires_grad=True)
    scores = judge(x)
    middle = [size // 2 for size in scores.shape[2:]]
    scores[0, 0, middle[0], middle[1], middle[2]].backward()
    reached = x.grad[0, 0].nonzero()
    assert tuple((reached.max(0).values - reached.min(0).values + 1).tolist()) == seen


@pytest.mark.parametrize(("frames", "dims"), [("clip", 3), ("single", 2)])
def test_parameter_count(frames, dims):
    f = 3
    weights = 4**dims * (f + f * 2 * f + 2 * f * 4 * f + 4 * f * 8 * f + 8 * f)
    judge = Discriminator(DiscriminatorParameters(frames, features=f))
    assert sum(value.numel() for value in judge.parameters()) == weights + f * (1 + 2 + 4 + 8) + 1


@pytest.mark.parametrize(("frames", "stride"), VARIANTS)
def test_the_smallest_sizes_work_and_smaller_ones_are_refused(frames, stride):
    judge = Discriminator(DiscriminatorParameters(frames, features=1, temporal_stride=stride))
    assert judge(torch.randn(1, 1, *judge.smallest)).shape[2:] == (1, 1, 1)
    for axis in range(3):
        sizes = [*judge.smallest]
        sizes[axis] -= 1
        with pytest.raises(
            ValueError,
            match=f"discriminator: .* of {sizes[axis]}; .* at least {judge.smallest[axis]}",
        ):
            judge(torch.zeros(1, 1, *sizes))


def test_half_precision_gradient_of_the_last_layer_is_that_of_double():
    """If no score sees the whole kernel, padding by the convolution gave uninitialised memory."""
    torch.manual_seed(0)
    judge = Discriminator(DiscriminatorParameters(features=8))
    clip = torch.randn(1, 1, 32, 32, 32)
    rubbish = [torch.full((1 << 20,), float("nan")) for _ in range(8)]
    del rubbish
    with torch.autocast("cpu", torch.bfloat16):
        scores = judge(clip)
    scores.float().square().mean().backward()
    found = judge.layers[-1].weight.grad.clone()
    exact = copy.deepcopy(judge).double()
    exact.zero_grad()
    exact(clip.double()).square().mean().backward()
    expected = exact.layers[-1].weight.grad.float()
    assert float((found - expected).norm() / expected.norm()) < 0.1
