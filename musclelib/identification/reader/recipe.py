"""The recipe for the training of the territory reader on labelled stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from torch import nn

from musclelib import sequences
from musclelib.identification.objectives import Reading
from musclelib.identification.reader.labelled import (
    LabelledComponents,
    ReadingValidation,
    labelled,
)
from musclelib.networks.territory_reader import ReaderParameters
from musclelib.parameters import ParameterError, quantity
from musclelib.training.objective import Objective, Optimiser, TrainingParameters
from musclelib.training.recipe import Data, Recipe, Stage


@dataclass(frozen=True)
class ReaderRecipe(Recipe):
    """A training on labelled stores, without some subjects, on whom the checkpoint is chosen."""

    half: ClassVar[bool] = True

    settings: ReaderParameters = quantity(ReaderParameters(), doc="parameters of the network")
    left_out: int = quantity(8, doc="one subject in this many is left out for validation", low=2)

    def objective(self, stage: Stage) -> Objective:
        """Build the objective with new weights."""
        return Reading(self.settings)

    def data(self, stage: Stage, stores: Sequence[str], folder: Path) -> Data:
        """Separate the stores; return the training components, and a validation on the others.

        Raises
        ------
        ParameterError
            No store is given.
        SequenceError
            A store is missing or has no labels.
        """
        if not stores:
            raise ParameterError(f"recipe {self.name}: needs labelled stores to train on")
        trained, others = [], []
        for store in stores:
            own, left = self.split(store)
            trained += labelled(store, own)
            others += labelled(store, left)
        training = stage.training
        examples = partial(LabelledComponents, trained, training.batch, training.seed)
        return Data(examples, ReadingValidation(others) if others else None)

    def shipped(self, objective: Objective, stores: Sequence[str]) -> dict[str, nn.Module]:
        """Return the reader."""
        assert isinstance(objective, Reading)
        return {"": objective.network}

    def split(self, store: str | Path) -> tuple[list[int], list[int]]:
        """Return the numbers of the training sequences of a store, and of those left out."""
        dataset = sequences.open(store)
        count = dataset.sizes["sequence"]
        subjects = dataset.subject.values if "subject" in dataset else range(count)
        left = [
            number
            for number, subject in enumerate(subjects)
            if subject % self.left_out == self.left_out - 1
        ]
        return [number for number in range(count) if number not in left], left


READER = ReaderRecipe(
    "reader",
    "Reads the territory of a motor unit out of the map of a separated component, and whether the"
    " component is a unit. Trained on synthetic data; no recording of a person.",
    (
        Stage(
            "all",
            TrainingParameters(
                steps=2000,
                batch=16,
                optimisers={"all": Optimiser(rate=2e-3, betas=(0.9, 0.999), clip=1.0)},
                ema=0.99,
                precision="32-true",  # the network is small
                checkpoint_every=250,
                review_every=250,
            ),
        ),
    ),
)
"""The reader's recipe: batches of 16 components, Adam at 2e-3, weights averaged over 100 steps."""
