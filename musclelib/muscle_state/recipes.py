"""Recipes for the training of both methods of paper 3, as in the paper and faster, and of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from torch import nn

from musclelib.muscle_state.estimator_recipe import ESTIMATOR
from musclelib.muscle_state.examples import (
    FeatureRows,
    FramePairs,
    StateExamples,
    training_points,
    trial_features,
)
from musclelib.muscle_state.objective import StateEstimation, StateSettings
from musclelib.muscle_state.trials import Trials, split
from musclelib.muscle_state.validation import StateValidation
from musclelib.networks.feature_network import FeatureNetwork, FeatureNetworkParameters
from musclelib.networks.state_cnn import StateCnnParameters
from musclelib.parameters import ParameterError, quantity
from musclelib.training.objective import Objective, Optimiser, TrainingParameters
from musclelib.training.recipe import Data, Recipe, Stage


@dataclass(frozen=True)
class StateRecipe(Recipe):
    """A training on a store of trials, without the participants for validation and test."""

    half: ClassVar[bool] = True

    settings: StateSettings = quantity(StateCnnParameters(), doc="parameters of the network")
    validation: tuple[int, ...] | None = quantity(
        None, doc="participants on whom the checkpoint is chosen; None: the last but one"
    )
    test: tuple[int, ...] | None = quantity(
        None, doc="participants who are left out altogether; None: the last one"
    )
    validated: int = quantity(2000, doc="pairs of frames of each validation", low=1)

    def objective(self, stage: Stage) -> Objective:
        """Build the objective with new weights."""
        return StateEstimation(self.settings)

    def prepare(self, objective: Objective, data: Data) -> None:
        """Give the network the moments of its training set, and the integration points."""
        assert isinstance(objective, StateEstimation)
        examples = data.examples(0, 1)
        assert isinstance(examples, StateExamples)
        objective.network.standardise(*examples.moments())
        if isinstance(examples, FeatureRows):
            assert isinstance(objective.network, FeatureNetwork)
            objective.network.integration_points.copy_(examples.points)

    def data(self, stage: Stage, stores: Sequence[str], folder: Path) -> Data:
        """Return the examples of the training participants, and a validation on the others.

        Raises
        ------
        ParameterError
            Not one store is given, its frames have another size, or it lacks a participant.
        SequenceError
            The store is missing or is none of trials.
        """
        if len(stores) != 1:
            raise ParameterError(f"recipe {self.name}: {len(stores)} stores; needs one of trials")
        trials = Trials(stores[0])
        own, others, _ = split(trials.subjects, self.validation, self.test)
        batch, seed = stage.training.batch, stage.training.seed
        if isinstance(self.settings, StateCnnParameters):
            if trials.shape[2:] != self.settings.shape:
                raise ParameterError(
                    f"{trials.store}: frames of {trials.shape[2:]} pixels; the recipe is for"
                    f" settings.shape = {self.settings.shape}"
                )
            examples = partial(FramePairs, trials, own, batch, seed)
            left = FramePairs(trials, others, batch, seed)
            return Data(examples, StateValidation(left, self.validated))

        points = training_points(trials, own, self.settings.points)
        seen, unseen = (
            trial_features(trials, part, points, self.settings.window, folder / "features.zarr")
            for part in (own, others)
        )
        rows = partial(FeatureRows, seen, points, trials, own, batch, seed)
        left_rows = FeatureRows(unseen, points, trials, others, batch, seed)
        return Data(rows, StateValidation(left_rows, self.validated))

    def shipped(self, objective: Objective, stores: Sequence[str]) -> dict[str, nn.Module]:
        """Return the network."""
        assert isinstance(objective, StateEstimation)
        return {"": objective.network}


def paper(rate: float = 1e-5, momentum: float = 0.95) -> TrainingParameters:
    """Return the training of paper 3: stochastic gradient descent with single examples.

    It names momenta of 0.9 (section III-E) and 0.95 (section III-G, for both methods). All its
    networks converged within 2.5 million steps; training ends after 5 evaluations without a gain.
    """
    return TrainingParameters(
        steps=2_500_000,
        batch=1,
        optimisers={"all": Optimiser(kind="sgd", rate=rate, betas=(momentum, 0.999))},
        ema=0.0,
        precision="32-true",
        checkpoint_every=10_000,
        review_every=25_000,
        patience=5,
    )


def _fast(
    steps: int, batch: int, rate: float, precision: str, review_every: int = 500
) -> TrainingParameters:
    return TrainingParameters(
        steps=steps,
        batch=batch,
        optimisers={"all": Optimiser(rate=rate, betas=(0.9, 0.999), clip=1.0)},
        ema=0.99,
        precision=precision,
        checkpoint_every=review_every,
        review_every=review_every,
        patience=5,
    )


_CNN = (
    "Estimates the change of EMG, torque and ankle angle from two B-mode frames of the medial"
    " gastrocnemius (paper 3)."
)
_FEATURES = (
    "Estimates the change of EMG, torque and ankle angle from the motion of features between two"
    " B-mode frames of the medial gastrocnemius (paper 3)."
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        StateRecipe(
            "state-cnn",
            _CNN,
            # reviewed often: after few thousand pairs it begins to know the participants by heart
            (Stage("all", _fast(20_000, 16, 1e-4, "bf16-mixed", review_every=200)),),
            validated=1000,
        ),
        StateRecipe("state-cnn-paper", _CNN, (Stage("all", paper()),)),
        StateRecipe(
            "state-features",
            _FEATURES,
            (Stage("all", _fast(20_000, 64, 3e-4, "32-true")),),
            FeatureNetworkParameters(),
        ),
        StateRecipe(
            "state-features-paper",
            _FEATURES,
            (Stage("all", paper()),),
            FeatureNetworkParameters(),
        ),
        ESTIMATOR,
    )
}
"""Recipes by name, with the networks that the paper chose by validation (Table 1, asterisks)."""
