"""Train any objective on the examples of its steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric

from musclelib.parameters import ParameterError
from musclelib.training.data import Examples, loader
from musclelib.training.objective import Objective, Review, TrainingParameters
from musclelib.training.run import Run


def train(
    objective: Objective,
    examples: Callable[[int, int], Examples],
    folder: str | Path,
    parameters: TrainingParameters,
    review: Review | None = None,
) -> Path:
    """Train a model, or go on with a run that was stopped; a finished run is left alone.

    `folder` gets `last.safetensors` (all that a resumed run needs), `best.safetensors` (the same at
    its best score), `losses.csv` and `scores.csv`. Steps depend on the parameters, the examples and
    the first weights alone: on CPU, a run killed at any time and resumed ends bit-identical to one
    never stopped.

    Parameters
    ----------
    objective : Objective
        The model, trained in place.
    examples : callable
        Called with the number of this device and that of all devices, in this order; returns the
        batches of this device: item `step` is a tuple that the objective's `turns` takes, and
        `digest` tells the examples from others.
    folder : str or Path
        Folder of the run.
    parameters : TrainingParameters
        How to train.
    review : callable, optional
        Called with the objective, its first group of networks averaged, and the step, every
        `review_every` steps; returns named numbers for `scores.csv`. Where `score` is among them,
        its lowest value chooses the best checkpoint.

    Returns
    -------
    Path
        The best checkpoint; the last one where there is no score.

    Raises
    ------
    TrainingError
        A loss or gradient is not finite, memory does not suffice, or the folder holds a run of
        another kind or on other examples.
    ParameterError
        Examples, parameters and machine do not go together.
    """
    if parameters.device == "cuda" and not torch.cuda.is_available():
        raise ParameterError(
            "device = 'cuda': this machine has no usable GPU; allowed here are 'auto' and 'cpu'"
        )
    fabric = Fabric(
        accelerator=parameters.device,
        devices=parameters.devices,
        precision=cast(Any, parameters.precision),
    )
    fabric.launch()

    own = examples(fabric.global_rank, fabric.world_size)
    run = Run(fabric, objective, Path(folder), parameters, own.digest)
    start = run.resume()
    if start < parameters.steps:
        steps = range(start, parameters.steps)
        batches = loader(own, steps, parameters.workers, fabric.device.type == "cuda")
        moved = fabric.setup_dataloaders(batches, use_distributed_sampler=False)
        run.go(start, moved, review)
    return run.best if review is not None and run.best.exists() else run.last
