"""Paper 2's second network, which estimates the twitch train of one detected motor unit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from musclelib.networks.slow_fusion import glorot, space_time_layer
from musclelib.parameters import Parameters, quantity

SIDE = 16
"""Number of pixels of a crop along depth and along lateral, the largest unit's (paper 2)."""


@dataclass(frozen=True)
class TwitchParameters(Parameters):
    """The widths of a twitch network; the defaults are paper 2's."""

    name: str = quantity("paper", doc="name of the parameter set")
    features: int = quantity(16, doc="channels of the convolutions", low=1)
    dense: int = quantity(
        1024,
        doc="neurons of the first dense layer; the next two have a half and a quarter as many",
        low=4,
    )
    states: int = quantity(512, doc="gated recurrent units in each direction", low=1)


TWITCH_NETWORKS = {
    "paper": TwitchParameters(),
    # for training on CPU
    "light": TwitchParameters(name="light", features=8, dense=256, states=128),
}
"""Parameter sets by name: paper 2's, and a narrow one."""


class TwitchNetwork(nn.Module):
    """Estimate the twitch train of the motor unit in the middle of a crop.

    Crops `(batch, 1, time, 16, 16)` [SD] become trains `(batch, time)`, by five convolutions of 16
    channels and 15 frames, three dense layers that all frames share, a bidirectional GRU of 512
    units, and three more dense layers. Source: paper 2, section III-C and Fig. 3.
    """

    def __init__(self, settings: TwitchParameters | None = None) -> None:
        super().__init__()
        self.settings = settings = settings or TwitchParameters()
        wide, dense, states = settings.features, settings.dense, settings.states
        layers: list[nn.Module] = space_time_layer(1, wide, (15, 5, 5), (1, 2, 2))
        for _ in range(4):
            layers += space_time_layer(wide, wide, (15, 3, 3))
        self.layers = nn.Sequential(*layers)
        self.enter = _dense(wide * 8 * 8, dense, dense // 2, dense // 4)
        self.gru = nn.GRU(dense // 4, states, batch_first=True, bidirectional=True)
        self.leave = nn.Sequential(_dense(2 * states, dense, dense // 2), nn.Linear(dense // 2, 1))
        glorot(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the twitch trains, `(batch, time)`.

        Raises
        ------
        ValueError
            The crops are not `(batch, 1, time, 16, 16)`.
        """
        if x.ndim != 5 or (x.shape[1], *x.shape[3:]) != (1, SIDE, SIDE):
            raise ValueError(
                f"twitch network: input of shape {tuple(x.shape)}; (batch, 1, time, 16, 16) is"
                " needed"
            )
        features = self.layers(x).transpose(1, 2).flatten(2)  # (b, t, 16 * 8 * 8)
        states, _ = self.gru(self.enter(features))  # (b, t, 2 * 512)
        return self.leave(states).squeeze(2)  # (b, t)


def crop(velocity: np.ndarray, territory: np.ndarray) -> np.ndarray:
    """Cut the 16 x 16 pixels around a territory's centre of mass out of a sequence.

    Pixels beyond the field are 0, the mean of a standardised sequence; the paper does not mention
    them.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, standardised [SD].
    territory : numpy.ndarray
        `(depth, lateral)`, bool, with at least one pixel.

    Returns
    -------
    numpy.ndarray
        `(time, 16, 16)`, float32.
    """
    out = np.zeros((len(velocity), SIDE, SIDE), np.float32)
    there, here = [], []
    for pixels, length in zip(np.nonzero(territory), territory.shape, strict=True):
        first = int(np.floor(pixels.mean() + 0.5)) - SIDE // 2
        low, high = max(first, 0), min(first + SIDE, length)
        there.append(slice(low, high))
        here.append(slice(low - first, high - first))
    out[:, here[0], here[1]] = velocity[:, there[0], there[1]]
    return out


def _dense(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers)
