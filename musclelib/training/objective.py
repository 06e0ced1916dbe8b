"""What a training run needs to know: the model's side (`Objective`, `Supervised`) and how it is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from musclelib.parameters import Parameters, quantity


class Objective(Protocol):
    """What `train` asks of a model, a `torch.nn.Module` whose networks are its direct children.

    Both losses return their total and its named parts as scalars; those of the generators also
    return their fakes, which are handed on to those of the discriminators. A loss is a mean over
    its batch. A network `to_a`, from B to A, is shown and watched as `to_b` is, where there is one.
    """

    @property
    def settings(self) -> Parameters:
        """What the model is built from; a checkpoint holds it."""
        ...

    @property
    def to_b(self) -> nn.Module:
        """Translates clips of domain A to B."""
        ...

    def generators(self) -> Iterable[nn.Module]:
        """Return the networks that the first optimiser trains."""
        ...

    def discriminators(self) -> Iterable[nn.Module]:
        """Return the networks that the second optimiser trains."""
        ...

    def generator_loss(
        self, a: torch.Tensor, b: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor], Any]:
        """Return total, parts and fakes for a batch of each domain."""
        ...

    def discriminator_loss(
        self, a: torch.Tensor, b: torch.Tensor, fakes: Any
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return total and parts."""
        ...

    def state(self) -> dict[str, torch.Tensor]:
        """Return what a step changes beside the weights, such as pools of past fakes."""
        ...

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Take what `state` returned."""
        ...


@runtime_checkable
class Supervised(Protocol):
    """What `fit` asks of a model, a `torch.nn.Module` whose networks are its direct children.

    Its loss is a mean over the batch, with its named parts as scalars. A step changes weights and
    buffers only.
    """

    @property
    def settings(self) -> Parameters:
        """What the model is built from; a checkpoint holds it."""
        ...

    def trained(self) -> Iterable[nn.Module]:
        """Return the networks that are trained; of their weights, those that require a gradient."""
        ...

    def loss(self, *batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return total and parts."""
        ...


def networks(objective: Objective | Supervised) -> dict[str, list[nn.Module]]:
    """Return the networks of each optimiser, by its name; those of the first one are averaged."""
    if isinstance(objective, Supervised):
        return {"networks": list(objective.trained())}
    return {
        "generators": list(objective.generators()),
        "discriminators": list(objective.discriminators()),
    }


def turns(
    objective: Objective | Supervised, batch: Any
) -> Iterator[tuple[str, torch.Tensor, dict[str, torch.Tensor]]]:
    """Return name, total and parts of a step's losses.

    An optimiser has stepped before the next loss is computed.
    """
    if isinstance(objective, Supervised):
        yield "networks", *objective.loss(*batch)
    else:
        a, b = batch
        total, parts, fakes = objective.generator_loss(a, b)
        yield "generators", total, parts
        yield "discriminators", *objective.discriminator_loss(a, b, fakes)


@dataclasses.dataclass(frozen=True)
class TrainingParameters(Parameters):
    """How a model is trained."""

    steps: int = quantity(doc="Steps in all; a finished run goes on where this is raised", low=1)
    batch: int = quantity(2, doc="Clips of each domain per step and device", low=1)
    crop: int | None = quantity(
        None, "pixel", "Side of a random square of each clip; None: whole clips", low=1
    )
    flip: bool = quantity(
        True, doc="Turn clips upside down (depth) every other time, as paper 1 does"
    )
    optimiser: str = quantity(
        "adam", doc="How weights follow their gradients", choices=("adam", "sgd")
    )
    learning_rate: float = quantity(2e-4, doc="Of all optimisers", above=0)
    betas: tuple[float, float] = quantity(
        (0.5, 0.999), doc="Of Adam; of SGD, the first is the momentum", low=0, high=0.99999
    )
    weight_decay: float = quantity(0.0, doc="Pull of weights towards 0", low=0)
    clip: float | None = quantity(None, doc="Largest norm of a step's gradient; None: any", above=0)
    ema: float = quantity(
        0.999, doc="Decay a step of the averaged weights; 0: none", low=0, high=0.99999
    )
    precision: str = quantity(
        "bf16-mixed", doc="Of the networks", choices=("bf16-mixed", "32-true")
    )
    seed: int = quantity(
        0, doc="Of clips and noise; that of the first weights is with who builds the model", low=0
    )
    checkpoint_every: int = quantity(500, "step", "Between checkpoints", low=1)
    preview_every: int = quantity(500, "step", "Between previews and validations", low=1)
    device: str = quantity("auto", doc="Where to train", choices=("auto", "cpu", "cuda"))
    devices: int = quantity(1, doc="How many of them, by distributed data parallel (DDP)", low=1)
    workers: int = quantity(
        0, doc="Processes that load clips, on each device; 0: the training process itself", low=0
    )
    compile: bool = quantity(False, doc="Whether to compile the networks (torch.compile)")
