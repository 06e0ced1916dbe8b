"""The convolutional networks of paper 3, from two frames to the change of muscle state."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from musclelib.networks.standardised import STATES, Standardised, initialise
from musclelib.parameters import ParameterError, Parameters, quantity

FILTERS = {
    "A": (16, 36, 64, 121, 169, 225, 289),
    "B": (36, 64, 121, 169, 225, 289, 361),
    "C": (49, 81, 144, 324, 484),
    "D": (64, 121, 169, 225, 289, 361, 441),
}
"""Filters of the convolutions of each model (paper 3, section III-F)."""

_DENSE = {"A": 1, "B": 1, "C": 2, "D": 1}  # number of fully connected hidden layers
_WIDTH = 1024  # neurons of such a layer
_DROPOUT = 0.5


@dataclass(frozen=True)
class StateCnnParameters(Parameters):
    """The architecture of a network of paper 3, as in a row of its Table 1."""

    model: str = quantity("B", doc="model, which sets the filters", choices=tuple(FILTERS))
    pools: int = quantity(6, doc="pooling layers", low=1, high=7)
    repeats: int = quantity(1, doc="convolutions before each pooling layer", choices=(1, 2))
    filter: int = quantity(
        5, "pixel", "side of the filters of the first layer", choices=(3, 5, 7, 9, 11)
    )
    dropout: int = quantity(
        2, doc="layers, counted from the output, whose input is dropped out", low=0, high=3
    )
    shape: tuple[int, int] = quantity((120, 496), "pixel", "depth and lateral of frames", low=8)

    def check(self) -> None:
        """Refuse more pooling layers than the model has."""
        most = len(FILTERS[self.model])
        if self.pools > most:
            raise ParameterError(f"pools = {self.pools}: model {self.model} has {most} layers")


class StateCnn(Standardised):
    """A network that estimates the change of EMG, torque and angle between two frames.

    Choices where paper 3 contradicts itself or is silent: inner filters have 3 x 3 pixels, as its
    section IV says (section III-F says 2 x 2); convolutions are padded to keep the size, with the
    mean grey value; pools keep an incomplete last row or column, since 120 pixels can be halved
    three times only. Dropout acts on the inputs of the last layers: the third layer from the output
    is the last convolution in models A, B and D, and the first fully connected layer in C.

    Attributes
    ----------
    settings : StateCnnParameters
        The parameters that the network was built from.
    """

    def __init__(self, settings: StateCnnParameters | None = None) -> None:
        super().__init__(inputs=1)
        self.settings = settings = settings or StateCnnParameters()
        widths = FILTERS[settings.model][: settings.pools]
        self.convolutions = nn.ModuleList()
        for before, after in itertools.pairwise((2, *widths)):
            for channels in (before, *(after,) * (settings.repeats - 1)):
                side = 3 if len(self.convolutions) else settings.filter
                self.convolutions.append(nn.Conv2d(channels, after, side, padding=side // 2))
        depth, lateral = (-(-size // 2**settings.pools) for size in settings.shape)
        sizes = (widths[-1] * depth * lateral, *(_WIDTH,) * _DENSE[settings.model], len(STATES))
        self.dense = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))
        initialise(self)

    def layers(self) -> list[nn.Conv2d | nn.Linear]:
        """Return convolutions and fully connected layers, from the input to the output."""
        return [
            layer
            for layer in (*self.convolutions, *self.dense)
            if isinstance(layer, nn.Conv2d | nn.Linear)
        ]

    def forward(self, frames: Tensor) -> Tensor:
        """Return the changes `(batch, 3)` of EMG, torque and angle [SD of the training set].

        Parameters
        ----------
        frames : Tensor
            Two consecutive frames `(batch, 2, depth, lateral)` [grey values].
        """
        return self.responses(frames, len(self.layers()))

    def responses(self, frames: Tensor, layer: int) -> Tensor:
        """Return the output of a layer before its rectifier; layers count from 1.

        Parameters
        ----------
        frames : Tensor
            `(batch, 2, depth, lateral)` [grey values].
        layer : int
            Number of the layer; `len(self.layers())` is the output.
        """
        x = (frames.float() - self.input_mean) / self.input_sd
        x = x.contiguous(memory_format=torch.channels_last)
        layers = self.layers()
        for number, one in enumerate(layers, 1):
            if len(layers) - number < self.settings.dropout:
                x = nn.functional.dropout(x, _DROPOUT, self.training)
            if isinstance(one, nn.Linear):
                x = x.flatten(1)
            x = one(x)
            if number in (layer, len(layers)):
                return x.float()
            # pooling and rectifying commute, and a quarter of the values is left to rectify
            if number <= len(self.convolutions) and number % self.settings.repeats == 0:
                x = _pool(x)
            x = nn.functional.relu(x)
        raise AssertionError("layers count from 1 to their number")


def _pool(x: Tensor) -> Tensor:
    """Return the maxima of 2 x 2 pixels; a last odd row or column makes maxima by itself."""
    if x.requires_grad or x.shape[2] % 2 or x.shape[3] % 2:
        return nn.functional.max_pool2d(x, 2, ceil_mode=True)
    # four times as fast where no gradient is needed, since no places of maxima are kept
    x = torch.maximum(x[..., 0::2, :], x[..., 1::2, :])
    return torch.maximum(x[..., 0::2], x[..., 1::2])
