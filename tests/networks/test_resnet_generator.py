import re

import pytest
import torch
from torch import nn

from musclelib.networks.layers import NoiseInjection
from musclelib.networks.resnet_generator import Generator, GeneratorParameters, ResidualBlock
from musclelib.parameters import ParameterError

VARIANTS = [("clip", 2), ("clip", 1), ("single", 2)]


class Block(nn.Module):
    def __init__(self, channels, convolve, pad, norm):
        super().__init__()
        half = [pad(1), convolve(channels, channels, 3), norm(channels)]
        self.body = nn.Sequential(
            *half, nn.ReLU(), pad(1), convolve(channels, channels, 3), norm(channels)
        )

    def forward(self, x):
        return x + self.body(x)


def reference(features, blocks, dims, temporal_stride):
    """The published list of layers, ended by tanh."""
    pad, convolve, transpose, norm = (
        (nn.ReflectionPad2d, nn.Conv2d, nn.ConvTranspose2d, nn.InstanceNorm2d)
        if dims == 2
        else (nn.ReflectionPad3d, nn.Conv3d, nn.ConvTranspose3d, nn.InstanceNorm3d)
    )
    stride = 2 if dims == 2 else (temporal_stride, 2, 2)
    extra = 1 if dims == 2 else (temporal_stride - 1, 1, 1)
    f = features
    return nn.Sequential(
        *(pad(3), convolve(1, f, 7), norm(f), nn.ReLU()),
        *(convolve(f, 2 * f, 3, stride=stride, padding=1), norm(2 * f), nn.ReLU()),
        *(convolve(2 * f, 4 * f, 3, stride=stride, padding=1), norm(4 * f), nn.ReLU()),
        *(Block(4 * f, convolve, pad, norm) for _ in range(blocks)),
        *(
            transpose(4 * f, 2 * f, 3, stride=stride, padding=1, output_padding=extra),
            norm(2 * f),
            nn.ReLU(),
        ),
        *(
            transpose(2 * f, f, 3, stride=stride, padding=1, output_padding=extra),
            norm(f),
            nn.ReLU(),
        ),
        *(pad(3), convolve(f, 1, 7), nn.Tanh()),
    )


