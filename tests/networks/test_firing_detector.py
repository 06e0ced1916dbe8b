import pytest
import torch

from musclelib.networks import weights
from musclelib.networks.firing_detector import FiringDetector, FiringParameters

SMALL = FiringParameters(features=4)


@pytest.fixture
def detector():
    torch.manual_seed(0)
    return FiringDetector(SMALL).eval()


@pytest.mark.parametrize("frames", [13, 100, 333])
def test_trains_of_any_length_give_as_many_frames(detector, frames):
    expected = detector(torch.randn(3, 1, frames))
    assert expected.shape == (3, frames)
    assert (expected > 0).all()


def test_a_train_does_not_depend_on_its_batch(detector):
    trains = torch.randn(4, 1, 120)
    torch.testing.assert_close(detector(trains)[2:3], detector(trains[2:3]))


def test_before_it_has_learnt_firings_are_seldom(detector):
    assert detector(torch.randn(8, 1, 400)).mean() < 0.15


def test_weights_come_back(detector, tmp_path):
    weights.save(detector, tmp_path / "a.safetensors", half=True)
    trains = torch.randn(1, 1, 90)
    back = weights.load(tmp_path / "a.safetensors", FiringDetector)
    assert back.settings == SMALL
    torch.testing.assert_close(back(trains), detector(trains), rtol=0.02, atol=0.01)
