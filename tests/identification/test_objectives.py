import numpy as np
import pytest
import torch

from musclelib.identification.objectives import (
    Detection,
    FiringDetection,
    Reading,
    TwitchEstimation,
    train_loss,
)
from musclelib.metrics.matching import match
from musclelib.networks.firing_detector import FiringParameters
from musclelib.networks.mask_rcnn import DETECTORS, truth
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader
from musclelib.networks.twitch import TWITCH_NETWORKS

SMALL = FiringParameters(features=4)


TINY = DETECTORS["light"].changed(stages=1, channels=8, hidden=16, proposals=(40, 40), regions=16)


def batch():
    territory = torch.zeros(2, 64, 64, dtype=torch.bool)
    territory[0, 8:20, 8:18], territory[1, 14:26, 12:24] = True, True
    time = torch.arange(400.0)
    velocity = sum(
        mask * torch.sin(time / 6 + unit)[:, None, None] for unit, mask in enumerate(territory)
    )
    return velocity[None, None], [truth(territory)]


def test_the_loss_is_the_sum_of_the_papers_five():
    objective = Detection(TINY).train()
    total, parts = objective.loss(*batch())
    assert set(parts) == {"anchor score", "anchor box", "score", "box", "mask"}
    torch.testing.assert_close(total, sum(parts.values()))
    total.backward()
    assert all(weight.grad is not None for weight in objective.parameters())
    assert objective.groups() == {"network": [objective.network]}


def test_boxes_in_half_precision_are_taken():
    velocity, (territories,) = batch()
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = (
            Detection(TINY)
            .train()
            .loss(velocity, [{**territories, "boxes": territories["boxes"].bfloat16()}])
        )
    assert total.isfinite()


@pytest.mark.slow
def test_two_overlapping_units_are_learnt_and_found():
    objective = Detection(TINY.changed(channels=32, hidden=64, stages=2, regions=48))
    optimiser = torch.optim.Adam(objective.parameters(), 1e-3)
    velocity, territories = batch()
    for _ in range(40):
        with torch.autocast("cpu", torch.bfloat16):
            total, _ = objective.train().loss(velocity, territories)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
    with torch.no_grad():
        (found,) = objective.eval().network(velocity)
    pairs = match(territories[0]["masks"].bool().numpy(), (found["masks"][:, 0] > 0.5).numpy())
    assert pairs.recall == 1


def test_weak_units_count_as_much_as_strong_ones():
    torch.manual_seed(0)
    truth, estimate = torch.randn(2, 50), torch.randn(2, 50)
    gain = torch.tensor([[1.0], [1000.0]])
    assert float(train_loss(gain * estimate, gain * truth)) == pytest.approx(
        float(train_loss(estimate, truth))
    )
    by_hand = train_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, -4.0]]))
    assert float(by_hand) == pytest.approx(((1 / 4) ** 2 + 1) / 2)


def test_silent_units_do_not_count():
    truth = torch.tensor([[1.0, -2.0], [0.0, 0.0]])
    estimate = torch.tensor([[0.0, 0.0], [5.0, 5.0]]).requires_grad_()
    loss = train_loss(estimate, truth)
    assert float(loss.detach()) == pytest.approx((0.25 + 1) / 2)
    loss.backward()
    assert estimate.grad[1].tolist() == [0, 0]
    silent = train_loss(estimate, torch.zeros(2, 2))
    assert float(silent.detach()) == 0


def test_the_objective_trains_the_network_on_crops():
    objective = TwitchEstimation(TWITCH_NETWORKS["light"].changed(features=2, dense=8, states=4))
    crops, trains = torch.randn(2, 1, 40, 16, 16), torch.randn(2, 40)
    total, parts = objective.loss(crops, trains)
    assert parts == {}
    total.backward()
    assert all(weight.grad is not None for weight in objective.parameters())
    objective.eval()
    torch.testing.assert_close(
        objective.loss(crops, trains)[0], train_loss(objective.network(crops), trains)
    )


def test_losses_by_hand(monkeypatch):
    model = Reading(ReaderParameters(features=4))
    logits = torch.full((2, 2, 2), 100.0)
    logits[0, 0] = -100.0
    monkeypatch.setattr(
        TerritoryReader, "forward", lambda self, images: (logits, torch.tensor([0.0, 100.0]))
    )
    territory = torch.tensor([[[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    total, parts = model.loss(
        torch.zeros(2, 5, 2, 2), territory, torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0])
    )
    # the first territory is right; the second is wrong, but nobody knows it
    assert float(parts["overlap"]) == pytest.approx(0, abs=1e-6)
    assert float(parts["pixel"]) == pytest.approx(0, abs=1e-6)
    assert float(parts["score"]) == pytest.approx(np.log(2) / 2)
    assert float(total) == pytest.approx(sum(map(float, parts.values())))
    _, parts = model.loss(
        torch.zeros(2, 5, 2, 2), 1 - territory, torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0])
    )
    assert float(parts["overlap"]) == pytest.approx(1 - 1 / 5)
    assert float(parts["pixel"]) == pytest.approx(100)


def test_it_learns_where_the_bright_half_is():
    torch.manual_seed(0)
    model = Reading(ReaderParameters(features=8))
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    images = torch.randn(16, 5, 16, 16)
    images[:, 1, :8] += 3 * torch.tensor([1.0, -1.0]).repeat(8)[:, None, None]
    units = torch.tensor([1.0, 0.0]).repeat(8)
    territory = torch.zeros(16, 16, 16)
    territory[:, :8] = 1
    for _ in range(60):
        optimiser.zero_grad()
        total, _ = model.loss(images, territory, torch.ones(16), units)
        total.backward()
        optimiser.step()
    mask, score = model.network.eval()(images)
    assert ((mask > 0) == (territory > 0)).float().mean() > 0.9
    assert ((score > 0) == (units > 0)).float().mean() > 0.9


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
    assert all(
        weight.grad is not None and weight.grad.abs().max() > 0 for weight in objective.parameters()
    )
