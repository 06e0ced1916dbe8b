import pytest
import torch
from torch import nn

from musclelib.parameters import ParameterError
from musclelib.translation.models.recyclegan import RecycleGAN, RecycleGANParameters, triplets

SMALL = {"features": 1, "blocks": 1, "discriminator_features": 1}


class Sum(nn.Module):
    def forward(self, pair):
        return pair.sum(2, keepdim=True)


@pytest.fixture
def stub(stubbed):
    """With predictors that add the two frames."""

    def build(**changes):
        model = stubbed(RecycleGAN(RecycleGANParameters(**SMALL, **changes)))
        model.predict_a, model.predict_b = Sum(), Sum()
        return model

    return build


def constant(value, frames=7):
    return torch.full((2, 1, frames, 4, 4), float(value))


COMMON = {
    "adversarial_a": (25 + 25 + 121) / 3,  # to A: 6, 6, 12
    "adversarial_b": (1 + 1 + 9) / 3,  # to B: 2, 2, 4
    "prediction_a": 1,  # 2 of 1
    "prediction_b": 3,  # 6 of 3
    "recycle_a": 7,  # 4, 8
    "recycle_b": 10,  # 12, 13
}
PLAIN = {"cycle_a": 3, "cycle_b": 4, "identity_a": 1, "identity_b": 1}


@pytest.mark.parametrize("plain", [False, True])
def test_losses_by_hand(stub, plain):
    total, terms, fakes = stub(plain=plain).generator_loss(constant(1), constant(3))
    expected = {**COMMON, **(PLAIN if plain else {})}
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected)
    # the published loss is a sum over frames: three adversarial terms, two of cycle and of identity
    assert total == pytest.approx(
        171 + 11 + 10 * (1 + 3 + 7 + 10) + plain * (10 * 2 * (3 + 4) + 5 * 2 * (1 + 1))
    )
    assert fakes[0][0].flatten(1)[0].unique().tolist() == [6, 12]
    assert fakes[1].shape == (4, 1, 3, 4, 4)


def test_discriminator_loss_by_hand(stub):
    model = stub()
    _, _, fakes = model.generator_loss(constant(1), constant(3))
    total, terms = model.discriminator_loss(constant(1), constant(3), fakes)
    assert terms["discriminator_a"] == (36 + 36 + 144) / 3 / 2
    assert terms["discriminator_b"] == (4 + (4 + 4 + 16) / 3) / 2
    assert total == terms["discriminator_a"] + terms["discriminator_b"]


def test_triplets_follow_one_another():
    clips = torch.arange(16.0).view(2, 1, 8, 1, 1)
    assert triplets(clips)[:, 0, :, 0, 0].tolist() == [
        [0, 1, 2],
        [3, 4, 5],
        [8, 9, 10],
        [11, 12, 13],
    ]
    with pytest.raises(ValueError, match="2 frames; at least 3"):
        triplets(clips[:, :, :2])


def test_the_order_of_the_frames_matters_to_the_prediction(stub):
    model = stub()
    a = torch.tensor([1.0, 2.0, 4.0]).view(1, 1, 3, 1, 1).expand(1, 1, 3, 2, 2)
    _, terms, _ = model.generator_loss(a, a)
    assert terms["prediction_a"] == 1  # 1 + 2 of 4
    assert terms["recycle_a"] == 6  # 2 * (2 + 3) of 4


def test_each_step_trains_its_own_networks_only():
    model = RecycleGAN(RecycleGANParameters(**SMALL))
    a, b = torch.randn(2, 1, 3, 32, 32), torch.randn(2, 1, 3, 32, 32)
    total, _, fakes = model.generator_loss(a, b)
    total.backward()
    trained = [value for network in model.groups()["generators"] for value in network.parameters()]
    judging = [
        value for network in model.groups()["discriminators"] for value in network.parameters()
    ]
    assert all(value.grad is None for value in judging)
    assert all(value.grad is not None for value in trained)
    before = [value.grad.clone() for value in trained]
    model.discriminator_loss(a, b, fakes)[0].backward()
    assert all(torch.equal(value.grad, kept) for value, kept in zip(trained, before, strict=True))
    assert all(value.grad is not None for value in judging)
    assert len(trained) + len(judging) == len([*model.parameters()])


@pytest.mark.parametrize("wrong", [{"kernel": "clip"}, {"noise": True}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        RecycleGANParameters(**wrong)
