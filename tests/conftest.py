import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from musclelib import sequences, simulator

settings.register_profile("study", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
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
    """Make a CycleGAN its plain port: torch's own layers, contiguous memory, a forward pass for every batch."""
    torch = pytest.importorskip("torch")
    from musclelib.networks import cyclegan, layers, single_channel

    kinds = {
        single_channel.SingleChannel2d: torch.nn.Conv2d,
        single_channel.SingleChannel3d: torch.nn.Conv3d,
    }

    def port(model):
        monkeypatch.setattr(cyclegan, "together", lambda network, batches: tuple(map(network, batches)))
        for module in model.modules():
            if isinstance(module, layers.InstanceNorm):
                module.forward = torch.nn.functional.instance_norm
            module.__class__ = kinds.get(type(module), type(module))
        for value in model.parameters():
            value.data = value.data.contiguous()
        return model

    return port
