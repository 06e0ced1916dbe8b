import importlib

import numpy as np
import pytest
import torch

from musclelib.networks.torchvision_operators import nms, roi_align, torchvision

# in torch alone, slow
published = importlib.import_module("torchvision.ops.roi_align")._roi_align.__wrapped__


def regions(count, depth, lateral):
    corner = torch.rand(count, 2) * torch.tensor([lateral - 4.0, depth - 4.0])
    far = torch.minimum(
        corner + 0.3 + 14 * torch.rand(count, 2), torch.tensor([float(lateral), float(depth)])
    )
    return torch.cat([torch.randint(0, 3, (count, 1)).float(), corner, far], 1)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("samples", [2, -1])
def test_regions_have_the_features_and_gradients_of_torchvisions_own(samples, aligned):
    features, boxes = torch.randn(3, 5, 16, 20, requires_grad=True), regions(30, 32, 40)
    ours = roi_align(features, boxes, 0.5, 7, 3, samples, aligned)
    theirs = published(features, boxes, 0.5, 7, 3, samples, aligned)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=2e-5)
    weight = torch.randn_like(ours)
    gradients = [
        torch.autograd.grad((found * weight).sum(), features)[0] for found in (ours, theirs)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=5e-5)
    through = torchvision.ops.roi_align(features, boxes, (7, 3), 0.5, samples, aligned)
    torch.testing.assert_close(through, theirs, rtol=1e-4, atol=2e-5)


def test_a_ramp_is_sampled_exactly_in_half_precision_too():
    ramp = torch.arange(16.0).expand(1, 1, 8, 16)
    found = roi_align(ramp, torch.tensor([[0.0, 2.0, 1.0, 10.0, 5.0]]), 1.0, 2, 4, 2)
    torch.testing.assert_close(found[0, 0], torch.tensor([3.0, 5.0, 7.0, 9.0]).expand(2, 4))
    with torch.autocast("cpu", torch.bfloat16):
        half = roi_align(ramp.bfloat16(), torch.tensor([[0.0, 2.0, 1.0, 10.0, 5.0]]), 1.0, 2, 4, 2)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), found)


def test_no_region_has_no_features():
    assert roi_align(torch.randn(1, 5, 8, 8), torch.zeros(0, 5), 1.0, 7, 7).shape == (0, 5, 7, 7)


def test_boxes_that_overlap_a_better_one_go():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10], [5, 0, 15, 10]])
    scores = torch.tensor([0.8, 0.9, 0.1, 0.7])  # IoU with the best: 0.9, 1, 0, 0.31
    assert nms(boxes, scores, 0.5).tolist() == [1, 3, 2]
    assert nms(boxes, scores, 0.3).tolist() == [1, 2]
    assert torchvision.ops.nms(boxes, scores, 0.95).tolist() == [1, 0, 3, 2]
    assert nms(boxes[:0], scores[:0], 0.5).tolist() == []


def test_what_stays_overlaps_little_and_what_goes_much():
    corner = 20 * torch.rand(60, 2)
    boxes, scores = torch.cat([corner, corner + 3 + 8 * torch.rand(60, 2)], 1), torch.rand(60)
    stays = nms(boxes, scores, 0.4)
    likeness = torchvision.ops.box_iou(boxes, boxes).numpy()
    assert np.triu(likeness[np.ix_(stays, stays)], 1).max() <= 0.4
    for gone in set(range(60)) - set(stays.tolist()):
        assert any(
            likeness[gone, better] > 0.4 and scores[better] >= scores[gone]
            for better in stays.tolist()
        )
