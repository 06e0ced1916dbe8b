"""Checkpoints in one file without pickle: tensors as safetensors, the rest as JSON in a header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from musclelib.files import whole

Tensors = dict[str, torch.Tensor]


class TrainingError(RuntimeError):
    """Training cannot start or continue; the message says at which step, why and what to change."""


def write(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a checkpoint; an existing one stays until the new one is complete."""
    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with whole(path) as new:
        save_file(held, new, {"musclelib": json.dumps(metadata)})


def read(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read the tensors and the metadata of a checkpoint.

    Raises
    ------
    TrainingError
        The file is missing or damaged, or is not a checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {})["musclelib"])
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise TrainingError(
            f"{path}: is no checkpoint of musclelib, or damaged ({error})"
        ) from None


def pack(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Add a prefix to the names of tensors."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def unpack(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Return the tensors whose names have a prefix, without the prefix."""
    return {
        name.removeprefix(f"{prefix}/"): tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{prefix}/")
    }


def moments(optimiser: torch.optim.Optimizer) -> Tensors:
    """Return the state of an optimiser as tensors, named `parameter number/moment`."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    return {
        f"{number}/{name}": value
        for number, parameter in enumerate(parameters)
        for name, value in optimiser.state[parameter].items()
    }


def restore_moments(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Restore the state of an optimiser that `moments` returned."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for name, value in tensors.items():
        number, _, moment = name.partition("/")
        parameter = parameters[int(number)]
        # a fused optimiser works in the order of memory: moments need the layout (channels last)
        # of their parameter
        held = (
            torch.empty_like(parameter)
            if value.shape == parameter.shape
            else torch.empty_like(value).to(parameter)
        )
        optimiser.state[parameter][moment] = held.detach().copy_(value)


def restore_model(model: nn.Module, tensors: Tensors, path: Path) -> None:
    """Load the tensors of a model; names and shapes must agree.

    Raises
    ------
    TrainingError
        The tensors are of another model.
    """
    own = model.state_dict()
    for name in sorted(own.keys() | tensors.keys()):
        shapes = [
            tuple(found[name].shape) if name in found else "absent" for found in (tensors, own)
        ]
        if shapes[0] != shapes[1]:
            raise TrainingError(
                f"{path}: is of another model: {name!r} is {shapes[0]} there, {shapes[1]} here"
            )
    model.load_state_dict(tensors)


@torch.no_grad()
def load_averaged(path: str | Path, model: nn.Module) -> dict[str, Any]:
    """Load a checkpoint of `train` into a model that was built with the same parameters.

    The first group of networks gets its averaged weights, the others their last weights.

    Parameters
    ----------
    path : str or Path
        `best.safetensors` or `last.safetensors` of a run.
    model : torch.nn.Module
        An objective like the one that was trained.

    Returns
    -------
    dict
        `step`, `best` (lowest score so far, or None), `version`, `parameters` of the run, `data`,
        the digest of its examples, and `settings` of its model.

    Raises
    ------
    TrainingError
        The file is not a checkpoint, or is of another model.
    """
    tensors, metadata = read(Path(path))
    restore_model(model, {**unpack("model", tensors), **unpack("average", tensors)}, Path(path))
    return metadata
