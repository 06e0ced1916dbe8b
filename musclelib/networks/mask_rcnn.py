"""Paper 2's detector of motor units: slow fusion, a ResNet, a feature pyramid and Mask R-CNN."""

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
"""Number of pixels of a sequence along depth and along lateral."""


@dataclass(frozen=True)
class DetectorParameters(Parameters):
    """The parts of a detector; the defaults are paper 2's, those of matterport's Mask R-CNN.

    Lengths are in pixels of the 64 x 64 field. The feature image that replaces a ResNet's first
    stage has half as many pixels along each axis, as if it came from a photograph of 128 x 128
    pixels: the published sides of anchors, 32 to 512 pixels of such a photograph, are halved here.
    """

    name: str = quantity("paper", doc="name of the parameter set")
    depth: str = quantity(
        "resnet101", doc="the ResNet by its depth", choices=("resnet18", "resnet50", "resnet101")
    )
    stages: int = quantity(4, doc="ResNet stages used, one pyramid level each", low=1, high=4)
    fixed: bool = quantity(
        False, doc="whether the ResNet's weights stay fixed, as in the first stage of paper 2"
    )
    channels: int = quantity(256, doc="channels of the pyramid and of the mask head", low=1)
    hidden: int = quantity(
        1024, doc="neurons of each of the two layers that classify a region", low=1
    )
    anchors: tuple[float, ...] = quantity(
        (16.0, 32.0, 64.0, 128.0, 256.0), "pixel", "sides of the anchors", above=0
    )
    anchor_levels: int = quantity(
        5,
        doc="pyramid levels, from the finest, that share the anchors; stages + 1 adds a pooled one",
        low=1,
    )
    ratios: tuple[float, ...] = quantity(
        (0.5, 1.0, 2.0), doc="ratios of depth to width of the anchors", above=0
    )
    anchor_samples: int = quantity(
        256, doc="anchors of a sequence that enter the loss of a training step", low=2
    )
    proposals: tuple[int, int] = quantity(
        (2000, 1000), doc="proposals kept in training and in detection", low=1
    )
    proposal_overlap: float = quantity(
        0.7, doc="IoU above which the lower-scoring proposal is suppressed", low=0, high=1
    )
    regions: int = quantity(
        200, doc="proposals of a sequence that enter the loss of a training step", low=2
    )
    share: float = quantity(
        0.33, doc="largest share of these proposals that contain a unit", above=0, high=1
    )
    mask_bins: int = quantity(
        14, doc="side of a region's feature image; its mask has twice the side", low=2
    )
    confidence: float = quantity(0.7, doc="lowest detection score kept", low=0, high=1)
    overlap: float = quantity(
        0.3,
        doc="box IoU above which the lower-scoring detection is suppressed",
        low=0,
        high=1,
    )
    units: int = quantity(100, doc="largest number of units detected in a sequence", low=1)

    def check(self) -> None:
        """Check that every level has the same number of anchors."""
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
    # units are 4 to 16 pixels wide, and the boxes of overlapping units have an IoU above 0.3: with
    # the defaults most anchors fit no unit, and close neighbours of a detected unit are suppressed
    "suited": DetectorParameters(
        name="suited",
        anchors=(4.0, 6.0, 9.0, 13.0),
        anchor_levels=1,
        proposal_overlap=0.8,
        overlap=0.5,
        confidence=0.5,
    ),
    # the same for training on CPU: a territory needs no mask of 28 x 28 pixels, whose head takes
    # most of a step's time, nor the last stage of the ResNet, which has most of its weights and
    # sees the field as 4 x 4 pixels
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
"""Parameter sets by name: paper 2's, and two that suit the size of units and their overlap."""


