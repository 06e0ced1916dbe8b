"""What a training run needs to know: the model's side (`Objective`) and how it is trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

from musclelib.parameters import ParameterError, Parameters, quantity


class Turn(NamedTuple):
    """One descent of one optimiser."""

    optimiser: str
    """Name of the optimiser that steps."""

    total: torch.Tensor
    """The loss that it descends: a scalar, a mean over the batch."""

    parts: Mapping[str, torch.Tensor] = {}
    """The terms of the loss by name, scalars, for the tables of the run."""


class Objective(nn.Module, ABC):
    """What `train` asks of a model whose networks are its direct children.

    It says which networks each optimiser trains, and yields the turns of a step. That covers
    adversarial training in any order (CycleGAN: generators, then discriminators; StarGAN: five
    turns of the critic, then the generator; Pix2Pix: the discriminator first) and supervised
    training (one turn) alike.
    """

    settings: Parameters
    """What the model is built from; a checkpoint holds it."""

    @abstractmethod
    def groups(self) -> dict[str, list[nn.Module]]:
        """Return the networks of each optimiser by its name; those of the first are averaged."""

    turns: Callable[..., Iterator[Turn]]
    """Yields the turns of a step; called with its batch, each part as an argument.

    An optimiser has stepped before the next turn is asked for.
    """

    def memory(self) -> dict[str, torch.Tensor]:
        """Return what a step changes beside weights and buffers, such as pools of past fakes."""
        return {}

    def remember(self, memory: dict[str, torch.Tensor]) -> None:
        """Go back to what `memory` returned."""


class Supervised(Objective):
    """The objective of one network and one loss on examples with their truth."""

    network: nn.Module

    loss: Callable[..., tuple[torch.Tensor, Mapping[str, torch.Tensor]]]
    """Returns the loss and its terms by name; called as `turns` is."""

    def groups(self) -> dict[str, list[nn.Module]]:
        """Return the network."""
        return {"network": [self.network]}

    def turns(self, *batch: Any) -> Iterator[Turn]:
        """Yield the one turn of a step."""
        yield Turn("network", *self.loss(*batch))


Review = Callable[[Any, int], Mapping[str, float]]
"""Called with the objective, its first group averaged, and the step; returns named numbers.

Where `score` is among them, its lowest value chooses the best checkpoint.
"""


@dataclass(frozen=True)
class Optimiser(Parameters):
    """How one group of networks follows its gradients."""

    kind: str = quantity("adam", doc="the algorithm", choices=("adam", "sgd"))
    rate: float = quantity(2e-4, doc="learning rate at the start", above=0)
    betas: tuple[float, float] = quantity(
        (0.5, 0.999), doc="Adam's; of SGD, the first is the momentum", low=0, high=0.99999
    )
    decay: float = quantity(0.0, doc="weight decay: pull of weights towards 0", low=0)
    clip: float | None = quantity(
        None, doc="largest norm of a step's gradient; None: any norm", above=0
    )
    halve_every: int | None = quantity(
        None, "step", "schedule: the rate is halved each time; None: it stays as it is", low=1
    )

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step; steps count from 1."""
        halvings = 0 if self.halve_every is None else (step - 1) // self.halve_every
        return self.rate * 0.5**halvings

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimiser of some weights."""
        if self.kind == "sgd":
            return torch.optim.SGD(
                weights, self.rate, momentum=self.betas[0], weight_decay=self.decay
            )
        return torch.optim.Adam(weights, self.rate, self.betas, weight_decay=self.decay, fused=True)


@dataclass(frozen=True)
class TrainingParameters(Parameters):
    """How a model is trained."""

    steps: int = quantity(doc="steps in all; a finished run goes on where this is raised", low=1)
    batch: int = quantity(2, doc="examples of each step and device", low=1)
    optimisers: dict[str, Optimiser] = field(default_factory=lambda: {"all": Optimiser()})
    """By the name of the group that each trains; `all`: those that are not named."""
    ema: float = quantity(
        0.999, doc="decay of the averaged weights in a step; 0: no average", low=0, high=0.99999
    )
    precision: str = quantity(
        "bf16-mixed", doc="precision of the networks", choices=("bf16-mixed", "32-true")
    )
    seed: int = quantity(
        0,
        doc="seed of examples and noise (the caller seeds the initial weights)",
        low=0,
        high=2**31 - 1,
    )
    checkpoint_every: int = quantity(500, "step", "distance of checkpoints", low=1)
    review_every: int = quantity(500, "step", "distance of previews and validations", low=1)
    device: str = quantity("auto", doc="where to train", choices=("auto", "cpu", "cuda"))
    devices: int = quantity(1, doc="devices, by distributed data parallel (DDP)", low=1)
    workers: int = quantity(
        0, doc="processes that load examples on each device; 0: the training process", low=0
    )
    compile: bool = quantity(False, doc="whether to compile the networks (torch.compile)")

    def optimiser(self, group: str) -> Optimiser:
        """Return how a group of networks is trained."""
        return self.optimisers.get(group) or self.optimisers.get("all") or Optimiser()

    def check_groups(self, groups: list[str]) -> None:
        """Refuse optimisers of groups that an objective has not.

        Raises
        ------
        ParameterError
            There is one.
        """
        for name in self.optimisers:
            if name not in ("all", *groups):
                raise ParameterError(
                    f"optimisers: there is no group {name!r}; allowed are all, {', '.join(groups)}"
                )
