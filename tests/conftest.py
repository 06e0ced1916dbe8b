import os

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from torch import nn

from musclelib import sequences, simulator

settings.register_profile(
    "study", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("study")


@pytest.fixture
def small():
    """Parameters of a sequence small enough for a test of anything but size."""
    return simulator.preset("paper1", frames=96, pixels=(24, 20), units=(2, 5))


@pytest.fixture
def dataset():
    """Three small sequences of white noise, without labels."""
    rng = np.random.default_rng(0)
    return sequences.build(
        {"velocity": rng.standard_normal((3, 80, 12, 10), dtype=np.float32)},
        time=np.arange(80) / 512,
        depth=np.arange(12.0),
        lateral=np.arange(10.0),
        domain="simulated",
        source="test",
        seed=0,
    )


@pytest.fixture
def data_mirror():
    """The local mirror of real recordings, or a skip that says how to have it."""
    folder = os.environ.get("MUSCLELIB_DATA")
    if not folder:
        pytest.skip("MUSCLELIB_DATA does not name a mirror of the real recordings")
    return folder


@pytest.fixture
def plain(monkeypatch):
    """Make a CycleGAN a plain port: torch's layers, contiguous memory, a forward per batch."""
    torch = pytest.importorskip("torch")
    from musclelib.networks import layers, single_channel
    from musclelib.translation.models import cyclegan

    kinds = {
        single_channel.SingleChannel2d: torch.nn.Conv2d,
        single_channel.SingleChannel3d: torch.nn.Conv3d,
    }

    def port(model):
        monkeypatch.setattr(
            cyclegan, "together", lambda network, batches: tuple(map(network, batches))
        )
        for module in model.modules():
            if isinstance(module, layers.InstanceNorm):
                module.forward = torch.nn.functional.instance_norm
            module.__class__ = kinds.get(type(module), type(module))
        for value in model.parameters():
            value.data = value.data.contiguous()
        return model

    return port


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def copy_weights():
    """Copy the weights of a network whose parameters have the same shapes in the same order."""

    def copy(source: nn.Module, target: nn.Module) -> nn.Module:
        for mine, theirs in zip(target.parameters(), source.parameters(), strict=True):
            assert mine.shape == theirs.shape
            mine.data = theirs.data.clone()
        return target

    return copy


class Affine(nn.Module):
    """Stands in for a network: x * factor + offset."""

    def __init__(self, factor: float, offset: float) -> None:
        super().__init__()
        self.factor, self.offset = factor, offset

    def forward(self, x):
        return self.factor * x + self.offset


@pytest.fixture
def stubbed():
    """Replace the networks of a CycleGAN: to B x + 1, to A 2 x, scores the values themselves."""

    def replace(model):
        model.to_b, model.to_a = Affine(1, 1), Affine(2, 0)
        model.discriminator_a = model.discriminator_b = Affine(1, 0)
        return model

    return replace


def discs(*places, field=(48, 48)):
    depth, lateral = np.indices(field)
    return np.array(
        [(depth - y) ** 2 + (lateral - x) ** 2 <= r**2 for y, x, r in places], np.float32
    )


@pytest.fixture(name="discs", scope="session")
def fixture_discs():
    """Masks of circles `(depth, lateral, radius)` in a field of 48 x 48 pixels."""
    return discs


@pytest.fixture(scope="session")
def overlapping():
    """Five territories on top of one another."""
    return discs((18, 18, 10), (24, 26, 10), (28, 16, 9), (30, 24, 8), (20, 28, 6))


@pytest.fixture(scope="session")
def waving():
    """Make a sequence of masks that move in waves of their own, and its trains."""

    def make(masks, noise=0.0):
        rng = np.random.default_rng(0)
        time = np.arange(400) / 400
        trains = np.array(
            [np.sin(2 * np.pi * rng.uniform(6, 20) * time + rng.uniform(0, 6)) ** 3 for _ in masks]
        )
        velocity = np.einsum("ut,uij->tij", trains, masks) + noise * rng.standard_normal(
            (400, *masks.shape[1:])
        )
        return velocity.astype(np.float32), trains

    return make
