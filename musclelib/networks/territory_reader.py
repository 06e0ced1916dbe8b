"""Reads the map of a separated component: the territory that lies behind it, and whether it is a unit at all.

In a muscle the tissue around a territory moves along, and beside it the other way; so where a component's map is high
is not yet where its unit is. What a territory looks like in such maps is learnt from synthetic ones, whose truth is
known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
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
        self.down = nn.ModuleList(_block(*pair) for pair in itertools.pairwise((CHANNELS, one, two, four, four)))
        self.up = nn.ModuleList(_block(*pair) for pair in ((four + four, two), (two + two, one), (one + one, one)))
        self.mask = nn.Conv2d(one, 1, 1)
        self.score = nn.Sequential(
            nn.Linear(2 * four, settings.hidden), nn.SiLU(), nn.Dropout(0.2), nn.Linear(settings.hidden, 1)
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
            x = block(torch.cat([functional.interpolate(x, scale_factor=2, mode="bilinear"), skipped], 1))
        return self.mask(x)[:, 0, :depth, :lateral], score[:, 0]


def _block(narrow: int, wide: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (narrow, wide):
        layers += [nn.Conv2d(before, wide, 3, padding=1), nn.GroupNorm(4, wide), nn.SiLU()]
    return nn.Sequential(*layers)


class Reading(nn.Module):
    """The objective of `training.fit` that trains a reader on components of sequences whose units are known."""

    def __init__(self, settings: ReaderParameters) -> None:
        super().__init__()
        self.settings = settings
        self.reader = TerritoryReader(settings)

    def trained(self) -> Iterable[nn.Module]:
        """Return the reader."""
        return [self.reader]

    def loss(self, images: Tensor, territory: Tensor, known: Tensor, unit: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum of the losses of territories and scores.

        Parameters
        ----------
        images : Tensor
            `(component, 5, depth, lateral)`.
        territory : Tensor
            `(component, depth, lateral)`, shares of pixels, 0 to 1.
        known : Tensor
            `(component,)`, 1 where there is a unit behind the component, whose territory it is; else 0.
        unit : Tensor
            `(component,)`, 1 for the best component of a unit, 0 for others, which are to be dropped.
        """
        logits, score = self.reader(images)
        logits = logits.float()
        mask = torch.sigmoid(logits)
        shared, both = (mask * territory).sum(dim=(1, 2)), (mask.square() + territory.square()).sum(dim=(1, 2))
        entropy = functional.binary_cross_entropy_with_logits(logits, territory, reduction="none").mean(dim=(1, 2))
        weight = known / known.sum().clamp(min=1)
        parts = {
            "overlap": ((1 - (2 * shared + 1) / (both + 1)) * weight).sum(),  # Dice
            "pixel": (entropy * weight).sum(),
            "score": functional.binary_cross_entropy_with_logits(score.float(), unit),
        }
        return torch.stack(list(parts.values())).sum(), parts
