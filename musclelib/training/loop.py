"""The training loop's two doors: unpaired clips of two domains, or examples with their truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric

from musclelib.parameters import ParameterError
from musclelib.training.data import Examples, Pairs, Source, loader
from musclelib.training.objective import Objective, Supervised, TrainingParameters
from musclelib.training.run import Run, Validate
from musclelib.translation.preview import fixed


def train(
    objective: Objective,
    clips_a: Source,
    clips_b: Source,
    folder: str | Path,
    parameters: TrainingParameters,
    validate: Validate | None = None,
) -> Path:
    """Train a model, or go on with a run that was stopped; a finished run is left alone.

    `folder` gets `last.safetensors` (all that a resumed run needs), `best.safetensors` (the same at
    its best score), `losses.csv` and `scores.csv`, `previews/` and `tensorboard/`. Steps depend on
    the parameters and the first weights alone: on CPU, a run killed at any time and resumed ends
    bit-identical to one never stopped.

    Parameters
    ----------
    objective : Objective
        The model, trained in place.
    clips_a, clips_b : Dataset or sequence of torch.Tensor
        Standardised clips `(1, time, depth, lateral)` of the two domains, as
        `sequences.clips.Clips` gives them.
    folder : str or Path
        Folder of the run.
    parameters : TrainingParameters
        How to train.
    validate : callable, optional
        Called with the objective, its generators averaged, every `preview_every` steps; returns
        named numbers, among them `score`, whose lowest value chooses the best checkpoint.

    Returns
    -------
    Path
        The best checkpoint; the last one where there is no `validate`.

    Raises
    ------
    TrainingError
        A loss or gradient is not finite, memory does not suffice, or the folder holds a run of
        another kind or on other clips.
    ParameterError
        Clips, parameters and machine do not go together.
    """
    fabric = _launch(parameters)
    world, rank = fabric.world_size, fabric.global_rank
    pairs = Pairs(
        clips_a,
        clips_b,
        parameters.batch,
        parameters.crop,
        parameters.seed,
        rank,
        world,
        parameters.flip,
    )
    looked_at = {"A to B": (objective.to_b, fixed(clips_a, fabric.device))}
    if hasattr(objective, "to_a"):
        looked_at["B to A"] = (objective.to_a, fixed(clips_b, fabric.device))
    return _go(
        Run(fabric, objective, Path(folder), parameters, pairs.digest), pairs, validate, looked_at
    )


def fit(
    objective: Supervised,
    examples: Callable[[int, int], Examples],
    folder: str | Path,
    parameters: TrainingParameters,
    validate: Validate | None = None,
) -> Path:
    """Train a supervised model on examples with their truth, as `train` does in all else.

    There are no previews, and no clips are cut: `batch`, `crop` and `flip` of the parameters are
    for who builds the examples.

    Parameters
    ----------
    objective : Supervised
        The model, trained in place.
    examples : callable
        Called with the number of this device and that of all, in this order; returns the batches of
        this device: item `step` is a tuple whose first tensor is `(batch, channel, ...)`, and
        `digest` tells them from others.
    folder, parameters, validate
        As for `train`; what is validated are the averaged weights and running moments.

    Returns
    -------
    Path
        The best checkpoint; the last one where there is no `validate`.

    Raises
    ------
    TrainingError, ParameterError
        As for `train`.
    """
    fabric = _launch(parameters)
    own = examples(fabric.global_rank, fabric.world_size)
    return _go(Run(fabric, objective, Path(folder), parameters, own.digest), own, validate, {})


def _launch(parameters: TrainingParameters) -> Fabric:
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
    return fabric


def _go(run: Run, examples: Examples, validate: Validate | None, looked_at: dict[str, Any]) -> Path:
    start, parameters, fabric = run.resume(), run.parameters, run.fabric
    if start < parameters.steps:
        run.looked_at = looked_at
        batches = loader(
            examples,
            range(start, parameters.steps),
            parameters.workers,
            fabric.device.type == "cuda",
        )
        run.go(start, fabric.setup_dataloaders(batches, use_distributed_sampler=False), validate)
    return run.best if validate is not None and run.best.exists() else run.last
