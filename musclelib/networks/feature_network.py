"""The fully connected networks of paper 3, from motion features to the change of muscle state."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from musclelib.networks.standardised import STATES, Standardised, initialise
from musclelib.parameters import Parameters, quantity

_DROPOUT = 0.5


@dataclass(frozen=True)
class FeatureNetworkParameters(Parameters):
    """The architecture of a network on motion features, as in a row of paper 3's Table 1."""

    hidden: int = quantity(
        256, doc="neurons of each hidden layer: models A, B and C", choices=(256, 512, 1024)
    )
    window: int = quantity(
        15, "pixel", "side of the window that a feature is followed with", choices=(11, 15, 19)
    )
    dropout: int = quantity(
        0, doc="layers, counted from the output, whose input is dropped out", low=0, high=2
    )
    points: int = quantity(100, doc="integration points, whose displacements are averaged", low=1)


class FeatureNetwork(Standardised):
    """A network of two hidden layers, from the displacements of integration points.

    Attributes
    ----------
    settings : FeatureNetworkParameters
        The parameters that the network was built from.
    integration_points : Tensor
        Points `(point, 2)` of (depth, lateral) [px] whose displacements the network takes.
    """

    integration_points: Tensor

    def __init__(self, settings: FeatureNetworkParameters | None = None) -> None:
        settings = settings or FeatureNetworkParameters()
        super().__init__(inputs=2 * settings.points)
        self.settings = settings
        self.register_buffer("integration_points", torch.zeros(settings.points, 2))
        sizes = (2 * settings.points, settings.hidden, settings.hidden, len(STATES))
        self.dense = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))
        initialise(self)

    def forward(self, features: Tensor) -> Tensor:
        """Return the changes `(batch, 3)` of EMG, torque and angle [SD of the training set].

        Parameters
        ----------
        features : Tensor
            Displacements of the points `(batch, 2 * point)` [px], along depth, then along lateral.
        """
        x = (features.float() - self.input_mean) / self.input_sd
        for number, layer in enumerate(self.dense):
            if number:
                x = nn.functional.relu(x)
            if len(self.dense) - number <= self.settings.dropout:
                x = nn.functional.dropout(x, _DROPOUT, self.training)
            x = layer(x)
        return x.float()
