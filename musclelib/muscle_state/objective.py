"""The objective of paper 3: the mean square error of standardised changes of the muscle state."""

from __future__ import annotations

from torch import Tensor

from musclelib.networks.feature_network import FeatureNetwork, FeatureNetworkParameters
from musclelib.networks.standardised import STATES
from musclelib.networks.state_cnn import StateCnn, StateCnnParameters
from musclelib.training.objective import Supervised

StateSettings = StateCnnParameters | FeatureNetworkParameters
"""Parameters of either method of paper 3."""


class StateEstimation(Supervised):
    """Trains a network on pairs of frames, or on motion features, and the changes of the state."""

    network: StateCnn | FeatureNetwork

    def __init__(self, settings: StateSettings) -> None:
        super().__init__()
        self.settings = settings
        self.network = (
            StateCnn(settings)
            if isinstance(settings, StateCnnParameters)
            else FeatureNetwork(settings)
        )

    def loss(self, inputs: Tensor, changes: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the mean square error over the three signals, and that of each.

        Parameters
        ----------
        inputs : Tensor
            Frames `(batch, 2, depth, lateral)` [grey values], or features `(batch, 2 * point)`
            [px].
        changes : Tensor
            Changes of EMG, torque and angle `(batch, 3)` [V, N m, deg].
        """
        errors = (self.network(inputs) - self.network.standard(changes)).square().mean(dim=0)
        return errors.mean(), dict(zip(STATES, errors.unbind(), strict=True))
