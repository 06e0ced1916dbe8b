import pytest
import torch

from musclelib.translation.models.one_sided import OneSided, OneSidedParameters, content

TINY = OneSidedParameters(features=4, discriminator_features=4)


@pytest.fixture
def clips():
    return torch.randn(2, 1, 12, 32, 16, generator=torch.Generator().manual_seed(0))


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
    assert all(
        weight.grad is None
        for network in model.groups()["discriminators"]
        for weight in network.parameters()
    )
    model.zero_grad(set_to_none=True)
    total, terms = model.discriminator_loss(clips, clips.flip(0), fakes)
    total.backward()
    assert all(weight.grad is None for weight in model.to_b.parameters())
    assert all(
        weight.grad is not None
        for network in model.groups()["discriminators"]
        for weight in network.parameters()
    )
