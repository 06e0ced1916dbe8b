"""Our own translation: one light generator from A to B, judged by its clips and by its variance maps.

Content needs no way back. Where a pixel of the input moves, its translation is asked to move in time with it, which is
what the cycle loss is for, said directly; so there is no second generator. The generator is factorised into
convolutions in space and in time, adds to its blurred input, and has no normalisation: what it does at one place and
time depends on its surroundings alone, not on the length of the clip, so recordings can be cut anywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from musclelib.networks import losses
from musclelib.networks.cyclegan import weighted
from musclelib.networks.layers import check_clips, fold, frozen, unfold
from musclelib.networks.pool import ClipPool
from musclelib.networks.time_filter import TimeFilter
from musclelib.parameters import Parameters, quantity

_BLUR = 6  # half width of the blur's kernel, three of its first SDs [pixel]
_SILENT = 1e-6  # variance over time [SD^2] below which a pixel of the input does not move


@dataclass(frozen=True)
class OneSidedParameters(Parameters):
    """What a one-sided translation is built from."""

    name: str = quantity("one-sided", "1", "name of the model")
    features: int = quantity(
        24, "1", "channels at half the pixels; twice and four times as many at the next levels", low=1
    )
    blocks: int = quantity(1, "1", "blocks at each level, down and up", low=1)
    judge_features: int = quantity(32, "1", "channels of the discriminators' first layer", low=1)
    content: float = quantity(5.0, "1", "weight of the content loss", low=0)
    map_weight: float = quantity(1.0, "1", "weight of the variance maps' adversarial loss", low=0)
    pool: int = quantity(50, "1", "past fakes kept", low=0)
    time_filter: int = quantity(
        0, "frame", "reach of a filter on time that is matched after training (`training.match`); 0 is none", low=0
    )


class Texture(nn.Module):
    """Multiply by 1 + a map of N(0, 1) noise times a learned weight per channel that starts at zero.

    The map is the same at all times: how strongly a place follows the muscle does not change with time.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """Return `x` with texture, frames folded into the batch: `(batch * time, channel, depth, lateral)`."""
        noise = torch.randn((batch, 1, 1, *x.shape[-2:]), device=x.device)
        return (x.unflatten(0, (batch, -1)) * (1 + noise * self.scale.view(-1, 1, 1)).to(x.dtype)).flatten(0, 1)


class InTime(nn.Conv2d):
    """A convolution along time, one channel at a time, of frames folded into the batch.

    As a convolution of images of time by pixels: in channels-last memory a view, and on CPU many times as fast as a
    3-D convolution by channel.
    """

    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__(channels, channels, (kernel, 1), padding=(kernel // 2, 0), groups=channels)

    def fold(self, x: Tensor, batch: int) -> Tensor:
        """Return the convolution of `(batch * time, channel, depth, lateral)`, of the same shape."""
        time, (depth, lateral) = len(x) // batch, x.shape[-2:]
        images = x.permute(0, 2, 3, 1).reshape(batch, time, depth * lateral, -1).permute(0, 3, 1, 2)  # (b, c, t, d l)
        moved = self(images).permute(0, 2, 3, 1)  # (b, t, d l, c)
        return moved.reshape(len(x), depth, lateral, -1).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Add to the input what a convolution in space, texture, one in time and one across channels make of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.space = nn.Conv2d(channels, channels, 3, padding=1)
        self.texture = Texture(channels)
        self.time = InTime(channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        nn.init.normal_(self.mix.weight, 0, 1e-2)  # begins close to doing nothing

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """Return the sum, of the same shape."""
        y = self.texture(functional.silu(self.space(x)), batch)
        return x + self.mix(functional.silu(self.time.fold(y, batch)))


class LightGenerator(nn.Module):
    """Translate clips `(batch, 1, time, depth, lateral)` [SD] into clips of the same shape.

    A U-net at a half, a quarter and an eighth of the pixels; upsampling interpolates before it convolves, so that no
    checkerboard appears. Its output is added to the input behind a learned blur, which starts as a Gaussian: gate and
    median of an acquisition leave no sharp rim, and a network that adds to the sharp input would have to cancel it.
    Last comes the filter on time, if any: what an acquisition filters is longer than a clip.

    Attributes
    ----------
    settings : OneSidedParameters
        What it was built from.
    multiple, smallest : tuple of int
        Time, depth and lateral must be multiples of the one and at least the other.
    reach : int
        Frames to either side that a frame of the output depends on.
    """

    multiple, smallest = (1, 8, 8), (1, 16, 16)

    def __init__(self, settings: OneSidedParameters) -> None:
        super().__init__()
        self.settings = settings
        widths = [settings.features * scale for scale in (1, 2, 4)]
        self.enter = nn.Conv2d(1, widths[0], 4, 2, 1)
        self.levels = nn.ModuleList(
            nn.ModuleList(Block(width) for _ in range(settings.blocks)) for width in (*widths, *widths[1::-1])
        )
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, 2) for fine, coarse in itertools.pairwise(widths))
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in itertools.pairwise(widths))
        self.widen = nn.Conv2d(widths[0], 16, 1)
        self.blur = nn.Conv2d(1, 1, 2 * _BLUR + 1, padding=_BLUR, padding_mode="replicate", bias=False)
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
    """Return twice the pixels in depth and lateral."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear")


class ClipJudge(nn.Module):
    """Score patches of clips: convolutions in space and in time, spectrally normalised so that its slope is bounded."""

    def __init__(self, features: int) -> None:
        super().__init__()
        widths = [1, features, 2 * features, 4 * features]
        self.space = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, 2, 1)) for before, after in itertools.pairwise(widths)
        )
        self.time = nn.ModuleList(spectral_norm(InTime(width, 9)) for width in widths[1:])
        self.out = spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1))

    def forward(self, clips: Tensor) -> Tensor:
        """Return scores `(batch, 1, time, depth, lateral)`."""
        batch, x = len(clips), fold(clips)
        for space, time in zip(self.space, self.time, strict=True):
            x = functional.leaky_relu(space(x), 0.2)
            x = functional.leaky_relu(x + time.fold(x, batch), 0.2)  # type: ignore[operator]
        return unfold(self.out(x), batch)


class MapJudge(nn.Module):
    """Score patches of variance maps."""

    def __init__(self, features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width, wider = 2, features
        for _ in range(3):
            layers += [spectral_norm(nn.Conv2d(width, wider, 4, 2, 1)), nn.LeakyReLU(0.2)]
            width, wider = wider, 2 * wider
        layers += [spectral_norm(nn.Conv2d(width, 1, 3, 1, 1))]
        self.layers = nn.Sequential(*layers)

    def forward(self, clips: Tensor) -> Tensor:
        """Return scores `(batch, 1, depth, lateral)` of clips' variance maps."""
        variance = clips.float().var(dim=2, correction=0)  # (b, 1, d, l)
        mean = variance.mean(dim=(1, 2, 3), keepdim=True) + _SILENT
        bright = torch.log10(1 + variance / mean)  # as the metrics see it
        dark = torch.log10(variance / mean + 1e-3) / 3  # and what it does not show
        return self.layers(torch.cat([bright, dark], 1))


