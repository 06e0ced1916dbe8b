"""The light generator: a U-Net of separate convolutions in space and in time."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.networks.layers import InTime, check_clips, fold, unfold
from musclelib.networks.time_filter import TimeFilter
from musclelib.parameters import Parameters, quantity

_BLUR = 6  # half width of the blur's kernel, three of its first SDs [pixel]


@dataclass(frozen=True)
class LightGeneratorParameters(Parameters):
    """The size of a light generator."""

    features: int = quantity(
        24,
        doc="channels of the finest level; the next levels have twice and four times as many",
        low=1,
    )
    blocks: int = quantity(1, doc="blocks of each level, on the way down and on the way up", low=1)
    time_filter: int = quantity(
        0, "frame", "reach of the time filter that is set after training; 0: no filter", low=0
    )


class Texture(nn.Module):
    """Multiply by a random map that is constant in time: 1 + weight * N(0, 1).

    Each channel has a learned weight, which starts at zero. The map is constant in time because how
    strongly a place follows the muscle's motion does not change with time.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """Return folded frames `(batch * time, channel, depth, lateral)` with texture."""
        noise = torch.randn((batch, 1, 1, *x.shape[-2:]), device=x.device)
        texture = (1 + noise * self.scale.view(-1, 1, 1)).to(x.dtype)  # (b, 1, c, d, l)
        return (x.unflatten(0, (batch, -1)) * texture).flatten(0, 1)  # (b t, c, d, l)


class Block(nn.Module):
    """A residual block: convolution in space, texture, convolution in time, mixing of channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.space = nn.Conv2d(channels, channels, 3, padding=1)
        self.texture = Texture(channels)
        self.time = InTime(channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        nn.init.normal_(self.mix.weight, 0, 1e-2)  # begins close to doing nothing

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """Return the sum of input and residual, `(batch * time, channel, depth, lateral)`."""
        y = self.texture(functional.silu(self.space(x)), batch)
        return x + self.mix(functional.silu(self.time.fold(y, batch)))


class LightGenerator(nn.Module):
    """Translate clips `(batch, 1, time, depth, lateral)` [SD] into clips of the same shape.

    It is a U-Net without normalisation, at a half, a quarter and an eighth of the pixels along
    depth and lateral. Upsampling interpolates before it convolves, so that no checkerboard appears.
    The output is added to the input after a learned blur, which starts as a Gaussian: the range
    gate and the median filter of an acquisition leave no sharp edge of a territory, and a network
    that adds to the sharp input would have to cancel it. A time filter, if there is one, comes
    last, since the filters of an acquisition reach further than a clip is long.

    Attributes
    ----------
    settings : LightGeneratorParameters
        The parameters that the network was built from.
    multiple, smallest : tuple of int
        Time, depth and lateral must be multiples of the first and at least the second.
    reach : int
        Number of frames to either side that a frame of the output depends on.
    """

    multiple, smallest = (1, 8, 8), (1, 16, 16)

    def __init__(self, settings: LightGeneratorParameters) -> None:
        super().__init__()
        self.settings = settings
        widths = [settings.features * scale for scale in (1, 2, 4)]
        self.enter = nn.Conv2d(1, widths[0], 4, 2, 1)
        self.levels = nn.ModuleList(
            nn.ModuleList(Block(width) for _ in range(settings.blocks))
            for width in (*widths, *widths[1::-1])
        )
        self.down = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, 2) for fine, coarse in itertools.pairwise(widths)
        )
        self.up = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1) for fine, coarse in itertools.pairwise(widths)
        )
        self.widen = nn.Conv2d(widths[0], 16, 1)
        self.blur = nn.Conv2d(
            1, 1, 2 * _BLUR + 1, padding=_BLUR, padding_mode="replicate", bias=False
        )
        bell = torch.exp(-0.5 * (torch.arange(-_BLUR, _BLUR + 1) / _BLUR * 3) ** 2)
        self.blur.weight.data = (bell[:, None] * bell / bell.sum() ** 2)[None, None]
        self.leave = nn.Conv2d(17, 16, 3, padding=1)
        self.out = nn.Conv2d(16, 1, 3, padding=1)
        nn.init.normal_(self.out.weight, 0, 1e-3)
        nn.init.constant_(cast(Tensor, self.out.bias), 0)
        self.time_filter = TimeFilter(settings.time_filter) if settings.time_filter else None
        self.reach = len(self.levels) * settings.blocks * 2 + settings.time_filter

    def forward(self, x: Tensor) -> Tensor:
        """Return the translation, in the dtype of `x`.

        Raises
        ------
        ValueError
            A size is not a multiple of `multiple`, or below `smallest`.
        """
        check_clips(x, self.multiple, self.smallest, "generator")
        batch = len(x)
        frames = fold(x)  # (b t, 1, d, l)
        half = self._level(0, functional.silu(self.enter(frames)), batch)  # (b t, f, d/2, l/2)
        quarter = self._level(1, self.down[0](half), batch)  # (b t, 2f, d/4, l/4)
        eighth = self._level(2, self.down[1](quarter), batch)  # (b t, 4f, d/8, l/8)
        quarter = self._level(3, quarter + _double(self.up[1](eighth)), batch)
        half = self._level(4, half + _double(self.up[0](quarter)), batch)

        blurred = self.blur(frames)  # (b t, 1, d, l)
        full = torch.cat([_double(self.widen(half)), blurred], 1)  # (b t, 17, d, l)
        y = unfold(blurred + self.out(functional.silu(self.leave(full))), batch).to(x.dtype)
        return self.time_filter(y) if self.time_filter else y

    def _level(self, number: int, x: Tensor, batch: int) -> Tensor:
        for block in cast(nn.ModuleList, self.levels[number]):
            x = block(x, batch)
        return x


def _double(x: Tensor) -> Tensor:
    """Interpolate to twice the number of pixels along depth and lateral."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear")
