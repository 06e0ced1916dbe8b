import numpy as np
import pytest
import torch

from musclelib.networks.mask_rcnn import (
    DETECTORS,
    Backbone,
    Detector,
    DetectorParameters,
    load_pretrained,
    paste,
    truth,
)
from musclelib.networks.slow_fusion import SlowFusion
from musclelib.networks.torchvision_operators import torchvision
from musclelib.parameters import ParameterError

TINY = DETECTORS["light"].changed(stages=1, channels=8, hidden=16, proposals=(40, 40), regions=16)


def count(module):
    return sum(value.numel() for value in module.parameters())


def test_layers_of_the_papers_detector():
    with torch.device("meta"):
        rcnn, fusion = Detector(DETECTORS["paper"]).rcnn, count(SlowFusion())
    # torchvision's, without classes, first convolution and its norm
    resnet = 44_549_160 - 2_049_000 - 9_408 - 128
    pyramid = 256 * (256 + 512 + 1024 + 2048) + 4 * 256 + 4 * (256 * 256 * 9 + 256)
    assert count(rcnn.backbone) == fusion + resnet + pyramid
    convolution = 256 * 256 * 9 + 256
    assert count(rcnn.rpn) == convolution + 256 * 3 + 3 + 256 * 12 + 12
    dense = 256 * 49 * 1024 + 1024 + 1024 * 1024 + 1024 + 1024 * 2 + 2 + 1024 * 8 + 8
    mask = 4 * convolution + 256 * 256 * 4 + 256 + 256 * 2 + 2
    assert count(rcnn.roi_heads) == dense + mask


def test_levels_of_the_pyramid_are_those_of_a_resnet_fed_with_the_fused_image():
    backbone = Backbone(DETECTORS["paper"].changed(depth="resnet18", channels=8)).eval()
    with torch.no_grad():
        levels = backbone(torch.randn(1, 400, 64, 64))
    assert [tuple(level.shape) for level in levels.values()] == [
        (1, 8, side, side) for side in (32, 16, 8, 4, 2)
    ]


def test_anchors_of_the_paper_are_matterports_in_a_picture_of_twice_the_side():
    with torch.device("meta"):
        detector = Detector(DETECTORS["paper"])
    generator = detector.rcnn.rpn.rpn.anchor_generator
    assert [size for level in generator.sizes for size in level] == [
        side / 2 for side in (32, 64, 128, 256, 512)
    ]
    assert generator.aspect_ratios == ((0.5, 1.0, 2.0),) * 5


def test_our_anchors_fit_units_of_every_size_and_the_papers_only_the_largest():
    # IoU of a box in the middle of four pixels with the anchors of one place
    def best(settings, side):
        sides = np.array(settings.anchors)
        return (np.minimum(sides, side) ** 2 / np.maximum(sides, side) ** 2).max()

    widths = np.arange(4, 17)
    assert all(best(DETECTORS["suited"], width) > 0.6 for width in widths)
    assert [width for width in widths if best(DETECTORS["paper"], width) > 0.6] == [13, 14, 15, 16]


def test_boxes_enclose_territories_and_units_without_a_pixel_do_not_count():
    territory = torch.zeros(3, 64, 64, dtype=torch.bool)
    territory[0, 10:13, 20:25] = True
    territory[2, 63, 0] = True
    found = truth(territory)
    assert found["boxes"].tolist() == [[20, 10, 25, 13], [0, 63, 1, 64]]
    assert found["labels"].tolist() == [1, 1]
    assert torch.equal(found["masks"].bool(), territory[[0, 2]])


def test_detections_are_masks_in_the_whole_field_that_may_overlap_best_first():
    detector = Detector(TINY.changed(confidence=0.0, overlap=1.0)).eval()
    with torch.no_grad():
        found = detector(torch.randn(2, 1, 400, 64, 64))
    assert len(found) == 2
    for one in found:
        units = len(one["scores"])
        assert 1 < units <= 100
        assert one["masks"].shape == (units, 1, 64, 64)
        assert 0 <= float(one["masks"].min()) <= float(one["masks"].max()) <= 1
        assert (one["scores"].diff() <= 0).all()
        assert ((one["masks"][:, 0] > 0).sum(0) > 1).any()
        for box, mask in zip(one["boxes"], one["masks"][:, 0], strict=True):
            rows, columns = np.nonzero(mask.numpy() > 0)
            if len(rows):
                assert rows.min() >= box[1] - 0.5
                assert columns.max() <= box[2] - 0.5


