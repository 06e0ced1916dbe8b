"""What a training run needs: an `Objective`, its optimisers and the training parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

from musclelib.parameters import ParameterError, Parameters, quantity


class Turn(NamedTuple):
    """One step of one optimiser."""

    optimiser: str
    """Name of the optimiser."""

    total: torch.Tensor
    """The loss that it minimises: a scalar, the mean over the batch."""

    parts: Mapping[str, torch.Tensor] = {}
    """The terms of the loss by name, scalars, for the tables of the run."""


class Objective(nn.Module, ABC):
    """A model that `train` can train; its networks are its direct children.

    It names the networks that each optimiser trains, and yields the turns of a step. That covers
    adversarial training in any order (CycleGAN: generators, then discriminators; StarGAN: five
    turns of the critic, then the generator; Pix2Pix: the discriminator first) and supervised
    training (one turn) alike.
    """

    settings: Parameters
    """Parameters of the model, which a checkpoint holds."""

    @abstractmethod
    def groups(self) -> dict[str, list[nn.Module]]:
        """Return the networks of each optimiser by its name; those of the first are averaged."""

    turns: Callable[..., Iterator[Turn]]
    """Generator of the turns of a step; its arguments are the parts of the batch.

    An optimiser has stepped before the next turn is computed.
    """

    def memory(self) -> dict[str, torch.Tensor]:
        """Return what a step changes besides weights and buffers, such as pools of past fakes."""
        return {}

    def remember(self, memory: dict[str, torch.Tensor]) -> None:
        """Restore what `memory` returned."""


class Supervised(Objective):
    """The objective of one network and one loss on examples with their truth."""

    network: nn.Module

    loss: Callable[..., tuple[torch.Tensor, Mapping[str, torch.Tensor]]]
    """Function that returns the loss and its terms by name, with the arguments of `turns`."""

    def groups(self) -> dict[str, list[nn.Module]]:
        """Return the network."""
        return {"network": [self.network]}

    def turns(self, *batch: Any) -> Iterator[Turn]:
        """Yield the single turn of a step."""
        yield Turn("network", *self.loss(*batch))


Review = Callable[[Any, int], Mapping[str, float]]
"""A function of the objective, with its first group averaged, and the step; returns named numbers.

If `score` is among them, its lowest value determines the best checkpoint.
"""


@dataclass(frozen=True)
class Optimiser(Parameters):
    """The optimiser of one group of networks."""

    kind: str = quantity("adam", doc="algorithm", choices=("adam", "sgd"))
    rate: float = quantity(2e-4, doc="initial learning rate", above=0)
    betas: tuple[float, float] = quantity(
        (0.5, 0.999), doc="betas of Adam; the first is the momentum of SGD", low=0, high=0.99999
    )
    decay: float = quantity(0.0, doc="weight decay", low=0)
    clip: float | None = quantity(
        None, doc="norm to which larger gradients are clipped; None: no clipping", above=0
    )
    halve_every: int | None = quantity(
        None, "step", "interval at which the rate is halved; None: it stays constant", low=1
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
    """The settings of a training run."""

    steps: int = quantity(
        doc="total number of steps; a larger number continues a finished run", low=1
    )
    batch: int = quantity(2, doc="number of examples of each step and device", low=1)
    optimisers: dict[str, Optimiser] = field(default_factory=lambda: {"all": Optimiser()})
    """Optimisers by the group of networks that they train; `all` trains groups without a name."""
    ema: float = quantity(
        0.999, doc="decay of the weights' average per step; 0: no average", low=0, high=0.99999
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
    checkpoint_every: int = quantity(500, "step", "interval of checkpoints", low=1)
    review_every: int = quantity(500, "step", "interval of previews and validations", low=1)
    patience: int | None = quantity(
        None,
        doc="reviews in a row without a better score after which a run ends; None: it never does",
        low=1,
    )
    device: str = quantity("auto", doc="device of the training", choices=("auto", "cpu", "cuda"))
    devices: int = quantity(1, doc="number of devices, by distributed data parallel (DDP)", low=1)
    workers: int = quantity(
        0,
        doc="number of processes that load examples for each device; 0: the training process",
        low=0,
    )
    compile: bool = quantity(False, doc="whether networks are compiled (torch.compile)")

    def optimiser(self, group: str) -> Optimiser:
        """Return the optimiser of a group of networks."""
        return self.optimisers.get(group) or self.optimisers["all"]

    def check_groups(self, groups: list[str]) -> None:
        """Refuse optimisers of groups that an objective does not have, and groups without one.

        Raises
        ------
        ParameterError
            An optimiser has the name of another group, or a group has none.
        """
        for name in self.optimisers:
            if name not in ("all", *groups):
                raise ParameterError(
                    f"optimisers: there is no group {name!r}; allowed are all, {', '.join(groups)}"
                )
        missing = [name for name in groups if name not in self.optimisers]
        if missing and "all" not in self.optimisers:
            raise ParameterError(f"optimisers: none is given for {', '.join(missing)}, nor for all")
