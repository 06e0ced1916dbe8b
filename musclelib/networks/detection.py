"""How paper 2's detector learns: the sum of Mask R-CNN's five losses."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from musclelib.networks.mask_rcnn import Detector, DetectorParameters

_NAMES = {
    "loss_objectness": "anchor score",
    "loss_rpn_box_reg": "anchor box",
    "loss_classifier": "score",
    "loss_box_reg": "box",
    "loss_mask": "mask",
}


class Detection(nn.Module):
    """The objective of `training.fit` that trains a detector, on sequences and their units' territories.

    The loss is the sum of those of anchors (score, box) and of regions (score, box, mask), each of weight 1 (paper 2,
    section III-B.3).
    """

    def __init__(self, settings: DetectorParameters) -> None:
        super().__init__()
        self.settings = settings
        self.detector = Detector(settings)

    def trained(self) -> Iterable[nn.Module]:
        """Return the detector."""
        return [self.detector]

    def loss(self, velocity: Tensor, truth: list[dict[str, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum and the five losses of standardised sequences `(batch, 1, 400, 64, 64)`."""
        losses = self.detector(velocity, truth)
        return torch.stack(list(losses.values())).sum(), {_NAMES[name]: value for name, value in losses.items()}
