"""Train state estimators: on trials by a recipe, or on any sequences of features with signals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from musclelib.muscle_state.estimator import GREY, ORIENTATION, check_video
from musclelib.muscle_state.region.extract import SHAPE, SIZE
from musclelib.muscle_state.state_windows import KnownSequence, StateWindows, known_sequences
from musclelib.muscle_state.trials import Trials, split
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters
from musclelib.parameters import ParameterError, quantity
from musclelib.streams import Purpose, torch_seed
from musclelib.training.checkpoint import load_averaged
from musclelib.training.loop import train
from musclelib.training.objective import Objective, Optimiser, Supervised, TrainingParameters
from musclelib.training.recipe import Data, Recipe, Stage

TRAINING = TrainingParameters(
    steps=500,
    batch=16,
    optimisers={"all": Optimiser(rate=2e-3, betas=(0.9, 0.999), clip=1.0, halve_every=100)},
    ema=0.98,
    precision="32-true",
    checkpoint_every=500,
    review_every=500,
)
"""Settings of the training; 10 s on one core."""


PAPER_3 = StateEstimatorParameters(
    shape=SHAPE,
    pixel_size=(SIZE[0] / SHAPE[0], SIZE[1] / SHAPE[1]),
    frame_rate=25.0,
    appearance=math.prod(GREY) + 2 * math.prod(ORIENTATION),
    motion=2 * math.prod(ORIENTATION),
    components=(4, 60),
    dilations=(1, 2, 4, 8, 16, 32),
)
"""The estimator for the region and the frame rate of paper 3.

Few components of the appearance: more of them tell the training participants apart, by which the
network learns them by heart.
"""


class StateEstimation(Supervised):
    """Trains a state estimator on windows with known signals."""

    network: StateEstimator

    def __init__(self, settings: StateEstimatorParameters) -> None:
        super().__init__()
        self.settings = settings
        self.network = StateEstimator(settings)

    def loss(
        self, appearance: Tensor, motion: Tensor, state: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum of the losses of state and change, and the two.

        Each is the mean squared error of the estimates plus the negative log-likelihood of a
        Gaussian around them, from which only the stated SD learns: a network that may trade the
        two states large SDs where it is wrong and ceases to improve there.

        Parameters
        ----------
        appearance, motion, state : Tensor
            `(batch, time, feature)` and `(batch, time, signal)`, in the units of the training set.
        """
        network = self.network
        out = network(appearance, motion)
        level = (state - network.state_mean) / network.state_sd
        change = state.diff(dim=1) / network.change_sd
        parts = {
            "state": _likelihood(level - out.state, out.state_log_sd),
            "change": _likelihood(change - out.change[:, 1:], out.change_log_sd[:, 1:]),
        }
        return parts["state"] + parts["change"], parts


class StateReview:
    """Estimate the signals of whole sequences that are left out of the training.

    `score`, better if lower, is the mean square error of the changes from frame to frame, in SDs
    of the training set, as for the methods of paper 3 (`StateValidation`).

    Parameters
    ----------
    sequences : sequence of KnownSequence
        The sequences that are left out.
    """

    def __init__(self, sequences: Sequence[KnownSequence]) -> None:
        self.sequences = [one.tensors() for one in sequences]

    @torch.no_grad()
    def __call__(self, objective: Any, step: int = 0) -> dict[str, float]:
        """Return the score, and the mean square errors of each signal and its changes."""
        network = objective.network
        device = next(network.parameters()).device
        changes, states = [], []
        for appearance, motion, state in self.sequences:
            out = network(appearance[None].to(device), motion[None].to(device))
            level = (state.to(device) - network.state_mean) / network.state_sd
            change = state.to(device).diff(dim=0) / network.change_sd
            states.append((out.state[0] - level).square())
            changes.append((out.change[0, 1:] - change).square())
        errors = [torch.cat(parts).mean(dim=0).tolist() for parts in (changes, states)]
        names = network.settings.signals
        return {
            "score": sum(errors[0]) / len(names),
            **dict(zip(names, errors[0], strict=True)),
            **{f"{name} itself": error for name, error in zip(names, errors[1], strict=True)},
        }


