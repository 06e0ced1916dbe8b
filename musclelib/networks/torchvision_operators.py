"""torchvision for Mask R-CNN, also where its compiled operators do not fit the installed torch.

Import `torchvision` from here. Where its compiled library loads, nothing is changed. Where it does
not, the import of torchvision fails on operators that are missing; then `nms` and `roi_align` are
defined in torch, for all devices.
"""

from __future__ import annotations

import importlib

import numpy as np
import torch
from torch import Tensor

_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": (
        "(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt"
        " pooled_width, int sampling_ratio, bool aligned) -> Tensor"
    ),
}
_library: torch.library.Library | None = None  # operators exist as long as this object does


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Non-maximum suppression: return the numbers of the boxes kept, the highest score first.

    Parameters
    ----------
    boxes : Tensor
        `(box, 4)`: left, top, right, bottom.
    scores : Tensor
        `(box,)`.
    threshold : float
        Intersection over union above which the lower-scoring box is suppressed.
    """
    order = np.argsort(-scores.detach().float().cpu().numpy(), kind="stable")
    corners = boxes.detach().float().cpu().numpy()[order]

    # intersection over union of every pair, with the division taken to the other side
    low = np.maximum(corners[:, None, :2], corners[None, :, :2])
    high = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    rival = shared > threshold * (area[:, None] + area - shared)

    # a box that is kept suppresses its lower-scoring rivals
    stays = np.ones(len(order), bool)
    for number in range(len(order)):
        if stays[number]:
            stays[number + 1 :] &= ~rival[number, number + 1 :]
    return torch.from_numpy(order[stays]).to(boxes.device)


def roi_align(
    features: Tensor,
    regions: Tensor,
    scale: float,
    height: int,
    width: int,
    samples: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Sample the features of each region on a grid of bins, differentiable in the features.

    Bilinear sampling and the mean over a bin's samples are linear and separable along depth and
    lateral: a region takes two matrix products, which are far faster than gathering every sample,
    above all in the backward pass. Samples outside the features take the value at the edge.

    Parameters
    ----------
    features : Tensor
        `(batch, channel, depth, lateral)`.
    regions : Tensor
        `(region, 5)`: number within the batch, then left, top, right, bottom.
    scale : float
        Ratio of the size of the features to that of the field in which regions are given.
    height, width : int
        Bins along depth and lateral.
    samples : int
        Samples of a bin along each axis; 0 or less: as many as lie at most one feature apart.
    aligned : bool
        Whether coordinates refer to the edges of features and not to their centres.

    Returns
    -------
    Tensor
        `(region, channel, height, width)`.
    """
    with torch.no_grad(), torch.autocast(features.device.type, enabled=False):
        edges = regions[:, 1:].float() * scale - (0.5 if aligned else 0)
        left, top, right, bottom = edges.unbind(1)
        down = _weights(top, bottom, features.shape[2], height, samples, aligned)  # (r, height, d)
        across = _weights(left, right, features.shape[3], width, samples, aligned)  # (r, width, l)

        # group the regions by the sample of the batch that they lie in
        planes, own, many = regions[:, 0].long().unique(return_inverse=True, return_counts=True)
        order = own.argsort(stable=True)
        parts = order.split(many.tolist())
    if not len(regions):
        return features.new_zeros((0, features.shape[1], height, width))
    bins = []
    with torch.autocast(features.device.type, enabled=False):
        for number, part in zip(planes.tolist(), parts, strict=True):
            plane = features[number].float().transpose(0, 1).flatten(1)  # (d, c * l)
            # (r, height * c, l)
            rows = (down[part].flatten(0, 1) @ plane).view(len(part), -1, features.shape[3])
            # (r, height, c, width)
            bins.append((rows @ across[part].transpose(1, 2)).unflatten(1, (height, -1)))
    found = torch.cat(bins)[order.argsort()].transpose(1, 2)  # (r, c, height, width)
    return found.to(features.dtype)


def _weights(
    low: Tensor, high: Tensor, length: int, bins: int, samples: int, aligned: bool
) -> Tensor:
    """Return the weight of each feature along one axis in each bin: `(region, bin, feature)`.

    `low` and `high` are the edges of the regions, `(region,)`, in features.
    """
    side = high - low if aligned else (high - low).clamp(min=1)
    count = torch.full_like(side, samples) if samples > 0 else (side / bins).ceil().clamp(min=1)
    if not len(side):
        return side.new_zeros((0, bins, length))

    # positions of the samples, spread evenly over each bin
    step = torch.arange(int(count.max()), device=low.device)
    within = (step + 0.5) / count[:, None]  # (r, sample), in bins
    start = torch.arange(bins, device=low.device)[None, :, None]
    offset = (start + within[:, None]) * (side / bins)[:, None, None]
    at = (low[:, None, None] + offset).clamp(0, length - 1)  # (r, bin, sample)

    # linear interpolation: the two features next to a sample share its weight
    feature = torch.arange(length, device=low.device)
    near = (1 - (at[..., None] - feature).abs()).clamp(min=0)  # (r, bin, sample, l)

    # mean over a region's samples; those beyond its count belong to regions with more samples
    share = (step < count[:, None]) / count[:, None]  # (r, sample)
    return torch.einsum("rbsl,rs->rbl", near, share)


def _define() -> None:
    """Define the operators in torch, import torchvision, and tell it that it has operators."""
    global _library
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _SCHEMAS.items():
        _library.define(name + schema)
    _library.impl("nms", nms, "CompositeExplicitAutograd")
    _library.impl("roi_align", roi_align, "CompositeImplicitAutograd")
    # import first: torchvision would otherwise register functions for compiled operators as well
    importlib.import_module("torchvision")
    for module in ("torchvision.extension", "torchvision.ops.roi_align"):
        importlib.import_module(module)._has_ops = lambda: True  # type: ignore[attr-defined]


try:
    import torchvision
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    _define()
    import torchvision

__all__ = ["nms", "roi_align", "torchvision"]
