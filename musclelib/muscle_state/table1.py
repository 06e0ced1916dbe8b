"""The rows of Table 1 of paper 3, each of which can be trained, with the errors that it prints."""

from __future__ import annotations

from typing import NamedTuple

from musclelib.muscle_state.objective import StateSettings
from musclelib.muscle_state.recipes import RECIPES, StateRecipe, paper
from musclelib.networks.feature_network import FeatureNetworkParameters
from musclelib.networks.state_cnn import StateCnnParameters
from musclelib.training.recipe import Stage


class Row(NamedTuple):
    """A network, its training, and the mean square errors of standardised changes in the paper."""

    settings: StateSettings
    rate: float
    training: float
    validation: float
    test: float

    def recipe(self) -> StateRecipe:
        """Return the recipe that trains this network as in the paper."""
        networks = "cnn" if isinstance(self.settings, StateCnnParameters) else "features"
        known = RECIPES[f"state-{networks}-paper"]
        assert isinstance(known, StateRecipe)
        return known.changed(settings=self.settings, stages=(Stage("all", paper(self.rate)),))


_HIDDEN = {"A": 256, "B": 512, "C": 1024}

# model, pooling layers, convolutions, rate, side of input filters, dropout layers, then the errors
_CNN = (
    ("A", 6, 6, 1e-5, 3, 0, 0.303, 0.281, 0.480),
    ("A", 6, 6, 1e-5, 3, 1, 0.307, 0.291, 0.427),
    ("A", 6, 6, 1e-5, 3, 2, 0.327, 0.269, 0.381),
    ("A", 5, 10, 1e-5, 3, 2, 0.343, 0.312, 0.395),
    ("A", 6, 12, 1e-5, 3, 0, 0.323, 0.336, 0.412),
    ("A", 6, 12, 1e-5, 3, 2, 0.327, 0.269, 0.381),
    ("B", 6, 12, 1e-5, 3, 2, 0.307, 0.291, 0.405),
    ("B", 7, 14, 1e-5, 3, 2, 0.307, 0.335, 0.411),
    ("B", 7, 7, 1e-5, 5, 1, 0.290, 0.299, 0.451),
    ("B", 6, 6, 1e-5, 5, 2, 0.316, 0.253, 0.403),
    ("B", 7, 7, 1e-5, 5, 2, 0.321, 0.288, 0.423),
    ("D", 7, 7, 1e-5, 5, 2, 0.350, 0.283, 0.397),
    ("B", 6, 12, 1e-5, 5, 2, 0.329, 0.312, 0.416),
    ("C", 5, 5, 1e-3, 7, 2, 0.287, 0.340, 0.522),
    ("C", 3, 3, 1e-5, 11, 2, 0.287, 0.276, 0.453),
    ("B", 4, 4, 1e-5, 11, 2, 0.373, 0.309, 0.457),
    ("C", 5, 5, 1e-3, 11, 2, 0.303, 0.323, 0.499),
    ("B", 6, 6, 1e-5, 11, 2, 0.373, 0.261, 0.438),
    ("C", 3, 3, 1e-5, 11, 3, 0.341, 0.318, 0.457),
    ("C", 5, 5, 1e-5, 11, 3, 0.285, 0.281, 0.457),
    ("B", 6, 6, 1e-5, 11, 3, 0.440, 0.280, 0.453),
    ("D", 7, 7, 1e-5, 11, 3, 0.322, 0.297, 0.451),
)

# model, side of windows, dropout layers, then the errors; the rate is 1e-5
_FEATURES = (
    ("A", 11, 0, 0.360, 0.289, 0.425),
    ("B", 11, 0, 0.331, 0.307, 0.414),
    ("C", 11, 0, 0.339, 0.304, 0.433),
    ("A", 15, 0, 0.323, 0.286, 0.412),
    ("B", 15, 0, 0.379, 0.293, 0.442),
    ("C", 15, 0, 0.348, 0.295, 0.416),
    ("A", 19, 0, 0.341, 0.302, 0.403),
    ("B", 19, 0, 0.340, 0.295, 0.424),
    ("C", 19, 0, 0.311, 0.320, 0.400),
    ("A", 11, 1, 0.405, 0.313, 0.465),
    ("B", 11, 1, 0.431, 0.327, 0.499),
    ("C", 11, 1, 0.420, 0.310, 0.491),
    ("A", 15, 1, 0.403, 0.299, 0.495),
    ("B", 15, 1, 0.388, 0.290, 0.469),
    ("C", 15, 1, 0.416, 0.292, 0.497),
    ("A", 19, 1, 0.408, 0.301, 0.472),
    ("B", 19, 1, 0.397, 0.294, 0.471),
    ("C", 19, 1, 0.397, 0.312, 0.473),
    ("A", 11, 2, 0.545, 0.422, 0.569),
    ("B", 11, 2, 0.528, 0.409, 0.543),
    ("C", 11, 2, 0.523, 0.403, 0.551),
)

TABLE_1: tuple[Row, ...] = (
    *(
        Row(StateCnnParameters(model, pools, convolutions // pools, side, dropout), rate, *errors)
        for model, pools, convolutions, rate, side, dropout, *errors in _CNN
    ),
    *(
        Row(FeatureNetworkParameters(_HIDDEN[model], window, dropout), 1e-5, *errors)
        for model, window, dropout, *errors in _FEATURES
    ),
)
"""The rows in the order of the paper, networks on frames first."""