@pytest.mark.parametrize("side", [14, 28])
def test_a_mask_as_it_is_learnt_is_pasted_as_the_territory_that_it_is_of(side):
    rows, columns = np.mgrid[:64, :64] + 0.5
    centres, widths = [(10, 20), (31.3, 7.8), (2, 60)], [4, 9.7, 16]
    discs = [
        np.hypot(rows - y, columns - x) < width / 2
        for (y, x), width in zip(centres, widths, strict=True)
    ]
    territory = torch.from_numpy(np.stack(discs))
    boxes = truth(territory)["boxes"]
    learnt = torchvision.models.detection.roi_heads.project_masks_on_boxes(
        territory.float(), boxes, torch.arange(len(boxes)), side
    )
    found = paste(learnt[:, None], boxes)[:, 0] > 0.5
    likeness = (found & territory).sum((1, 2)) / (found | territory).sum((1, 2))
    assert float(likeness.min()) > 0.97


def test_a_fixed_resnet_keeps_weights_and_moments():
    detector = Detector(TINY.changed(fixed=True)).train()
    body = detector.rcnn.backbone.body
    before = {name: value.clone() for name, value in body.state_dict().items()}
    territory = torch.zeros(2, 64, 64, dtype=torch.bool)
    territory[0, 8:16, 8:16] = territory[1, 30:38, 20:29] = True
    losses = detector(torch.randn(1, 1, 400, 64, 64), [truth(territory)])
    sum(losses.values()).backward()
    assert all(value.grad is None for value in body.parameters())
    assert all(torch.equal(value, before[name]) for name, value in body.state_dict().items())
    assert detector.rcnn.backbone.fusion.layers[0].weight.grad.abs().max() > 0


@pytest.mark.parametrize("shape", [(1, 1, 400, 32, 64), (1, 1, 200, 64, 64), (400, 64, 64)])
def test_wrong_sequences_are_refused(shape):
    with torch.device("meta"):
        detector = Detector(TINY)
    with pytest.raises(
        ValueError, match=r"detector: input of shape .*; \(batch, 1, 400, 64, 64\) is needed"
    ):
        detector(torch.zeros(shape))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"anchors": (4.0, 8.0, 16.0), "anchor_levels": 2},
            "as many for each of anchor_levels = 2",
        ),
        ({"depth": "vgg"}, "allowed is one of 'resnet18'"),
        ({"stages": 2}, "anchor_levels = 5: allowed is at most stages [+] 1 = 3"),
    ],
)
def test_wrong_parameters_are_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        DetectorParameters().changed(**changes)


class Stored:
    """Weights as torchvision would download them."""

    def __init__(self, network):
        self.network = network

    def get_state_dict(self, progress):
        return self.network.state_dict()


def test_weights_trained_on_photographs_fill_what_they_fit(monkeypatch):
    def weights(name):
        network = torchvision.models.get_model(name, weights=None)
        return (
            {"IMAGENET1K_V1": Stored(network)}
            if name == "resnet18"
            else type("W", (), {"COCO_V1": Stored(network)})
        )

    made = {}
    monkeypatch.setattr(
        torchvision.models, "get_model_weights", lambda name: made.setdefault(name, weights(name))
    )
    detector = Detector(TINY.changed(stages=4))
    stages = [
        name
        for name in made.setdefault("resnet18", weights("resnet18"))[
            "IMAGENET1K_V1"
        ].network.state_dict()
    ]
    stages = [name for name in stages if name.startswith("layer")]
    assert load_pretrained(detector, "imagenet") == len(stages)
    for name in stages:
        given = made["resnet18"]["IMAGENET1K_V1"].network.state_dict()[name]
        assert torch.equal(detector.rcnn.backbone.body.state_dict()[name], given)
    with pytest.raises(
        ParameterError, match="weights = 'coco' for resnet18: allowed are 'imagenet'"
    ):
        load_pretrained(detector, "coco")


@pytest.mark.slow
def test_mask_r_cnn_trained_on_coco_fills_all_but_fusion_anchors_scores_and_classes(monkeypatch):
    network = torchvision.models.get_model(
        "maskrcnn_resnet50_fpn", weights=None, weights_backbone=None
    )
    stored = type("W", (), {"COCO_V1": Stored(network)})
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda name: stored)
    detector = Detector(DETECTORS["paper"].changed(depth="resnet50"))
    before = {name: value.clone() for name, value in detector.rcnn.state_dict().items()}
    load_pretrained(detector, "coco")
    after = detector.rcnn.state_dict()
    trained = {
        name.rsplit(".", 1)[0]
        for name, value in before.items()
        if not torch.equal(value, after[name])
    }
    assert {
        "roi_heads.box_head.fc6",
        "rpn.rpn.head.conv.0.0",
        "backbone.fpn.inner_blocks.0.0",
    } <= trained
    assert "backbone.body.layer4.2.conv3" in trained
    assert not any(name.startswith("backbone.fusion") for name in trained)
    assert "roi_heads.box_predictor.cls_score" not in trained
