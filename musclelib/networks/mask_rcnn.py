"""Paper 2's detector: slow fusion, a ResNet without its first stage, a feature pyramid, and Mask R-CNN on top."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.networks.slow_fusion import FRAMES, SlowFusion
from musclelib.networks.torchvision_operators import torchvision
from musclelib.parameters import ParameterError, Parameters, quantity

FIELD = 64
"""Pixels of a sequence along depth and lateral."""


@dataclass(frozen=True)
class DetectorParameters(Parameters):
    """What a detector is built of. The defaults are paper 2's: those of matterport's Mask R-CNN.

    Lengths are pixels of the 64 x 64 field. The image of features that takes the place of a
    ResNet's first stage has half of them along each axis, as if it were of a picture of 128 x 128:
    the published sizes of anchors, 32 to 512 pixels of such a picture, are halved here.
    """

    name: str = quantity("paper", doc="Of these parameters")
    depth: str = quantity(
        "resnet101", doc="Which ResNet", choices=("resnet18", "resnet50", "resnet101")
    )
    stages: int = quantity(4, doc="Of it, each a level of the pyramid", low=1, high=4)
    fixed: bool = quantity(
        False, doc="Whether the ResNet keeps its weights, as at first in paper 2"
    )
    channels: int = quantity(256, doc="Of the pyramid and of the mask head", low=1)
    hidden: int = quantity(1024, doc="Neurons of each of the two layers that judge a region", low=1)
    anchors: tuple[float, ...] = quantity(
        (16.0, 32.0, 64.0, 128.0, 256.0), "pixel", "Sides of anchors", above=0
    )
    anchor_levels: int = quantity(
        5,
        doc="Finest levels that anchors are shared out to; one is pooled from the last stage",
        low=1,
    )
    ratios: tuple[float, ...] = quantity(
        (0.5, 1.0, 2.0), doc="Depth over width of anchors", above=0
    )
    anchor_samples: int = quantity(256, doc="Anchors of a sequence that a step learns from", low=2)
    proposals: tuple[int, int] = quantity(
        (2000, 1000), doc="Kept, when training and when detecting", low=1
    )
    proposal_overlap: float = quantity(
        0.7, doc="IoU above which the lesser proposal goes", low=0, high=1
    )
    regions: int = quantity(200, doc="Proposals of a sequence that a step learns from", low=2)
    share: float = quantity(0.33, doc="Largest share of units among them", above=0, high=1)
    mask_bins: int = quantity(
        14, doc="Side of a region's features for its mask, which has twice of it", low=2
    )
    confidence: float = quantity(0.7, doc="Least score of a unit", low=0, high=1)
    overlap: float = quantity(
        0.3, doc="IoU of boxes above which the lesser unit goes", low=0, high=1
    )
    units: int = quantity(100, doc="Most units of a sequence", low=1)

    def check(self) -> None:
        """Check that each level gets as many anchors."""
        if not self.anchors or len(self.anchors) % self.anchor_levels or not self.ratios:
            raise ParameterError(
                f"anchors = {self.anchors}: as many for each of anchor_levels ="
                f" {self.anchor_levels}, at least one, are needed, and at least one of ratios"
            )
        if self.anchor_levels > self.stages + 1:
            raise ParameterError(
                f"anchor_levels = {self.anchor_levels}: allowed is at most stages + 1 ="
                f" {self.stages + 1}"
            )


DETECTORS = {
    "paper": DetectorParameters(),
    # units are 4 to 16 pixels wide, and boxes of overlapping ones overlap by more than 0.3: with
    # the defaults most anchors fit no unit, and close neighbours of a detected unit are thrown away
    "suited": DetectorParameters(
        name="suited",
        anchors=(4.0, 6.0, 9.0, 13.0),
        anchor_levels=1,
        proposal_overlap=0.8,
        overlap=0.5,
        confidence=0.5,
    ),
    # the same, to be trained on CPU: a territory needs no mask of 28 x 28, whose head costs most of
    # a step, nor the last stage of the ResNet, which has most of its weights and sees the field as
    # 4 x 4
    "light": DetectorParameters(
        name="light",
        depth="resnet18",
        stages=3,
        channels=64,
        hidden=256,
        anchors=(4.0, 6.0, 9.0, 13.0),
        anchor_levels=1,
        ratios=(1.0,),
        proposals=(300, 300),
        proposal_overlap=0.8,
        regions=128,
        mask_bins=7,
        confidence=0.5,
        overlap=0.5,
    ),
}
"""Paper 2's detector, and ours: suited to the size of units and to their overlap."""


