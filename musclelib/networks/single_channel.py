"""Convolutions from or to one channel, computed several times as fast on CPU.

The matrix units of a CPU multiply blocks of channels, which a single channel leaves empty. So the
taps along time of a kernel `(time, depth, lateral)` become the channels of a convolution with a
kernel `(depth, lateral)`; for single frames the taps along depth do. The mathematics stays the
same, only the order of the sums differs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def from_one(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve `(batch, 1, ...)` with a weight `(channel, 1, ...)`, without padding."""
    taps = x[:, 0].unfold(1, weight.shape[2], 1).movedim(-1, 1)  # (batch, tap, time, ...)
    convolve = functional.conv2d if x.ndim == 4 else functional.conv3d
    return convolve(taps.contiguous(memory_format=_last(x)), weight[:, 0, :, None], bias)


def to_one(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve `(batch, channel, ...)` with a weight `(1, channel, ...)`, without padding.

    Taps are summed in float32 or a finer type.
    """
    taps = weight[0].transpose(0, 1)[:, :, None]  # (tap, channel, 1, ...)
    convolve = functional.conv2d if x.ndim == 4 else functional.conv3d
    y = _Skew.apply(convolve(x, taps.contiguous(memory_format=_last(x))))
    return y if bias is None else y + bias


class SingleChannel2d(nn.Conv2d):
    """A convolution of 2-D frames without padding or stride that has one channel on one side."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution."""
        return _convolve(self, input, super().forward)


class SingleChannel3d(nn.Conv3d):
    """A convolution of clips without padding or stride that has one channel on one side."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution."""
        return _convolve(self, input, super().forward)


class _Skew(torch.autograd.Function):
    """Sum over taps, each shifted to its place along the first axis of the kernel.

    `(batch, tap, length, ...)` becomes `(batch, 1, length - taps + 1, ...)`.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.taps, ctx.dtype = x.shape[1], x.dtype
        length = x.shape[2] - ctx.taps + 1
        total = x[:, 0, :length].to(torch.promote_types(x.dtype, torch.float32), copy=True)
        for tap in range(1, ctx.taps):
            total += x[:, tap, tap : tap + length]
        return total[:, None]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # autograd would write a whole tensor of zeros for every tap
        taps, length = ctx.taps, gradient.shape[2]
        shape = (len(gradient), taps, length + taps - 1, *gradient.shape[3:])
        spread = gradient.new_zeros(shape, dtype=ctx.dtype).contiguous(
            memory_format=_last(gradient)
        )
        for tap in range(taps):
            spread[:, tap, tap : tap + length] = gradient[:, 0]
        return spread


def _last(x: Tensor) -> torch.memory_format:
    return torch.channels_last if x.ndim == 4 else torch.channels_last_3d


def _convolve(layer: nn.Conv2d | nn.Conv3d, x: Tensor, plain: Any) -> Tensor:
    if x.device.type != "cpu":  # faster on CPU; not measured elsewhere
        return plain(x)
    return (from_one if layer.in_channels == 1 else to_one)(x, layer.weight, layer.bias)
