"""Read the territory of a separated component from its map, and whether it is a motor unit.

In a muscle, the tissue around an active territory moves with it, and the tissue beside it moves in
the opposite direction; a component's map is therefore high in more places than its territory. The
network learns from synthetic maps, whose territories are known.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.parameters import Parameters, quantity

CHANNELS = 5
"""Number of images of a component, see `musclelib.identification.reader.components`."""

_COARSEST = 8  # pixels of the input along each axis under one pixel of the coarsest level


@dataclass(frozen=True)
class ReaderParameters(Parameters):
    """The size of a territory reader."""

    name: str = quantity("reader", doc="name of the network")
    features: int = quantity(16, doc="channels at full resolution, a multiple of 4", low=4)
    hidden: int = quantity(64, doc="neurons between the features and the score", low=1)


class TerritoryReader(nn.Module):
    """A U-Net over a component's images, with a second head for the score of being a motor unit.

    Attributes
    ----------
    settings : ReaderParameters
        The parameters that the network was built from.
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
        """Return the logits of the territory and of being a motor unit.

        Parameters
        ----------
        images : Tensor
            `(component, 5, depth, lateral)`.

        Returns
        -------
        tuple of Tensor
            `(component, depth, lateral)` and `(component,)`.
        """
        depth, lateral = images.shape[-2:]
        x = functional.pad(images, (0, -lateral % _COARSEST, 0, -depth % _COARSEST))  # (c, 5, d, l)
        finer = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            finer.append(x)  # (c, f, d, l), (c, 2f, d/2, l/2), (c, 4f, d/4, l/4), (c, 4f, d/8, l/8)
        score = self.score(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], 1))  # (c, 1)
        for block, skipped in zip(self.up, finer[2::-1], strict=True):
            doubled = functional.interpolate(x, scale_factor=2, mode="bilinear")
            x = block(torch.cat([doubled, skipped], 1))  # (c, 2f, d/4, l/4), ..., (c, f, d, l)
        return self.mask(x)[:, 0, :depth, :lateral], score[:, 0]  # (c, d, l), (c,)


def _block(narrow: int, wide: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (narrow, wide):
        layers += [nn.Conv2d(before, wide, 3, padding=1), nn.GroupNorm(4, wide), nn.SiLU()]
    return nn.Sequential(*layers)
