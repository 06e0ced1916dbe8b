import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from musclelib.networks.layers import (
    InTime,
    NoiseInjection,
    bounded,
    check_clips,
    fold,
    frozen,
    instance_norm,
    unfold,
)
from musclelib.networks.resnet_generator import ResidualBlock

SHAPES = [(3, 4, 6, 8), (3, 4, 5, 6, 8)]


@pytest.mark.parametrize("shape", SHAPES)
def test_instance_norm_is_that_of_torch_in_value_and_gradient(shape):
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(shape, dtype=torch.float64)
    ours, theirs = instance_norm(x), functional.instance_norm(x)
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad((y * weights).sum(), x)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("shape", SHAPES)
def test_instance_norm_of_half_precision_errs_by_no_more_than_the_rounding_of_its_result(shape):
    # a mean kept in bfloat16 would be off by up to 0.06
    x = (20 + 3 * torch.randn(shape)).bfloat16()
    expected = functional.instance_norm(x.double())
    got = instance_norm(x)
    assert got.dtype == torch.bfloat16
    assert bool(((got.double() - expected).abs() <= expected.abs() * 2**-8 + 1e-3).all())


@given(scale=st.floats(1, 100), offset=st.floats(-10, 10), dims=st.sampled_from(SHAPES))
def test_instance_norm_forgets_scale_and_offset(scale, offset, dims):
    x = torch.randn(dims, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    # its eps
    torch.testing.assert_close(
        instance_norm(scale * x + offset), instance_norm(x), atol=1e-3, rtol=0
    )


def test_instance_norm_keeps_the_layout():
    x = torch.randn(2, 4, 5, 6, 8).contiguous(memory_format=torch.channels_last_3d)
    assert instance_norm(x).is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_starts_as_no_change_and_can_be_learned(shape):
    noise, x = NoiseInjection(4), torch.randn(shape)
    out = noise(x)
    assert torch.equal(out, x)
    out.square().sum().backward()
    assert bool((noise.scale.grad != 0).all())


def test_noise_is_one_standard_normal_map_for_all_times_and_channels():
    noise = NoiseInjection(3)
    noise.scale.data = torch.tensor([1.0, -2.0, 0.0])
    added = noise(torch.zeros(2, 3, 5, 40, 50))
    torch.testing.assert_close(added, added[:, :, :1].expand_as(added))
    torch.testing.assert_close(added[:, 1], -2 * added[:, 0])
    assert not added[:, 2].any()
    one = added[:, 0, 0]
    assert not torch.equal(one[0], one[1])  # a map for every clip
    assert abs(one.mean()) < 0.1
    assert abs(one.std() - 1) < 0.1


def test_noise_of_the_same_seed_does_not_depend_on_the_length():
    noise = NoiseInjection(3)
    noise.scale.data.fill_(1)
    maps = []
    for frames in (2, 7):
        torch.manual_seed(5)
        maps.append(noise(torch.zeros(1, 3, frames, 4, 4))[:, :, 0])
    assert torch.equal(*maps)


def test_noise_on_single_frames_is_a_map_for_each():
    noise = NoiseInjection(2)
    noise.scale.data.fill_(1)
    added = noise(torch.zeros(3, 2, 6, 6))
    assert not torch.equal(added[0], added[1])
    assert torch.equal(added[:, 0], added[:, 1])


@pytest.mark.parametrize("axis", [2, 3, 4])
def test_a_residual_block_of_mirrored_kernels_mirrors(axis):
    block = ResidualBlock(3, "clip", noise=False)
    mirrored = copy.deepcopy(block)
    for module in mirrored.modules():
        if isinstance(module, nn.Conv3d):
            module.weight.data = module.weight.data.flip(axis)
    x = torch.randn(2, 3, 4, 5, 6)
    torch.testing.assert_close(mirrored(x.flip(axis)), block(x).flip(axis), atol=1e-4, rtol=1e-4)


def test_fold_puts_time_into_the_batch_and_unfold_undoes_it():
    clips = torch.randn(2, 1, 3, 4, 5)
    assert torch.equal(fold(clips)[4], clips[1, :, 1])
    assert torch.equal(unfold(fold(clips), 2), clips)


def test_bounded_output_stays_within_the_limit_and_is_linear_around_zero():
    x = torch.tensor([-1e3, -0.1, 0.0, 0.1, 1e3])
    torch.testing.assert_close(
        bounded(x, 20.0), torch.tensor([-20, -0.1, 0, 0.1, 20]), atol=1e-5, rtol=0
    )
    assert torch.equal(bounded(x, None), x)
    torch.testing.assert_close(bounded(x, 1.0), torch.tanh(x))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 8, 8, 8), r"shape \(1, 8, 8, 8\); \(batch, 1, time, depth, lateral\)"),
        ((1, 2, 8, 8, 8), "shape"),
        ((1, 1, 6, 8, 8), "judge: time of 6; a multiple of 4, at least 8"),
        ((1, 1, 8, 10, 8), "depth of 10; a multiple of 4"),
        ((1, 1, 8, 8, 4), "lateral of 4; a multiple of 4, at least 8"),
    ],
)
def test_clips_of_wrong_size_are_refused(shape, words):
    with pytest.raises(ValueError, match=words):
        check_clips(torch.zeros(shape), (4, 4, 4), (8, 8, 8), "judge")


def test_frozen_lets_gradients_through_and_collects_none_also_after_an_error():
    layer, x = nn.Linear(2, 2), torch.ones(1, 2, requires_grad=True)
    layer.bias.requires_grad_(False)
    with frozen(layer):
        layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.weight.detach().sum(0)[None])
    assert layer.weight.grad is None
    with pytest.raises(KeyError), frozen(layer):
        raise KeyError
    assert layer.weight.requires_grad
    assert not layer.bias.requires_grad


def test_convolution_in_time_is_that_of_each_pixel_and_channel():
    torch.manual_seed(0)
    layer, x = InTime(3), torch.randn(2 * 9, 3, 4, 5)
    found = layer.fold(x, 2)
    kernel, bias = layer.weight.detach().numpy()[:, 0, :, 0], layer.bias.detach().numpy()
    for batch, channel in ((0, 0), (1, 2)):
        signal = x.unflatten(0, (2, 9))[batch, :, channel, 3, 1].numpy()
        expected = np.correlate(np.pad(signal, 2), kernel[channel], "valid") + bias[channel]
        np.testing.assert_allclose(
            found.detach().unflatten(0, (2, 9))[batch, :, channel, 3, 1].numpy(),
            expected,
            atol=1e-5,
        )
