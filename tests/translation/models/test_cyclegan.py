import itertools

import pytest
import torch
from torch.nn import functional

from musclelib.networks.layers import NoiseInjection
from musclelib.parameters import ParameterError
from musclelib.translation.models.cyclegan import CycleGAN, CycleGANParameters
from musclelib.translation.pool import ClipPool

SMALL = {"features": 2, "blocks": 1, "discriminator_features": 2}


@pytest.fixture
def stub(stubbed):
    return lambda **changes: stubbed(CycleGAN(CycleGANParameters(**SMALL, **changes)))


@pytest.fixture
def clips():
    return torch.randn(1, 1, 8, 24, 24), torch.randn(1, 1, 8, 24, 24)


def constant(value):
    return torch.full((2, 1, 4, 4, 4), float(value))


def test_losses_by_hand(stub):
    model = stub()
    total, terms, fakes = model.generator_loss(constant(1), constant(3))
    assert {name: term.item() for name, term in terms.items()} == {
        "adversarial_a": 25,  # to A: 6
        "adversarial_b": 1,  # to B: 2
        "cycle_a": 3,  # 1, 2, 4
        "cycle_b": 4,  # 3, 6, 7
        "identity_a": 1,  # 2 of 1
        "identity_b": 1,  # 4 of 3
    }
    assert total == 25 + 1 + 10 * (3 + 4) + 5 * (1 + 1)
    assert torch.equal(fakes[0], constant(6))
    assert torch.equal(fakes[1], constant(2))
    total, terms = model.discriminator_loss(constant(1), constant(3), fakes)
    assert {name: term.item() for name, term in terms.items()} == {
        "discriminator_a": 36 / 2,
        "discriminator_b": (4 + 4) / 2,
    }
    assert total == 22


def test_weights_of_the_losses(stub):
    total, terms, _ = stub(cycle=1.0, identity=0.0).generator_loss(constant(1), constant(3))
    assert total == 25 + 1 + 3 + 4
    assert not any(name.startswith("identity") for name in terms)


def test_the_second_form_of_equation_5_concerns_domain_b_only(stub):
    a, b = constant(1), constant(3)
    model = stub(identity_form="l2")
    model.to_b = model.to_a = torch.nn.ReLU()
    a[:, :, 0], b[:, :, 0] = -4.0, -4.0  # a quarter is off by 4
    _, terms, _ = model.generator_loss(a, b)
    assert terms["identity_a"] == 1.0
    assert terms["identity_b"] == 2.0