def content(translation: Tensor, original: Tensor) -> Tensor:
    """Return 1 - the mean correlation over time of every moving pixel with its translation: 0 if all is kept.

    Parameters
    ----------
    translation, original : Tensor
        Clips `(batch, 1, time, depth, lateral)`.
    """
    a, b = (clip.float() - clip.float().mean(dim=2, keepdim=True) for clip in (original, translation))
    power_a, power_b = a.square().mean(dim=2), b.square().mean(dim=2)
    correlation = (a * b).mean(dim=2) / (power_a * power_b + _SILENT**2).sqrt()
    moving = (power_a > _SILENT).float()
    return 1 - (correlation * moving).sum() / moving.sum().clamp(min=1)


class OneSided(nn.Module):
    """The generator from A to B, its two discriminators, and their losses.

    Attributes
    ----------
    settings : OneSidedParameters
        What it was built from.
    to_b : LightGenerator
        Translates A (simulated) to B (in vivo).
    judge_clip, judge_map : ClipJudge, MapJudge
        Tell real clips of domain B from translated ones, by the clips and by their variance maps.
    pool_b : ClipPool
        Past fakes.
    """

    def __init__(self, settings: OneSidedParameters) -> None:
        super().__init__()
        self.settings = settings
        self.to_b = LightGenerator(settings)
        self.judge_clip, self.judge_map = ClipJudge(settings.judge_features), MapJudge(settings.judge_features)
        self.pool_b = ClipPool(settings.pool, seed=1)

    def generators(self) -> list[nn.Module]:
        """Return the networks that `generator_loss` trains."""
        return [self.to_b]

    def discriminators(self) -> list[nn.Module]:
        """Return the networks that `discriminator_loss` trains."""
        return [self.judge_clip, self.judge_map]

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint needs besides the networks: the pool."""
        return self.pool_b.state_dict()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to a `state`."""
        self.pool_b.load_state_dict(dict(state))

    def generator_loss(self, a: Tensor, b: Tensor) -> tuple[Tensor, dict[str, Tensor], tuple[Tensor, ...]]:
        """Return the weighted sum of the generator's losses, its terms, and the fakes."""
        fake = self.to_b(a)
        with frozen(self.judge_clip, self.judge_map):
            terms = {
                "adversarial_b": losses.lsgan(self.judge_clip(fake), real=True),
                "map_b": losses.lsgan(self.judge_map(fake), real=True),
            }
        terms["content_a"] = content(fake, a)
        weights = {"adversarial": 1.0, "map": self.settings.map_weight, "content": self.settings.content}
        return *weighted(terms, weights), (fake.detach(),)

    def discriminator_loss(self, a: Tensor, b: Tensor, fakes: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum of the discriminators' losses on real clips and on fakes out of the pool, and the terms."""
        fake = self.pool_b(fakes[0])
        terms = {}
        for name, judge in (("judge_clip", self.judge_clip), ("judge_map", self.judge_map)):
            real, false = judge(torch.cat([b, fake])).split([len(b), len(fake)])
            terms[name] = (losses.lsgan(real, real=True) + losses.lsgan(false, real=False)) / 2
        return weighted(terms, {"judge": 1.0})
