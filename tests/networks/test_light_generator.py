import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from musclelib.networks.light_generator import LightGenerator, LightGeneratorParameters, Texture

TINY = LightGeneratorParameters(features=4)


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


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="depth of 20; a multiple of 8, at least 16"):
        LightGenerator(TINY)(torch.zeros(1, 1, 4, 20, 16))
