"""The two discriminators of the one-sided translation, one for clips and one for variance maps."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from musclelib.networks.layers import InTime, fold, unfold

_SILENT = 1e-6  # floor of a clip's mean variance over time [SD^2], for clips without motion


class ClipDiscriminator(nn.Module):
    """Score how real each patch of a clip is.

    Convolutions in space and in time alternate. Their spectral normalisation bounds the slope of
    the scores.
    """

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
        """Return scores `(batch, 1, time, depth / 8, lateral / 8)`.

        Parameters
        ----------
        clips : Tensor
            `(batch, 1, time, depth, lateral)` [SD].
        """
        batch, x = len(clips), fold(clips)  # (b t, 1, d, l)
        for space, time in zip(self.space, self.time, strict=True):
            x = functional.leaky_relu(space(x), 0.2)  # (b t, f, d/2, l/2), and so on
            x = functional.leaky_relu(x + time.fold(x, batch), 0.2)  # type: ignore[operator]
        return unfold(self.out(x), batch)  # (b, 1, t, d/8, l/8)


class MapDiscriminator(nn.Module):
    """Score how real each patch of a clip's variance map is."""

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
        """Return scores `(batch, 1, depth / 8, lateral / 8)`.

        Parameters
        ----------
        clips : Tensor
            `(batch, 1, time, depth, lateral)` [SD].
        """
        variance = clips.float().var(dim=2, correction=0)  # (b, 1, d, l)
        mean = variance.mean(dim=(1, 2, 3), keepdim=True) + _SILENT  # (b, 1, 1, 1)

        # the first image is what the metrics compare; the second resolves the pixels that hardly
        # move, which the first shows as zero
        bright = torch.log10(1 + variance / mean)
        dark = torch.log10(variance / mean + 1e-3) / 3
        return self.layers(torch.cat([bright, dark], 1))  # (b, 1, d/8, l/8)
