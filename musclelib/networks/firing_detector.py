"""Detect the firings in a twitch train, also where successive twitches fuse.

From a firing rate of about 12 Hz on, a twitch begins before the previous one has ended, and neither
the maxima of a train nor a short filter separate the two. How twitches superpose is known, so a
network learns from simulated trains to separate them again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.parameters import Parameters, quantity

RATE = 200.0
"""Frame rate of the twitch trains that the detector is trained on [Hz]."""

_DILATIONS = (1, 2, 4, 8, 16, 32, 1, 2, 4, 8)  # together about 2 s to either side
_SELDOM = 3.0  # offset of the logits before training: softplus(-3), one firing in about 20 frames


@dataclass(frozen=True)
class FiringParameters(Parameters):
    """The size of a firing detector."""

    name: str = quantity("firings", doc="name of the network")
    features: int = quantity(32, doc="channels, a multiple of 4", low=4)


class FiringDetector(nn.Module):
    """Dilated convolutions over a twitch train, gated by the train's means over time.

    A mean over the whole train carries the unit's twitch and its firing rate, so the gates adapt
    every convolution to the unit at hand.

    Attributes
    ----------
    settings : FiringParameters
        The parameters that the network was built from.
    """

    def __init__(self, settings: FiringParameters | None = None) -> None:
        super().__init__()
        self.settings = settings = settings or FiringParameters()
        self.enter = nn.Conv1d(1, settings.features, 9, padding=4)
        self.blocks = nn.ModuleList(_Gated(settings.features, dilation) for dilation in _DILATIONS)
        self.leave = nn.Conv1d(settings.features, 1, 1)

    def forward(self, trains: Tensor) -> Tensor:
        """Return the expected number of firings in each frame, `(train, time)`.

        Parameters
        ----------
        trains : Tensor
            Twitch trains at `RATE`, `(train, 1, time)` [SD].
        """
        x = self.enter(trains)  # (train, features, time)
        for block in self.blocks:
            x = block(x)
        return functional.softplus(self.leave(x)[:, 0].float() - _SELDOM)  # (train, time)


class _Gated(nn.Module):
    def __init__(self, features: int, dilation: int) -> None:
        super().__init__()
        self.look = nn.Conv1d(features, features, 5, padding=2 * dilation, dilation=dilation)
        self.norm = nn.GroupNorm(4, features)
        self.gate = nn.Linear(features, features)
        self.mix = nn.Conv1d(features, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.silu(self.norm(self.look(x)))  # (train, features, time)
        gate = torch.sigmoid(self.gate(y.mean(dim=2)))  # (train, features)
        return x + self.mix(y * gate[..., None])