class Backbone(nn.Module):
    """Sequences `(batch, 400, depth, lateral)` to the levels of a pyramid, the finest of half the field's pixels."""

    def __init__(self, settings: DetectorParameters) -> None:
        super().__init__()
        resnet = torchvision.models.get_model(settings.depth, weights=None)
        self.fusion = SlowFusion()
        self.body = nn.ModuleDict(
            {
                f"layer{level}": getattr(resnet, f"layer{level}")
                for level in range(1, 1 + settings.stages)
            }
        )
        self.body.requires_grad_(not settings.fixed)
        narrow = resnet.fc.in_features // 8  # four stages, each of twice the channels
        self.fpn = torchvision.ops.FeaturePyramidNetwork(
            [narrow * 2**level for level in range(settings.stages)],
            settings.channels,
            torchvision.ops.feature_pyramid_network.LastLevelMaxPool(),
        )
        self.out_channels = settings.channels
        self.fixed = settings.fixed
        self.levels = settings.anchor_levels

    def train(self, mode: bool = True) -> Self:
        """Set the mode; a fixed ResNet also keeps the moments of its batch norms."""
        super().train(mode)
        self.body.train(mode and not self.fixed)
        return self

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the levels by name, the finest first."""
        x = self.fusion(x[:, None])  # (b, 64, d/2, l/2)
        stages = OrderedDict()
        for level, stage in enumerate(self.body.values()):
            # (b, 64 or 256, d/2, l/2), then twice the channels at half the size
            x = stages[str(level)] = stage(x)
        return {name: level.float() for name, level in self.fpn(stages).items()}


class Detector(nn.Module):
    """Detect motor units in standardised sequences and segment each one's territory (paper 2, section III-B, Fig. 2).

    When it trains it takes sequences and truth, and returns its five losses by name. When it does
    not, it takes sequences, and returns for each a dict of `boxes` `(unit, 4)`, `scores` `(unit,)`
    and `masks` `(unit, 1, depth, lateral)`, 0 to 1, the most certain unit first. Each unit has a
    mask of its own, so territories may overlap.
    """

    def __init__(self, settings: DetectorParameters) -> None:
        super().__init__()
        self.settings = settings
        detection = torchvision.models.detection
        channels, levels = settings.channels, settings.anchor_levels
        per_level = len(settings.anchors) // levels
        sizes = tuple(
            settings.anchors[start : start + per_level]
            for start in range(0, len(settings.anchors), per_level)
        )
        anchors = detection.anchor_utils.AnchorGenerator(sizes, (settings.ratios,) * levels)
        names = [str(level) for level in range(settings.stages)]
        self.rcnn = detection.MaskRCNN(
            Backbone(settings),
            # sequences come standardised and in their size
            min_size=FIELD,
            max_size=FIELD,
            image_mean=[0.0] * FRAMES,
            image_std=[1.0] * FRAMES,
            _skip_resize=True,
            rpn_anchor_generator=anchors,
            rpn_head=detection.rpn.RPNHead(channels, anchors.num_anchors_per_location()[0]),
            rpn_pre_nms_top_n_train=settings.proposals[0],
            rpn_pre_nms_top_n_test=settings.proposals[1],
            rpn_post_nms_top_n_train=settings.proposals[0],
            rpn_post_nms_top_n_test=settings.proposals[1],
            rpn_nms_thresh=settings.proposal_overlap,
            rpn_batch_size_per_image=settings.anchor_samples,
            box_roi_pool=torchvision.ops.MultiScaleRoIAlign(names, 7, 2),
            box_head=detection.faster_rcnn.TwoMLPHead(channels * 49, settings.hidden),
            box_predictor=detection.faster_rcnn.FastRCNNPredictor(settings.hidden, 2),
            box_score_thresh=settings.confidence,
            box_nms_thresh=settings.overlap,
            box_detections_per_img=settings.units,
            box_batch_size_per_image=settings.regions,
            box_positive_fraction=settings.share,
            mask_roi_pool=torchvision.ops.MultiScaleRoIAlign(names, settings.mask_bins, 2),
            mask_head=detection.mask_rcnn.MaskRCNNHeads(channels, (channels,) * 4, 1),
            mask_predictor=detection.mask_rcnn.MaskRCNNPredictor(channels, channels, 2),
        )
        self.rcnn.rpn = _FinestLevels(self.rcnn.rpn, levels)
        self.rcnn.transform.postprocess = _pasted

    def forward(self, velocity: Tensor, truth: list[dict[str, Tensor]] | None = None) -> Any:
        """Return losses, or detections.

        Raises
        ------
        ValueError
            The sequences are not `(batch, 1, 400, 64, 64)`.
        """
        if tuple(velocity.shape[1:]) != (1, FRAMES, FIELD, FIELD):
            raise ValueError(
                f"detector: input of shape {tuple(velocity.shape)}; (batch, 1, {FRAMES}, {FIELD},"
                f" {FIELD}) is needed"
            )
        if truth is not None:  # under mixed precision they arrive in half of it
            truth = [{**of, "boxes": of["boxes"].float()} for of in truth]
        return self.rcnn(list(velocity[:, 0]), truth)


class _FinestLevels(nn.Module):
    """Region proposals from the finest levels of the pyramid alone.

    All levels serve what comes after.

    They are made in full precision: half of it would put edges of boxes a quarter of a pixel off.
    """

    def __init__(self, rpn: nn.Module, levels: int) -> None:
        super().__init__()
        self.rpn, self.levels = rpn, levels

    def forward(self, images: Any, features: dict[str, Tensor], targets: Any = None) -> Any:
        finest = dict(list(features.items())[: self.levels])
        with torch.autocast(images.tensors.device.type, enabled=False):
            return self.rpn(images, finest, targets)


def _pasted(found: list[dict[str, Tensor]], *_: Any) -> list[dict[str, Tensor]]:
    """Put the masks of detections in their places in the field."""
    return [{**one, "masks": paste(one["masks"], one["boxes"])} for one in found]


def paste(masks: Tensor, boxes: Tensor) -> Tensor:
    """Put masks in their places in the field, 0 outside of their boxes.

    A mask is learnt with the value of pixel 5 at 5, not at 5.5 where its middle lies, and is read
    so, too. The way of torchvision makes every mask a pixel wider than its box, which is much of a
    unit of 4 to 16 pixels.

    Parameters
    ----------
    masks : Tensor
        `(unit, 1, side, side)`, 0 to 1, each over the whole of its box.
    boxes : Tensor
        `(unit, 4)`: left, top, right, bottom [pixel].

    Returns
    -------
    Tensor
        `(unit, 1, 64, 64)`.
    """
    pixel = torch.arange(FIELD, device=boxes.device)
    low, high = boxes[:, :2, None], boxes[:, 2:, None]  # (u, 2, 1): lateral, depth
    at = 2 * (pixel - low) / (high - low).clamp(min=1e-3) - 1  # (u, 2, 64), -1 to 1 over the box
    inside = (pixel + 0.5 >= low) & (pixel + 0.5 < high)
    grid = torch.stack(
        [at[:, 0, None, :].expand(-1, FIELD, -1), at[:, 1, :, None].expand(-1, -1, FIELD)], dim=3
    )
    values = functional.grid_sample(masks.float(), grid, padding_mode="border", align_corners=False)
    return values * (inside[:, 1, :, None] & inside[:, 0, None, :])[:, None]


def truth(territory: Tensor) -> dict[str, Tensor]:
    """Return the truth of one sequence as a detector learns from it: boxes `(unit, 4)`, labels and masks.

    Parameters
    ----------
    territory : Tensor
        `(unit, depth, lateral)`, bool; units without a pixel do not count.
    """
    masks = territory[territory.flatten(1).any(1)]
    spans = []
    for axis in (1, 2):  # depths in the first, laterals in the second, any in either
        line = masks.any(axis).to(torch.uint8)
        spans.append((line.argmax(1), line.shape[1] - line.flip(1).argmax(1)))
    (left, right), (top, bottom) = spans
    boxes = torch.stack([left, top, right, bottom], 1).float()
    return {
        "boxes": boxes,
        "labels": torch.ones(len(boxes), dtype=torch.int64),
        "masks": masks.to(torch.uint8),
    }


def load_pretrained(detector: Detector, weights: str) -> int:
    """Load weights trained on photographs, downloaded by torchvision, wherever a name and shape agree.

    Paper 2 began with a ResNet-101 Mask R-CNN trained on COCO; torchvision has that of a ResNet-50
    only, and ResNets of all depths trained on ImageNet. Slow fusion and what tells units from
    background always start anew.

    Parameters
    ----------
    detector : Detector
        Changed in place.
    weights : str
        "coco" (ResNet-50 only) or "imagenet".

    Returns
    -------
    int
        How many tensors were loaded.

    Raises
    ------
    ParameterError
        There are no such weights for this detector.
    """
    depth = detector.settings.depth
    if weights == "imagenet":
        state = torchvision.models.get_model_weights(depth)["IMAGENET1K_V1"].get_state_dict(
            progress=False
        )
        found = {f"backbone.body.{name}": value for name, value in state.items()}
    elif weights == "coco" and depth == "resnet50":
        found = torchvision.models.get_model_weights(
            "maskrcnn_resnet50_fpn"
        ).COCO_V1.get_state_dict(progress=False)
        found = {
            name.replace("rpn.", "rpn.rpn.", 1) if name.startswith("rpn.") else name: found[name]
            for name in found
        }
    else:
        raise ParameterError(
            f"weights = {weights!r} for {depth}: allowed are 'imagenet', and 'coco' for resnet50"
        )
    own = detector.rcnn.state_dict()
    fitting = {
        name: value
        for name, value in found.items()
        if name in own and own[name].shape == value.shape
    }
    detector.rcnn.load_state_dict(fitting, strict=False)
    return len(fitting)