@dataclass(frozen=True)
class EstimatorRecipe(Recipe):
    """A training on a store of trials, without the participants for validation and test."""

    settings: StateEstimatorParameters = quantity(PAPER_3, doc="parameters of the network")
    window: int = quantity(128, "frame", "duration of the training windows", low=2)
    validation: tuple[int, ...] | None = quantity(
        None, doc="participants on whom the checkpoint is chosen; None: the last but one"
    )
    test: tuple[int, ...] | None = quantity(
        None, doc="participants who are left out altogether; None: the last one"
    )

    def objective(self, stage: Stage) -> Objective:
        """Build the objective with new weights."""
        return StateEstimation(self.settings)

    def prepare(self, objective: Objective, data: Data) -> None:
        """Give the network the axes and moments of its training set."""
        assert isinstance(objective, StateEstimation)
        examples = data.examples(0, 1)
        assert isinstance(examples, StateWindows)
        objective.network.fit(*zip(*examples.sequences, strict=True))

    def data(self, stage: Stage, stores: Sequence[str], folder: Path) -> Data:
        """Return windows of the training participants, and a review of the others.

        Raises
        ------
        ParameterError
            Not one store is given, its frames have another grid or rate, or it lacks a participant.
        SequenceError
            The store is missing or is none of trials.
        """
        if len(stores) != 1:
            raise ParameterError(f"recipe {self.name}: {len(stores)} stores; needs one of trials")
        trials = Trials(stores[0])
        try:
            check_video(self.settings, trials.shape[2:], trials.pixel_size, trials.rate)
        except ValueError as error:
            raise ParameterError(f"{trials.store}: {error}") from None
        own, others, _ = split(trials.subjects, self.validation, self.test)
        seen, unseen = (
            known_sequences(trials, part, folder / "features.zarr") for part in (own, others)
        )
        batch, seed = stage.training.batch, stage.training.seed
        examples = partial(StateWindows, seen, batch, seed, frames=self.window)
        return Data(examples, StateReview(unseen))

    def shipped(self, objective: Objective, stores: Sequence[str]) -> dict[str, nn.Module]:
        """Return the network."""
        assert isinstance(objective, StateEstimation)
        return {"": objective.network}


ESTIMATOR = EstimatorRecipe(
    "state-estimator",
    "Estimates EMG, torque and ankle angle of the medial gastrocnemius from B-mode video, with"
    " their SDs.",
    (
        Stage(
            "all",
            TrainingParameters(
                steps=600,
                batch=16,
                optimisers={
                    "all": Optimiser(rate=2e-3, betas=(0.9, 0.999), clip=1.0, halve_every=150)
                },
                ema=0.98,
                precision="32-true",
                checkpoint_every=50,
                review_every=50,
                patience=6,
            ),
        ),
    ),
)
"""The recipe of the estimator on trials."""


def train_estimators(
    sequences: Sequence[KnownSequence],
    settings: StateEstimatorParameters,
    folder: str | Path,
    seeds: int = 3,
    training: TrainingParameters = TRAINING,
) -> list[StateEstimator]:
    """Train estimators of different seeds on the same sequences; finished ones are only loaded.

    Parameters
    ----------
    sequences : sequence of KnownSequence
        The training sequences; axes and moments of the networks come from them alone.
    settings : StateEstimatorParameters
        Architecture of the networks.
    folder : str or Path
        Folder of the runs, one a seed.
    seeds : int
        Number of networks.
    training : TrainingParameters
        Settings of the training; its seed is that of the first network.

    Raises
    ------
    ParameterError, TrainingError
        As `StateWindows` and `train`.
    """
    networks = []
    for seed in range(training.seed, training.seed + seeds):
        torch.manual_seed(torch_seed(Purpose.FIRST_WEIGHTS, seed))
        objective = StateEstimation(settings)
        examples = partial(StateWindows, sequences, training.batch, seed)
        objective.network.fit(*zip(*examples().sequences, strict=True))
        best = train(objective, examples, Path(folder) / str(seed), training.changed(seed=seed))
        load_averaged(best, objective)
        networks.append(objective.network.cpu().eval())
    return networks


def _likelihood(error: Tensor, log_sd: Tensor) -> Tensor:
    surprise = 0.5 * (error.detach() * torch.exp(-log_sd)).square() + log_sd
    return (error.square() + surprise).mean()
