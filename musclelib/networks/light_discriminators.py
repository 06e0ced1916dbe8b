"""Discriminators of the one-sided translation: of clips, and of their variance maps."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from musclelib.networks.layers import InTime, fold, unfold

_SILENT = 1e-6  # variance over time [SD^2] below which a pixel of the input does not move


class ClipDiscriminator(nn.Module):
    """Score patches of clips: convolutions in space and in time, spectrally normalised so that its slope is bounded."""

    def __init__(self, features: int) -> None:
        super().__init__()
        widths = [1, features, 2 * features, 4 * features]
        self.space = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, 2, 1))
            for before, after in itertools.pairwise(widths)
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


class MapDiscriminator(nn.Module):
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