def test_one_batch_for_all_is_the_same_as_clip_by_clip():
    model = CycleGAN(CycleGANParameters(**SMALL, kernel="single")).double()
    a, b = torch.randn(2, 1, 2, 24, 24).double(), torch.randn(3, 1, 2, 24, 24).double()
    total, _, _ = model.generator_loss(a, b)
    gradients = torch.autograd.grad(total, [*model.to_b.parameters(), *model.to_a.parameters()])

    fake_b, fake_a = model.to_b(a), model.to_a(b)
    expected = functional.mse_loss(scores := model.discriminator_a(fake_a), torch.ones_like(scores))
    expected = expected + functional.mse_loss(
        scores := model.discriminator_b(fake_b), torch.ones_like(scores)
    )
    expected = expected + 10 * (
        functional.l1_loss(model.to_a(fake_b), a) + functional.l1_loss(model.to_b(fake_a), b)
    )
    expected = expected + 5 * (
        functional.l1_loss(model.to_a(a), a) + functional.l1_loss(model.to_b(b), b)
    )
    torch.testing.assert_close(total, expected, check_dtype=False)
    wanted = torch.autograd.grad(expected, [*model.to_b.parameters(), *model.to_a.parameters()])
    for got, want in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(got, want, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("changes", [{}, {"temporal_stride": 1}, {"kernel": "single"}])
def test_a_step_is_that_of_the_plain_port(changes, plain):
    model = CycleGAN(CycleGANParameters(**SMALL, **changes)).double()
    a, b = torch.randn(2, 1, 1, 24, 24, 24).double()

    def losses_and_gradients():
        total, terms, fakes = model.generator_loss(a, b)
        judged, _ = model.discriminator_loss(a, b, fakes)
        gradients = [
            torch.autograd.grad(total, [*model.to_b.parameters(), *model.to_a.parameters()])
        ]
        gradients += [
            torch.autograd.grad(
                judged, [*model.discriminator_a.parameters(), *model.discriminator_b.parameters()]
            )
        ]
        return [total.detach(), judged.detach(), *terms.values(), *itertools.chain(*gradients)]

    model.pool_a, model.pool_b = ClipPool(0), ClipPool(0)
    ours = losses_and_gradients()
    plain(model)
    for got, expected in zip(ours, losses_and_gradients(), strict=True):
        torch.testing.assert_close(got, expected, check_dtype=False, atol=1e-6, rtol=1e-5)


def test_each_step_trains_its_own_networks_only(clips):
    model = CycleGAN(CycleGANParameters(**SMALL, temporal_stride=1, noise=True))
    total, _, fakes = model.generator_loss(*clips)
    total.backward()
    trained = [value for network in model.groups()["generators"] for value in network.parameters()]
    judging = [
        value for network in model.groups()["discriminators"] for value in network.parameters()
    ]
    assert all(value.grad is None and value.requires_grad for value in judging)
    assert all(value.grad is not None and value.grad.isfinite().all() for value in trained)
    before = [value.grad.clone() for value in trained]
    total, _ = model.discriminator_loss(*clips, fakes)
    total.backward()
    assert all(torch.equal(value.grad, kept) for value, kept in zip(trained, before, strict=True))
    assert all(value.grad is not None and value.grad.isfinite().all() for value in judging)
    assert len(trained) + len(judging) == len([*model.parameters()])


def test_terms_and_fakes_carry_no_gradients(clips):
    _, terms, fakes = CycleGAN(CycleGANParameters(**SMALL, kernel="single")).generator_loss(*clips)
    assert not any(value.requires_grad for value in (*terms.values(), *fakes))


def test_noise_is_in_the_generator_to_b_alone():
    model = CycleGAN(CycleGANParameters(**SMALL, noise=True))
    noisy = {name for name, module in model.named_modules() if isinstance(module, NoiseInjection)}
    assert noisy
    assert all(name.startswith("to_b.") for name in noisy)


def test_discriminators_learn_from_the_pools(stub):
    model = stub(pool=2)
    a, b = constant(1), constant(3)
    model.discriminator_loss(a, b, (constant(6), constant(2)))
    later = [model.discriminator_loss(a, b, (constant(0), constant(0)))[1] for _ in range(4)]
    for domain, of_those_given in (("discriminator_a", 0), ("discriminator_b", 2)):
        assert max(terms[domain].item() for terms in later) > of_those_given


def test_state_takes_the_pools_along(stub):
    first, second = stub(), stub()
    first.discriminator_loss(constant(1), constant(3), (constant(6), constant(2)))
    second.remember(first.memory())
    assert {name: value.tolist() for name, value in second.memory().items()} == {
        name: value.tolist() for name, value in first.memory().items()
    }
    assert torch.equal(second.pool_b.clips[1], constant(2)[1])
    second.remember(stub().memory())
    assert not second.pool_a.clips


def test_parameters_of_the_networks():
    settings = CycleGANParameters(
        temporal_stride=1, noise=True, limit=None, discriminator_features=6
    )
    assert settings.generator(noise=True).noise
    assert not settings.generator(noise=False).noise
    assert settings.generator(noise=False).limit is None
    assert settings.discriminator().features == 6
    assert (
        settings.generator(noise=False).temporal_stride
        == settings.discriminator().temporal_stride
        == 1
    )
    with pytest.raises(ParameterError, match="identity_form"):
        CycleGANParameters(identity_form="l3")
