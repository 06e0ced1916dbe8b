import pytest
import torch

from musclelib.identification.matching import match
from musclelib.networks.detection import Detection
from musclelib.networks.mask_rcnn import DETECTORS, truth

TINY = DETECTORS["light"].changed(stages=1, channels=8, hidden=16, proposals=(40, 40), regions=16)


def batch():
    territory = torch.zeros(2, 64, 64, dtype=torch.bool)
    territory[0, 8:20, 8:18], territory[1, 14:26, 12:24] = True, True
    time = torch.arange(400.0)
    velocity = sum(mask * torch.sin(time / 6 + unit)[:, None, None] for unit, mask in enumerate(territory))
    return velocity[None, None], [truth(territory)]


def test_the_loss_is_the_sum_of_the_papers_five():
    objective = Detection(TINY).train()
    total, parts = objective.loss(*batch())
    assert set(parts) == {"anchor score", "anchor box", "score", "box", "mask"}
    torch.testing.assert_close(total, sum(parts.values()))
    total.backward()
    assert all(weight.grad is not None for weight in objective.parameters())
    assert list(objective.trained()) == [objective.detector]


def test_boxes_in_half_precision_are_taken():
    velocity, (territories,) = batch()
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = Detection(TINY).train().loss(velocity, [{**territories, "boxes": territories["boxes"].bfloat16()}])
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
        (found,) = objective.eval().detector(velocity)
    pairs = match(territories[0]["masks"].bool().numpy(), (found["masks"][:, 0] > 0.5).numpy())
    assert pairs.recall == 1
