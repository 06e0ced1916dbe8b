"""Recipes for the training of translation models on two stores of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import nn
from torch.utils.data import Subset

from musclelib import sequences
from musclelib.metrics.compare import Features
from musclelib.parameters import ParameterError, quantity
from musclelib.sequences.clips import Clips
from musclelib.training.data import Pairs
from musclelib.training.objective import Objective, Optimiser, TrainingParameters
from musclelib.training.recipe import Data, Recipe, Stage
from musclelib.translation.models.cyclegan import CycleGAN, CycleGANParameters
from musclelib.translation.models.one_sided import OneSided, OneSidedParameters
from musclelib.translation.models.recyclegan import RecycleGANParameters
from musclelib.translation.presets import MODELS, assemble
from musclelib.translation.preview import Previews
from musclelib.translation.spectra import equalised
from musclelib.translation.validation import Validation

TESTS = 64
"""Number of sequences of domain A, the first ones, that are kept for tests, as in Table 1."""


@dataclass(frozen=True)
class TranslationRecipe(Recipe):
    """A training on unpaired clips of two stores: domain A (simulated), then domain B (in vivo)."""

    settings: CycleGANParameters | RecycleGANParameters | OneSidedParameters = quantity(
        doc="parameters of the model"
    )
    crop: int | None = quantity(
        None, "pixel", "side of a random square of each clip; None: whole clips", low=1
    )
    flip: bool = quantity(
        False, doc="turn clips upside down (depth) every other time, as paper 1 does"
    )
    tests: int = quantity(
        TESTS, doc="sequences of domain A that are not trained on, the first ones", low=1
    )
    validated: int = quantity(3, doc="the last ones of these, which choose the checkpoint", low=1)
    targets: int = quantity(24, doc="sequences of domain B that they are compared with", low=1)
    equalised: int = quantity(
        8,
        doc="last sequences of domain A on which the time filter of a one-sided model is set after"
        " training; 0: no filter",
        low=0,
    )

    def objective(self, stage: Stage) -> Objective:
        """Build the model with new weights."""
        return assemble(self.settings)

    def data(self, stage: Stage, stores: Sequence[str], folder: Path) -> Data:
        """Return pairs of clips, and a review with previews and a score.

        Raises
        ------
        ParameterError
            The number of stores is not two, or domain A has no sequences beyond those for tests.
        """
        simulated, in_vivo = self._two(stores)
        a, b = sequences.open(simulated), sequences.open(in_vivo)
        clips_a, clips_b = Clips(simulated), Clips(in_vivo)
        rates = sequences.frame_rate(a), sequences.frame_rate(b)
        if rates[0] != rates[1]:
            raise ParameterError(f"stores of {rates[0]:g} and {rates[1]:g} Hz: rates must agree")
        if self.tests >= clips_a.count:
            raise ParameterError(
                f"tests = {self.tests}: {simulated} has {clips_a.count} sequences; allowed is at"
                " least 1 and one less than that"
            )
        trained = Subset(clips_a, range(self.tests * clips_a.per_sequence, len(clips_a)))
        training = stage.training
        examples = partial(
            Pairs, trained, clips_b, training.batch, self.crop, training.seed, flip=self.flip
        )

        originals = a.isel(sequence=slice(max(self.tests - self.validated, 0), self.tests))
        rate = rates[1]
        target = Features.of(sequences.each(b.isel(sequence=slice(self.targets))), rate)
        standard = [sequences.standardised(velocity) for velocity in sequences.each(originals)]
        validation = Validation(standard, target, rate)
        return Data(examples, Previews(trained, clips_b, folder, validation))

    def shipped(self, objective: Objective, stores: Sequence[str]) -> dict[str, nn.Module]:
        """Return the generator from A to B and, if there is one, that from B to A.

        The time filter of a one-sided generator is set.
        """
        if isinstance(objective, CycleGAN):
            return {"": objective.to_b, "-back": objective.to_a}
        assert isinstance(objective, OneSided)
        if not self.equalised:
            return {"": objective.to_b}
        simulated, in_vivo = self._two(stores)
        a, b = sequences.open(simulated), sequences.open(in_vivo)
        first = max(self.tests, a.sizes["sequence"] - self.equalised)
        last = sequences.each(a.isel(sequence=slice(first, None)))
        rate = sequences.frame_rate(b)
        target = Features.of(sequences.each(b), rate)
        originals = [sequences.standardised(velocity) for velocity in last]
        return {"": equalised(objective.to_b, originals, target, rate)}

    def _two(self, stores: Sequence[str]) -> tuple[str, str]:
        if len(stores) != 2:
            raise ParameterError(
                f"recipe {self.name}: takes two stores, of domain A and of domain B; there are"
                f" {len(stores)}"
            )
        return stores[0], stores[1]


def _recipe(settings: CycleGANParameters | OneSidedParameters) -> TranslationRecipe:
    """Return a short training, with twice the learning rate of paper 1 as it has few steps."""
    ours = isinstance(settings, OneSidedParameters)
    training = TrainingParameters(
        steps=2000 if ours else 450,
        batch=1,
        optimisers={"all": Optimiser(rate=4e-4)},
        checkpoint_every=250 if ours else 100,
        review_every=500 if ours else 225,
    )
    return TranslationRecipe(
        settings.name,
        "Translates simulated sequences of tissue velocity (domain A) to the look of the synthetic"
        " in-vivo domain (B). Trained on simulated and synthetic data; no recording of a person.",
        (Stage("all", training),),
        # half the paper's width, of squares, so that a CPU trains it in hours
        settings if ours else settings.changed(features=16, discriminator_features=32),
        crop=None if ours else 64,
    )


RECIPES: dict[str, Recipe] = {name: _recipe(settings) for name, settings in MODELS.items()}
"""Recipes by the name of the model; those of paper 1 have half its width and far fewer steps."""
