"""Paper 2's second network: the twitch train of one detected unit, and its loss."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from musclelib.networks.slow_fusion import convolution, initialise


class TwitchNetwork(nn.Module):
    """The twitch train of the unit in the middle of a crop.

    Crops `(batch, 1, time, 16, 16)` become trains `(batch, time)`: five convolutions of 16 channels and 15 frames,
    three dense layers that all frames share, a bidirectional GRU of 512, and three dense layers again (paper 2, section
    III-C and Fig. 3).
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = convolution(1, 16, (15, 5, 5), (1, 2, 2))
        for _ in range(4):
            layers += convolution(16, 16, (15, 3, 3))
        self.layers = nn.Sequential(*layers)
        self.enter = _dense(16 * 8 * 8, 1024, 512, 256)
        self.gru = nn.GRU(256, 512, batch_first=True, bidirectional=True)
        self.leave = nn.Sequential(_dense(1024, 1024, 512), nn.Linear(512, 1))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the trains.

        Raises
        ------
        ValueError
            The crops are not `(batch, 1, time, 16, 16)`.
        """
        if x.ndim != 5 or (x.shape[1], *x.shape[3:]) != (1, 16, 16):
            raise ValueError(f"twitch network: input of shape {tuple(x.shape)}; (batch, 1, time, 16, 16) is needed")
        features = self.layers(x).transpose(1, 2).flatten(2)  # (b, t, 16 * 8 * 8)
        states, _ = self.gru(self.enter(features))  # (b, t, 1024)
        return self.leave(states).squeeze(2)  # (b, t)


def train_loss(estimate: Tensor, truth: Tensor) -> Tensor:
    """Return the mean squared error of trains, each divided by the largest absolute value of its truth.

    So that units of small velocity count as much as others (paper 2, section III-C.3).

    Parameters
    ----------
    estimate, truth : Tensor
        `(batch, time)`, of one unit; the truth of no unit may be 0 throughout.
    """
    largest = truth.abs().amax(dim=1, keepdim=True)
    return ((estimate - truth) / largest).square().mean()


def _dense(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers)