@pytest.mark.parametrize(("frames", "stride"), VARIANTS)
def test_forward_is_that_of_the_published_layers(frames, stride, copy_weights):
    ours = Generator(
        GeneratorParameters(frames, features=3, blocks=2, temporal_stride=stride, limit=1.0)
    )
    dims = 3 if frames == "clip" else 2
    theirs = copy_weights(ours, reference(3, 2, dims, stride)).double()
    x = torch.randn(2, 1, 8, 12, 16)
    got = ours.double()(x.double())
    if dims == 3:
        expected = theirs(x.double())
    else:
        expected = torch.stack([theirs(x[:, :, frame].double()) for frame in range(8)], dim=2)
    assert expected.std() > 0.01
    torch.testing.assert_close(got, expected, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize(("frames", "dims"), [("clip", 3), ("single", 2)])
@pytest.mark.parametrize("noise", [False, True])
def test_parameter_count(frames, dims, noise):
    f, blocks = 5, 3
    weights = 2 * 7**dims * f + 3**dims * (
        2 * (f * 2 * f + 2 * f * 4 * f) + blocks * 2 * (4 * f) ** 2
    )
    biases = f + 2 * f + 4 * f + blocks * 2 * 4 * f + 2 * f + f + 1
    scales = blocks * 2 * 4 * f if noise else 0
    generator = Generator(GeneratorParameters(frames, features=f, blocks=blocks, noise=noise))
    assert sum(value.numel() for value in generator.parameters()) == weights + biases + scales


def test_weights_start_as_published():
    generator = Generator(GeneratorParameters(features=8, blocks=2))
    weights = torch.cat(
        [value.flatten() for name, value in generator.named_parameters() if name.endswith("weight")]
    )
    assert abs(weights.mean()) < 5e-4
    assert abs(weights.std() - 0.02) < 5e-4
    assert not any(
        value.any() for name, value in generator.named_parameters() if name.endswith("bias")
    )


@pytest.mark.parametrize(("frames", "stride"), VARIANTS)
def test_the_smallest_sizes_work_and_smaller_or_odd_ones_are_refused(frames, stride):
    generator = Generator(GeneratorParameters(frames, features=2, blocks=1, temporal_stride=stride))
    smallest = torch.randn(1, 1, *generator.smallest)
    assert generator(smallest).shape == smallest.shape
    for axis, (step, least) in enumerate(zip(generator.multiple, generator.smallest, strict=True)):
        for wrong in {least - step, least + step // 2} - {least}:
            sizes = [*generator.smallest]
            sizes[axis] = wrong
            with pytest.raises(
                ValueError, match=f"of {wrong}; a multiple of {step}, at least {least}"
            ):
                generator(torch.zeros(1, 1, *sizes))


@pytest.mark.parametrize(("frames", "multiple"), [("clip", (4, 4, 4)), ("single", (1, 4, 4))])
def test_multiple_at_stride_2(frames, multiple):
    assert Generator(GeneratorParameters(frames, features=1, blocks=1)).multiple == multiple


def test_multiple_at_stride_1():
    assert Generator(GeneratorParameters(features=1, blocks=1, temporal_stride=1)).multiple == (
        1,
        4,
        4,
    )


def test_clips_of_a_batch_do_not_touch_one_another():
    generator = Generator(GeneratorParameters(features=2, blocks=1))
    clips = torch.randn(3, 1, 8, 8, 12)
    apart = torch.cat([generator(clip[None]) for clip in clips])
    torch.testing.assert_close(generator(clips), apart, atol=1e-5, rtol=1e-4)


def test_a_network_of_single_frames_does_not_look_at_time():
    generator = Generator(GeneratorParameters("single", features=2, blocks=1))
    clips, order = torch.randn(2, 1, 5, 8, 12), torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(
        generator(clips[:, :, order]), generator(clips)[:, :, order], atol=1e-5, rtol=1e-4
    )


def test_scale_and_offset_of_a_clip_do_not_matter():
    generator = Generator(GeneratorParameters(features=2, blocks=1)).double()
    x = torch.randn(1, 1, 8, 8, 8, dtype=torch.float64) * 100  # far above the eps of the norm
    torch.testing.assert_close(generator(3 * x + 50), generator(x), atol=1e-2, rtol=0)


def test_output_keeps_within_its_range():
    x = torch.randn(1, 1, 8, 8, 8)
    generator = Generator(GeneratorParameters(features=2, blocks=1, limit=2.0))
    generator.layers[-1].weight.data *= 1e4
    assert 1.9 < generator(x).abs().max() <= 2.0
    free = Generator(GeneratorParameters(features=2, blocks=1, limit=None))
    free.load_state_dict(generator.state_dict())
    assert free(x).abs().max() > 2.0
    torch.testing.assert_close(2 * torch.tanh(free(x) / 2), generator(x))


def test_noise_is_in_every_convolution_of_the_blocks_and_starts_as_no_change():
    plain = Generator(GeneratorParameters(features=2, blocks=2))
    noisy = Generator(GeneratorParameters(features=2, blocks=2, noise=True))
    noisy.load_state_dict({**noisy.state_dict(), **renamed(plain.state_dict())})
    x = torch.randn(1, 1, 8, 8, 8)
    torch.testing.assert_close(noisy(x), plain(x))
    injections = [module for module in noisy.modules() if isinstance(module, NoiseInjection)]
    assert [injection.scale.numel() for injection in injections] == [8] * 4
    injections[0].scale.data.fill_(1.0)
    assert not torch.equal(noisy(x), noisy(x))


def renamed(state):
    """Names of the layers of a block with noise, where layers after a convolution move by one."""
    return {
        re.sub(r"(layers\.\d+\.layers\.)5", r"\g<1>6", name): value for name, value in state.items()
    }


def test_noise_comes_between_convolution_and_norm():
    block = ResidualBlock(2, "clip", noise=True)
    assert [type(layer).__name__ for layer in block.layers] == [
        *("ReflectionPad3d", "Conv3d", "NoiseInjection", "InstanceNorm", "ReLU"),
        *("ReflectionPad3d", "Conv3d", "NoiseInjection", "InstanceNorm"),
    ]


def test_half_precision_gives_float32_close_to_the_full():
    generator = Generator(GeneratorParameters(features=4, blocks=1))
    x = torch.randn(1, 1, 8, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        half = generator(x)
    full = generator(x)
    assert half.dtype == torch.float32
    assert (half - full).norm() < 0.1 * full.norm()


@pytest.mark.parametrize(
    "wrong",
    [{"kernel": "video"}, {"temporal_stride": 4}, {"features": 0}, {"blocks": 0}, {"limit": 0.0}],
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        GeneratorParameters(**wrong)
