import pytest
import torch

from musclelib.networks.firing_detector import FiringDetection, FiringDetector, FiringParameters
from musclelib.networks.unit_weights import load_unit_network, save_unit_network

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


def test_the_loss_is_least_at_what_was_fired():
    objective = FiringDetection(SMALL)
    firings = torch.zeros(2, 60)
    firings[0, 20] = firings[1, 40] = 1
    spread = torch.exp(-0.5 * torch.arange(-4, 5.0) ** 2)
    spread /= spread.sum()
    truth = torch.full((2, 60), 1e-6)
    truth[0, 16:25] = truth[1, 36:45] = spread

    def loss(expected):
        objective.network.forward = lambda _: expected
        return float(objective.loss(torch.zeros(2, 1, 60), firings)[0])

    best = loss(truth)
    for other in (1.1 * truth, 0.9 * truth, truth.roll(2, 1), truth + 0.01):
        assert loss(other) > best


def test_gradients_reach_every_weight():
    objective = FiringDetection(SMALL)
    total, _ = objective.loss(torch.randn(4, 1, 80), (torch.rand(4, 80) < 0.05).float())
    total.backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in objective.parameters())


def test_weights_come_back(detector, tmp_path):
    save_unit_network(detector, tmp_path / "a.safetensors")
    trains = torch.randn(1, 1, 90)
    back = load_unit_network(FiringDetector, tmp_path / "a.safetensors")
    assert back.settings == SMALL
    torch.testing.assert_close(back(trains), detector(trains), rtol=0.02, atol=0.01)
