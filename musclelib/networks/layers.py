"""Layers that the networks share: instance norm, noise injection, folding of time, weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional


def instance_norm(x: Tensor) -> Tensor:
    """Normalise every channel of every sample to mean 0 and variance 1.

    There are no learned weights and no running statistics; epsilon is 1e-5. Statistics are taken in
    float32; the result has the dtype and the memory layout of `x`, `(batch, channel, ...)`.
    """
    # weights in float32, or else torch keeps mean and variance in bfloat16
    ones = torch.ones(
        x.shape[1], dtype=torch.promote_types(x.dtype, torch.float32), device=x.device
    )
    if x.ndim == 4:  # many frames folded into the batch: one call
        return functional.instance_norm(x, weight=ones).to(x.dtype)
    # few clips: a batch norm of one sample computes the same and stays channels-last, whereas
    # instance_norm would copy
    return torch.cat(
        [
            functional.batch_norm(clip, None, None, ones, None, True, 0.0, 1e-5)
            for clip in x.split(1)
        ]
    )


class InstanceNorm(nn.Module):
    """`instance_norm` as a module, so that hooks can read or replace its statistics."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `instance_norm(x)`."""
        return instance_norm(x)


class NoiseInjection(nn.Module):
    """Add a map of N(0, 1) noise, scaled by a learned weight per channel that starts at zero.

    Every forward pass draws one map `(batch, 1, [1,] depth, lateral)`, which is broadcast over the
    channels and, for clips, over time. The shape of the map does not depend on the length of the
    clip: after the same seed, every chunk of a sequence receives the same map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the features `(batch, channel, [time,] depth, lateral)` with noise added."""
        map_shape = (len(x), 1, *(1,) * (x.ndim - 4), *x.shape[-2:])
        noise = torch.randn(map_shape, device=x.device)
        return x + (noise * self.scale.view(-1, *(1,) * (x.ndim - 2))).to(x.dtype)


def convolution(kernel: str) -> tuple[type[nn.Module], type[nn.Module], type[nn.Module]]:
    """Return the classes of convolution, transposed convolution and reflection padding.

    They are three-dimensional for `kernel` "clip", two-dimensional for "single" frames.
    """
    if kernel == "clip":
        return nn.Conv3d, nn.ConvTranspose3d, nn.ReflectionPad3d
    return nn.Conv2d, nn.ConvTranspose2d, nn.ReflectionPad2d


def size(kernel: str, time: int, space: int) -> tuple[int, ...]:
    """Return the size of a kernel, stride or padding along the axes of a convolution.

    It is `(time, space, space)` for `kernel` "clip" and `(space, space)` for "single" frames.
    """
    return (time, space, space) if kernel == "clip" else (space, space)


def initialise(network: nn.Module) -> None:
    """Draw the weights of convolutions from N(0, 0.02), as CycleGAN does, and set biases to 0.

    Weights are laid out channels-last, the fastest memory format.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            last = torch.channels_last if module.weight.ndim == 4 else torch.channels_last_3d
            module.weight.data = module.weight.data.contiguous(memory_format=last)


def fold(clips: Tensor) -> Tensor:
    """Fold the time of clips `(batch, 1, time, depth, lateral)` into the batch."""
    return clips.transpose(1, 2).flatten(0, 1)  # (b t, 1, d, l)


def unfold(frames: Tensor, batch: int) -> Tensor:
    """Unfold the frames of `fold` into `batch` clips again."""
    return frames.unflatten(0, (batch, -1)).transpose(1, 2)  # (b, 1, t, d, l)


def bounded(x: Tensor, limit: float | None) -> Tensor:
    """Return `limit * tanh(x / limit)`, or `x` itself without a limit."""
    return x if limit is None else limit * torch.tanh(x / limit)


def check_clips(
    x: Tensor, multiple: tuple[int, int, int], smallest: tuple[int, int, int], who: str
) -> None:
    """Check that `x` is a batch of clips, of a size that a network accepts.

    Parameters
    ----------
    x : Tensor
        `(batch, 1, time, depth, lateral)`.
    multiple, smallest : tuple of int
        Time, depth and lateral must be multiples of the first and at least the second.
    who : str
        Name of the network, for the message.

    Raises
    ------
    ValueError
        `x` has another shape, or a size that the network does not accept.
    """
    if x.ndim != 5 or x.shape[1] != 1:
        raise ValueError(
            f"{who}: input of shape {tuple(x.shape)}; (batch, 1, time, depth, lateral) is needed"
        )
    for name, length, step, least in zip(
        ("time", "depth", "lateral"), x.shape[2:], multiple, smallest, strict=True
    ):
        if length % step or length < least:
            raise ValueError(
                f"{who}: {name} of {length}; a multiple of {step}, at least {least}, is needed"
            )


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Let gradients pass through networks without accumulating in their parameters."""
    parameters = [
        parameter
        for network in networks
        for parameter in network.parameters()
        if parameter.requires_grad
    ]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


class InTime(nn.Conv2d):
    """A depthwise convolution along time, of frames that are folded into the batch.

    It is computed as a convolution of images whose axes are time and pixel: in channels-last memory
    these are a view, and on CPU this is many times as fast as a depthwise 3-D convolution.
    """

    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__(channels, channels, (kernel, 1), padding=(kernel // 2, 0), groups=channels)

    def fold(self, x: Tensor, batch: int) -> Tensor:
        """Return the convolution of folded frames `(batch * time, channel, depth, lateral)`."""
        time, (depth, lateral) = len(x) // batch, x.shape[-2:]
        # (b, c, t, d l)
        images = x.permute(0, 2, 3, 1).reshape(batch, time, depth * lateral, -1).permute(0, 3, 1, 2)
        moved = self(images).permute(0, 2, 3, 1)  # (b, t, d l, c)
        return moved.reshape(len(x), depth, lateral, -1).permute(0, 3, 1, 2)
