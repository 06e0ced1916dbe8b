"""How the networks of identification are trained: paper 2's as the paper did, and all within an hour on a CPU."""

from __future__ import annotations

from typing import NamedTuple

from musclelib.networks.firing_detector import FiringParameters
from musclelib.networks.mask_rcnn import DETECTORS, DetectorParameters
from musclelib.networks.twitch import TWITCH_NETWORKS, TwitchParameters
from musclelib.training.objective import TrainingParameters

NOISE = (10.0, 30.0)
"""Signal-to-noise ratio of sequences, drawn anew for each, when noise is learnt [dB] (paper 2, section III-B.3)."""


class Stage(NamedTuple):
    """One part of a training, that begins with the best weights of the part before it."""

    name: str
    training: TrainingParameters
    noise: tuple[float, float] | None = NOISE  # [dB]; None: no noise
    fixed: bool = False  # whether pretrained weights of the ResNet are kept


class Recipe(NamedTuple):
    """What is trained, how long and on what."""

    network: DetectorParameters | TwitchParameters | FiringParameters
    stages: tuple[Stage, ...]
    # number of different training sequences; None: no sequence comes twice
    sequences: int | None = None


def _sgd(steps: int, rate: float) -> TrainingParameters:
    # weight decay and the norm of 5 are matterport's, which the paper kept
    return TrainingParameters(
        steps=steps,
        batch=8,
        optimiser="sgd",
        learning_rate=rate,
        betas=(0.9, 0.999),
        weight_decay=1e-4,
        clip=5.0,
        ema=0.0,
        checkpoint_every=1000,
        preview_every=1000,
    )


def _adam(
    steps: int, batch: int, rate: float, clip: float, every: int, ema: float = 0.99
) -> TrainingParameters:
    return TrainingParameters(
        steps=steps,
        batch=batch,
        learning_rate=rate,
        betas=(0.9, 0.999),
        clip=clip,
        ema=ema,
        checkpoint_every=every,
        preview_every=every,
    )


def _small(training: TrainingParameters) -> TrainingParameters:
    # a small network is no faster in half precision
    return training.changed(precision="32-true", flip=False)


RECIPES = {
    "detector": {
        "paper": Recipe(
            DETECTORS["paper"],
            (
                Stage("heads", _sgd(20_000, 1e-3), None, fixed=True),
                Stage("all", _sgd(180_000, 1e-4), None),
                Stage("fine", _sgd(300_000, 1e-5), None),
                Stage("noise", _sgd(100_000, 1e-5)),
            ),
            10_000,
        ),
        "light": Recipe(
            DETECTORS["light"],
            (
                Stage("all", _adam(1350, 4, 1e-3, 5.0, 250)),
                Stage("fine", _adam(400, 4, 2e-4, 5.0, 100)),
            ),
        ),
    },
    "twitch": {
        "paper": Recipe(
            TWITCH_NETWORKS["paper"],
            (
                Stage("all", _adam(100_000, 32, 1e-4, 1.0, 1000, ema=0.0), None),
                Stage("noise", _adam(100_000, 32, 1e-4, 1.0, 1000, ema=0.0)),
            ),
            10_000,
        ),
        "light": Recipe(
            TWITCH_NETWORKS["light"],
            (
                Stage("all", _adam(500, 8, 1e-3, 1.0, 100)),
                Stage("fine", _adam(150, 8, 2e-4, 1.0, 50)),
            ),
        ),
    },
    "firings": {
        "light": Recipe(
            FiringParameters(),
            (
                Stage("all", _small(_adam(4000, 64, 3e-3, 1.0, 500))),
                Stage("fine", _small(_adam(1000, 64, 3e-4, 1.0, 250))),
            ),
        ),
    },
}
"""By network, then by name. The paper's detector starts from weights trained on photographs (`--pretrained`)."""
