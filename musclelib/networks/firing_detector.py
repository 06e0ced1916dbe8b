"""Tells when the twitches of a train begin: firings a second, frame by frame, also where twitches run into one another.

From some 12 Hz on the next twitch begins while the last one is under way, and neither maxima nor a
short filter tell them apart. How twitches add up is known, so a network learns from simulated
trains to take them apart again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.parameters import Parameters, quantity

RATE = 200.0
"""Frames a second of the trains that the detector knows [Hz]."""

_DILATIONS = (1, 2, 4, 8, 16, 32, 1, 2, 4, 8)  # together some 2 s to both sides
_SELDOM = 3.0  # what is expected before anything is learnt: a firing in some 20 frames


@dataclass(frozen=True)
class FiringParameters(Parameters):
    """What a detector of firings is built of."""

    name: str = quantity("firings", doc="name of the network")
    features: int = quantity(32, doc="channels, a multiple of 4", low=4)


class FiringDetector(nn.Module):
    """Dilated convolutions over a train.

    Each is gated by means over the whole of it, which tell its twitch and rate.

    Attributes
    ----------
    settings : FiringParameters
        What it was built of.
    """

    def __init__(self, settings: FiringParameters | None = None) -> None:
        super().__init__()
        self.settings = settings = settings or FiringParameters()
        self.enter = nn.Conv1d(1, settings.features, 9, padding=4)
        self.blocks = nn.ModuleList(_Gated(settings.features, dilation) for dilation in _DILATIONS)
        self.leave = nn.Conv1d(settings.features, 1, 1)

    def forward(self, trains: Tensor) -> Tensor:
        """Return the expected number of firings in each frame `(train, time)` of trains `(train, 1, time)` [SD]."""
        x = self.enter(trains)  # (train, features, time)
        for block in self.blocks:
            x = block(x)
        return functional.softplus(self.leave(x)[:, 0].float() - _SELDOM)


class _Gated(nn.Module):
    def __init__(self, features: int, dilation: int) -> None:
        super().__init__()
        self.look = nn.Conv1d(features, features, 5, padding=2 * dilation, dilation=dilation)
        self.norm = nn.GroupNorm(4, features)
        self.gate = nn.Linear(features, features)
        self.mix = nn.Conv1d(features, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.silu(self.norm(self.look(x)))  # (train, features, time)
        return x + self.mix(y * torch.sigmoid(self.gate(y.mean(dim=2)))[..., None])
