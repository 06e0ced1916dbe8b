"""Recipes for the training of the networks of identification.

The networks of paper 2 are trained as in the paper, light ones within an hour on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from torch import nn

from musclelib.identification.examples import SimulatedTerritories, SimulatedTrains
from musclelib.identification.firing_examples import SimulatedFirings
from musclelib.identification.objectives import Detection, FiringDetection, TwitchEstimation
from musclelib.identification.reader.recipe import READER
from musclelib.identification.validation import (
    FiringValidation,
    TerritoryValidation,
    TrainValidation,
)
from musclelib.networks.firing_detector import FiringParameters
from musclelib.networks.mask_rcnn import DETECTORS, DetectorParameters, load_pretrained
from musclelib.networks.twitch import TWITCH_NETWORKS, TwitchParameters
from musclelib.parameters import ParameterError, quantity
from musclelib.simulator import SimulatorParameters, preset
from musclelib.training.data import Examples
from musclelib.training.objective import Objective, Optimiser, Review, TrainingParameters
from musclelib.training.recipe import Data, Recipe, Stage

NOISE = (10.0, 30.0)
"""Range of the signal-to-noise ratio of training sequences [dB] (paper 2, section III-B.3)."""


@dataclass(frozen=True)
class SimulatedStage(Stage):
    """A stage on sequences that are simulated during training."""

    noise: tuple[float, float] | None = quantity(
        NOISE, "dB", "range of the signal-to-noise ratio of sequences; None: no noise"
    )
    fixed: bool = quantity(False, doc="whether pretrained weights of the ResNet stay fixed")

    def simulated(self) -> SimulatorParameters:
        """Return the parameters with which the sequences of the stage are simulated."""
        return preset("paper2", noise_snr=self.noise)


@dataclass(frozen=True)
class SimulatedRecipe(Recipe):
    """A training on sequences of preset "paper2", or on trains, that are simulated meanwhile.

    The seed of a stage is also that of its sequences; validation uses sequences of another seed.
    """

    half: ClassVar[bool] = True

    settings: DetectorParameters | TwitchParameters | FiringParameters = quantity(
        doc="parameters of the network"
    )
    stages: tuple[SimulatedStage, ...] = quantity(doc="parts of the training in order")
    sequences: int | None = quantity(
        None, doc="number of different training sequences; None: no sequence is repeated", low=1
    )
    # about 400 units to detect, or 96 trains; for firings 384 trains in each band of the rate
    validated: int = quantity(24, doc="number of sequences of each validation", low=1)
    pretrained: str = quantity(
        "",
        doc="initial weights of a detector, downloaded by torchvision; empty: new weights",
        choices=("", "coco", "imagenet"),
    )

    def check(self) -> None:
        """Refuse what would have no effect on this network."""
        super().check()
        if isinstance(self.settings, DetectorParameters) and self.settings.fixed:
            raise ParameterError("settings.fixed = True: whether weights are fixed is a stage's")
        if isinstance(self.settings, FiringParameters) and self.sequences is not None:
            raise ParameterError(
                f"sequences = {self.sequences}: the trains of firings are ever new; allowed is None"
            )
        if self.pretrained and not isinstance(self.settings, DetectorParameters):
            raise ParameterError(
                f"pretrained = {self.pretrained!r}: there are such weights for a detector only"
            )

    def objective(self, stage: Stage) -> Objective:
        """Build the objective of a stage with new weights."""
        assert isinstance(stage, SimulatedStage)
        if isinstance(self.settings, DetectorParameters):
            return Detection(self.settings.changed(fixed=stage.fixed and bool(self.pretrained)))
        if isinstance(self.settings, FiringParameters):
            return FiringDetection(self.settings)
        return TwitchEstimation(self.settings)

    def prepare(self, objective: Objective, data: Data) -> None:
        """Load the pretrained weights of a detector."""
        if self.pretrained:
            assert isinstance(objective, Detection)
            load_pretrained(objective.network, self.pretrained)

    def data(self, stage: Stage, stores: Sequence[str], folder: Path) -> Data:
        """Return examples with a separate seed for each stage, and the review of all stages."""
        assert isinstance(stage, SimulatedStage)
        if stores:
            raise ParameterError(
                f"recipe {self.name}: simulates what it trains on; no store is taken"
            )
        training, simulated = stage.training, stage.simulated()
        seed = training.seed + self.stages.index(stage)
        examples: Callable[[int, int], Examples]
        review: Review
        if isinstance(self.settings, FiringParameters):
            examples = partial(SimulatedFirings, training.batch, seed)
            review = FiringValidation(self.validated, training.seed)
        elif isinstance(self.settings, DetectorParameters):
            examples = partial(
                SimulatedTerritories, simulated, training.batch, seed, self.sequences
            )
            review = TerritoryValidation(simulated, self.validated, training.seed)
        else:
            examples = partial(SimulatedTrains, simulated, training.batch, seed, self.sequences)
            review = TrainValidation(simulated, self.validated, training.seed)
        return Data(examples, review)

    def shipped(self, objective: Objective, stores: Sequence[str]) -> dict[str, nn.Module]:
        """Return the network."""
        assert isinstance(objective, Detection | FiringDetection | TwitchEstimation)
        return {"": objective.network}


def _sgd(steps: int, rate: float) -> TrainingParameters:
    # weight decay and the clipping norm of 5 are those of matterport, which the paper kept
    optimiser = Optimiser(kind="sgd", rate=rate, betas=(0.9, 0.999), decay=1e-4, clip=5.0)
    return TrainingParameters(
        steps=steps,
        batch=8,
        optimisers={"all": optimiser},
        ema=0.0,
        checkpoint_every=1000,
        review_every=1000,
    )


def _adam(
    steps: int, batch: int, rate: float, clip: float, every: int, ema: float = 0.99
) -> TrainingParameters:
    return TrainingParameters(
        steps=steps,
        batch=batch,
        optimisers={"all": Optimiser(rate=rate, betas=(0.9, 0.999), clip=clip)},
        ema=ema,
        checkpoint_every=every,
        review_every=every,
    )


def _small(training: TrainingParameters) -> TrainingParameters:
    # half precision does not speed up a small network
    return training.changed(precision="32-true")


_DETECTS = (
    "Identifies motor units in sequences (paper 2): 64 x 64 pixels, 400 frames at 400 Hz."
    " Trained on simulated data; no recording of a person."
)
_ESTIMATES = (
    "Estimates the twitch train of a motor unit (paper 2): crops of 16 x 16 pixels at 400 Hz."
    " Trained on simulated data; no recording of a person."
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        SimulatedRecipe(
            "detector",
            _DETECTS,
            (
                SimulatedStage("all", _adam(1350, 4, 1e-3, 5.0, 250)),
                SimulatedStage("fine", _adam(400, 4, 2e-4, 5.0, 100)),
            ),
            DETECTORS["light"],
        ),
        SimulatedRecipe(
            "detector-paper",
            _DETECTS,
            (
                SimulatedStage("heads", _sgd(20_000, 1e-3), None, fixed=True),
                SimulatedStage("all", _sgd(180_000, 1e-4), None),
                SimulatedStage("fine", _sgd(300_000, 1e-5), None),
                SimulatedStage("noise", _sgd(100_000, 1e-5)),
            ),
            DETECTORS["paper"],
            sequences=10_000,
        ),
        SimulatedRecipe(
            "twitch",
            _ESTIMATES,
            (
                SimulatedStage("all", _adam(500, 8, 1e-3, 1.0, 100)),
                SimulatedStage("fine", _adam(150, 8, 2e-4, 1.0, 50)),
            ),
            TWITCH_NETWORKS["light"],
        ),
        SimulatedRecipe(
            "twitch-paper",
            _ESTIMATES,
            (
                SimulatedStage("all", _adam(100_000, 32, 1e-4, 1.0, 1000, ema=0.0), None),
                SimulatedStage("noise", _adam(100_000, 32, 1e-4, 1.0, 1000, ema=0.0)),
            ),
            TWITCH_NETWORKS["paper"],
            sequences=10_000,
        ),
        SimulatedRecipe(
            "firings",
            "Finds when the twitches of a train begin: trains up to 50 Hz, at 200 frames a second."
            " Trained on simulated data; no recording of a person.",
            (
                SimulatedStage("all", _small(_adam(4000, 64, 3e-3, 1.0, 500))),
                SimulatedStage("fine", _small(_adam(1000, 64, 3e-4, 1.0, 250))),
            ),
            FiringParameters(),
        ),
        READER,
    )
}
"""Recipes by name; with `pretrained`, the paper's detector starts from weights for photographs."""
