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
    origin: str = "",
) -> Path:
    """Train a model, or continue a run that was stopped; a finished run is left unchanged.

    A run also finishes when its score has not improved for `patience` reviews; it goes on if it is
    called with a larger `patience`.

    The folder receives `last.safetensors` (everything that a resumed run needs), `best.safetensors`
    (the same at its best score), `losses.csv` and `scores.csv`. Steps depend only on the
    parameters, the examples and the initial weights: on CPU, a run that is killed at any time and
    resumed ends bit-identical to one that was never stopped.

    Parameters
    ----------
    objective : Objective
        The model, trained in place.
    examples : callable
        A function of the number of this device and the number of devices that returns the batches
        of this device: item `step` is a tuple that the objective's `turns` takes, and `digest`
        identifies the examples.
    folder : str or Path
        Folder of the run.
    parameters : TrainingParameters
        Number of steps, optimisers, precision and so on.
    review : callable, optional
        A function of the objective, with its first group of networks averaged, and the step, which
        is called every `review_every` steps and returns named numbers for `scores.csv`. If `score`
        is among them, its lowest value determines the best checkpoint.

    origin : str
        A hash of the weights that the model begins with, where they come from another run.

    Returns
    -------
    Path
        The best checkpoint, or the last one without a score.

    Raises
    ------
    TrainingError
        A loss or gradient is not finite, memory does not suffice, or the folder holds another run
        or one on other examples.
    ParameterError
        Examples, parameters and machine do not fit one another.
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
    data = f"{own.digest}; begun with {origin}" if origin else own.digest
    run = Run(fabric, objective, Path(folder), parameters, data)
    start = run.resume()
    if start < parameters.steps and not run.ended:
        steps = range(start, parameters.steps)
        batches = loader(own, steps, parameters.workers, fabric.device.type == "cuda")
        moved = fabric.setup_dataloaders(batches, use_distributed_sampler=False)
        run.go(start, moved, review)
    return run.best if review is not None and run.best.exists() else run.last
