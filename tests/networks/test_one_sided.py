import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from musclelib.networks.one_sided import (
    InTime,
    LightGenerator,
    OneSided,
    OneSidedParameters,
    Texture,
    content,
)

TINY = OneSidedParameters(features=4, judge_features=4)


@pytest.fixture
def clips():
    return torch.randn(2, 1, 12, 32, 16, generator=torch.Generator().manual_seed(0))


def test_an_untrained_generator_hardly_does_more_than_blur(clips):
    torch.manual_seed(0)
    out = LightGenerator(TINY)(clips).detach()
    assert out.shape == clips.shape
    expected = gaussian_filter(clips.numpy(), (0, 0, 0, 2, 2), mode="nearest", truncate=3)
    np.testing.assert_allclose(out.numpy(), expected, atol=0.1)
    assert np.abs(out.numpy() - expected).max() > 0


def test_convolution_in_time_is_that_of_each_pixel_and_channel():
    torch.manual_seed(0)
    layer, x = InTime(3), torch.randn(2 * 9, 3, 4, 5)
    found = layer.fold(x, 2)
    kernel, bias = layer.weight.detach().numpy()[:, 0, :, 0], layer.bias.detach().numpy()
    for batch, channel in ((0, 0), (1, 2)):
        signal = x.unflatten(0, (2, 9))[batch, :, channel, 3, 1].numpy()
        expected = np.correlate(np.pad(signal, 2), kernel[channel], "valid") + bias[channel]
        np.testing.assert_allclose(
            found.detach().unflatten(0, (2, 9))[batch, :, channel, 3, 1].numpy(), expected, atol=1e-5
        )


@pytest.mark.parametrize("half", [0, 3])
def test_a_frame_depends_on_those_within_reach_alone(half):
    torch.manual_seed(0)
    generator = LightGenerator(TINY.changed(time_filter=half))
    if half:
        generator.time_filter.taps.fill_(0.1)
    for block in (level[0] for level in generator.levels):
        torch.nn.init.normal_(block.mix.weight, 0, 1)
    torch.nn.init.normal_(generator.out.weight, 0, 1)
    long = torch.randn(1, 1, 40, 16, 16)
    changed = long.clone()
    changed[:, :, 20] += 1
    torch.manual_seed(1)
    before = generator(long)
    torch.manual_seed(1)
    moved = (generator(changed) - before).abs().amax(dim=(0, 1, 3, 4))
    away = (torch.arange(40) - 20).abs()
    assert (moved[away > generator.reach] == 0).all()
    assert moved[away == generator.reach].max() > 0


def test_texture_starts_as_nothing_and_is_the_same_at_all_times():
    texture, x = Texture(3), torch.ones(2 * 5, 3, 8, 8)
    assert torch.equal(texture(x, 2), x)
    torch.nn.init.ones_(texture.scale)
    out = texture(x, 2).unflatten(0, (2, 5)).detach()
    assert torch.equal(out[:, 0], out[:, 4])
    assert not torch.equal(out[0], out[1])
    assert out.std() == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(("gain", "expected"), [(3.0, 0.0), (-0.5, 2.0)])
def test_content_is_the_correlation_of_moving_pixels(clips, gain, expected):
    still = clips.clone()
    still[:, :, :, :8] = 0.7  # constant pixels do not count, whatever becomes of them
    translation = gain * still + 1
    translation[:, :, :, :8] = torch.randn(2, 1, 12, 8, 16)
    assert float(content(translation, still)) == pytest.approx(expected, abs=1e-5)
    assert float(content(translation, torch.zeros_like(still))) == 1


def test_losses_are_weighted_and_each_step_trains_its_own_networks(clips):
    torch.manual_seed(0)
    model = OneSided(TINY.changed(content=3.0))
    total, terms, fakes = model.generator_loss(clips, clips.flip(0))
    assert float(total.detach()) == pytest.approx(
        float(terms["adversarial_b"] + terms["map_b"] + 3 * terms["content_a"]), rel=1e-5
    )
    total.backward()
    assert all(weight.grad is None for network in model.discriminators() for weight in network.parameters())
    model.zero_grad(set_to_none=True)
    total, terms = model.discriminator_loss(clips, clips.flip(0), fakes)
    total.backward()
    assert all(weight.grad is None for weight in model.to_b.parameters())
    assert all(weight.grad is not None for network in model.discriminators() for weight in network.parameters())


def test_variance_maps_are_judged_by_place_not_by_gain(clips):
    torch.manual_seed(0)
    judge = OneSided(TINY).judge_map.eval()
    torch.testing.assert_close(judge(3 * clips), judge(clips), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(judge(clips * torch.linspace(0, 2, 32)[:, None]), judge(clips), atol=1e-3)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="depth of 20; a multiple of 8, at least 16"):
        LightGenerator(TINY)(torch.zeros(1, 1, 4, 20, 16))
