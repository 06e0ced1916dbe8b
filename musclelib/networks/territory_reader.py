"""Reads the map of a separated component: the territory that lies behind it, and whether it is a unit at all.

In a muscle the tissue around a territory moves along, and beside it the other way; so where a
component's map is high is not yet where its unit is. What a territory looks like in such maps is
learnt from synthetic ones, whose truth is known.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.parameters import Parameters, quantity

CHANNELS = 5
"""Images of a component that are read, see `identification.components`."""

_COARSEST = 8  # pixels of the input under one of the coarsest level


@dataclass(frozen=True)
class ReaderParameters(Parameters):
    """What a reader is built of."""

    name: str = quantity("reader", doc="name of the network")
    features: int = quantity(16, doc="channels at full resolution, a multiple of 4", low=4)
    hidden: int = quantity(64, doc="neurons between features and score", low=1)


class TerritoryReader(nn.Module):
    """A U-net over one component's images, with a second head for its score.

    Attributes
    ----------
    settings : ReaderParameters
        What it was built of.
    """

    def __init__(self, settings: ReaderParameters) -> None:
        super().__init__()
        self.settings = settings
        one, two, four = (settings.features * scale for scale in (1, 2, 4))
        self.down = nn.ModuleList(
            _block(*pair) for pair in itertools.pairwise((CHANNELS, one, two, four, four))
        )
        self.up = nn.ModuleList(
            _block(*pair) for pair in ((four + four, two), (two + two, one), (one + one, one))
        )
        self.mask = nn.Conv2d(one, 1, 1)
        self.score = nn.Sequential(
            nn.Linear(2 * four, settings.hidden),
            nn.SiLU(),
            nn.Dropout(0.2),
            nn.Linear(settings.hidden, 1),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the territory `(component, depth, lateral)` and of being a unit `(component,)`."""
        depth, lateral = images.shape[-2:]
        x = functional.pad(images, (0, -lateral % _COARSEST, 0, -depth % _COARSEST))  # (c, 5, d, l)
        finer = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            finer.append(x)  # (c, f, d, l), (c, 2f, d/2, l/2), (c, 4f, d/4, l/4), (c, 4f, d/8, l/8)
        score = self.score(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], 1))  # (c, 1)
        for block, skipped in zip(self.up, finer[2::-1], strict=True):
            x = block(
                torch.cat([functional.interpolate(x, scale_factor=2, mode="bilinear"), skipped], 1)
            )
        return self.mask(x)[:, 0, :depth, :lateral], score[:, 0]


def _block(narrow: int, wide: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (narrow, wide):
        layers += [nn.Conv2d(before, wide, 3, padding=1), nn.GroupNorm(4, wide), nn.SiLU()]
    return nn.Sequential(*layers)