class Backbone(nn.Module):
    """Turn sequences `(batch, 400, depth, lateral)` into the levels of a feature pyramid."""

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
        """Set the mode; a fixed ResNet keeps the running statistics of its batch norms, too."""
        super().train(mode)
        self.body.train(mode and not self.fixed)
        return self

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the levels by name; the first has half the field's pixels along each axis."""
        x = self.fusion(x[:, None])  # (b, 64, d/2, l/2)
        stages = OrderedDict()
        for level, stage in enumerate(self.body.values()):
            # (b, 64 or 256, d/2, l/2), then twice the channels at half the size
            x = stages[str(level)] = stage(x)
        return {name: level.float() for name, level in self.fpn(stages).items()}


class Detector(nn.Module):
    """Detect motor units in standardised sequences and segment their territories.

    In training mode the network takes sequences and their truth, and returns its five losses by
    name. In evaluation mode it takes sequences, and returns for each a dict of `boxes` `(unit, 4)`,
    `scores` `(unit,)` and `masks` `(unit, 1, depth, lateral)`, 0 to 1, the highest score first.
    Every unit has a separate mask, so territories may overlap. Source: paper 2, section III-B and
    Fig. 2.
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
            # sequences come standardised and in their final size
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
        """Return the losses in training mode, the detections in evaluation mode.

        Parameters
        ----------
        velocity : Tensor
            `(batch, 1, 400, 64, 64)` [SD].
        truth : list of dict, optional
            For each sequence what `truth` returns; needed in training mode.

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
        if truth is not None:  # mixed precision hands over boxes in half precision
            truth = [{**labels, "boxes": labels["boxes"].float()} for labels in truth]
        return self.rcnn(list(velocity[:, 0]), truth)


def paste(masks: Tensor, boxes: Tensor) -> Tensor:
    """Place masks in the field, with 0 outside their boxes.

    In training, the value of pixel 5 stands at 5 and not at 5.5, where the pixel's centre lies;
    masks are read in the same way here. torchvision's own function makes every mask a pixel wider
    than its box, which is much for a unit of 4 to 16 pixels.

    Parameters
    ----------
    masks : Tensor
        `(unit, 1, side, side)`, 0 to 1, each over its whole box.
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
    """Return the truth of one sequence in the form that a detector learns from.

    Parameters
    ----------
    territory : Tensor
        `(unit, depth, lateral)`, bool; units without a pixel are left out.

    Returns
    -------
    dict of Tensor
        `boxes` `(unit, 4)`: left, top, right, bottom [pixel]; `labels` `(unit,)`, all 1; `masks`
        `(unit, depth, lateral)`, uint8.
    """
    masks = territory[territory.flatten(1).any(1)]
    spans = []
    for axis in (1, 2):  # over depth: the columns with a pixel; over lateral: the rows with one
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
    """Load weights that were trained on photographs wherever name and shape agree.

    torchvision downloads them. Paper 2 started from a ResNet-101 Mask R-CNN trained on COCO;
    torchvision offers COCO weights for a ResNet-50 only, and ImageNet weights for ResNets of all
    depths. Slow fusion and the layers that classify a region always start untrained.

    Parameters
    ----------
    detector : Detector
        Changed in place.
    weights : str
        "coco" (ResNet-50 only) or "imagenet".

    Returns
    -------
    int
        Number of tensors loaded.

    Raises
    ------
    ParameterError
        torchvision has no such weights for this detector.
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


class _FinestLevels(nn.Module):
    """Region proposals from the finest levels of the pyramid only; later stages use all levels.

    They are computed in full precision: half precision would shift the edges of boxes by a quarter
    of a pixel.
    """

    def __init__(self, rpn: nn.Module, levels: int) -> None:
        super().__init__()
        self.rpn, self.levels = rpn, levels

    def forward(self, images: Any, features: dict[str, Tensor], targets: Any = None) -> Any:
        finest = dict(list(features.items())[: self.levels])
        with torch.autocast(images.tensors.device.type, enabled=False):
            return self.rpn(images, finest, targets)


def _pasted(found: list[dict[str, Tensor]], *_: Any) -> list[dict[str, Tensor]]:
    """Place the masks of detections in the field."""
    return [{**one, "masks": paste(one["masks"], one["boxes"])} for one in found]
