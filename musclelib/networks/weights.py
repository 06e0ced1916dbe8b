"""Weights of a generator in one file: safetensors, with its parameters as JSON, so that loading runs no code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from musclelib.files import whole
from musclelib.networks.light_generator import LightGenerator, OneSidedParameters
from musclelib.networks.resnet_generator import Generator, GeneratorParameters

Translator: TypeAlias = Generator | LightGenerator
"""The networks that translate; by its class a file says which it holds."""

_PARAMETERS: dict[Any, Any] = {Generator: GeneratorParameters, LightGenerator: OneSidedParameters}
_KINDS = {kind.__name__: kind for kind in _PARAMETERS}


class WeightsError(ValueError):
    """A file does not hold the weights of a generator; the message says what is wrong with it."""


class MissingWeightsError(WeightsError):
    """There is no such file."""


def save_generator(generator: Translator, path: str | Path, **about: str) -> None:
    """Write a generator; the file appears whole or not at all.

    Parameters
    ----------
    generator : Generator or LightGenerator
        What to write.
    path : str or Path
        Name of the file, by custom `*.safetensors`.
    **about : str
        What else to keep with it, for example `step` or `data`.
    """
    tensors = {
        name: values.detach().cpu().contiguous() for name, values in generator.state_dict().items()
    }
    metadata = {
        **about,
        "kind": type(generator).__name__,
        "parameters": generator.settings.to_json(),
    }
    with whole(path) as new:
        save_file(tensors, new, metadata)


def load_generator(path: str | Path, device: str | torch.device = "cpu") -> Translator:
    """Read a generator, ready to translate.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or not of this package.
    """
    tensors, metadata = read_tensors(path, device)
    if metadata.get("kind") not in _KINDS:
        raise WeightsError(
            f"{path}: kind {metadata.get('kind')!r}; allowed are {', '.join(_KINDS)}"
        )
    kind = _KINDS[metadata["kind"]]
    try:
        generator = kind(_PARAMETERS[kind].from_dict(json.loads(metadata["parameters"])))
        generator.load_state_dict(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path}: not the weights of a {kind.__name__} ({' '.join(str(error).split())})"
        ) from None
    return generator.to(device).eval()


def read_tensors(
    path: str | Path, device: str | torch.device = "cpu"
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a file of weights.

    Raises
    ------
    WeightsError
        The file is missing or damaged, or not the one that the card beside it describes.
    """
    _check_card(Path(path))
    try:
        with safe_open(str(path), "pt", device=str(device)) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
            return tensors, file.metadata() or {}
    except FileNotFoundError:
        raise MissingWeightsError(f"{path}: there is no such file") from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors ({error})") from None


def generators(folder: str | Path) -> dict[str, Path]:
    """Return the files of a folder that hold a generator, by their names without the ending."""
    found = {path.stem: path for path in sorted(Path(folder).glob("*.safetensors"))}
    return {
        name: path for name, path in found.items() if read_tensors(path)[1].get("kind") in _KINDS
    }


def card_line(path: str | Path) -> str:
    """Return the line of a card that says which file of weights it describes."""
    return (
        f"- file: `{Path(path).name}`, SHA-256"
        f" `{hashlib.sha256(Path(path).read_bytes()).hexdigest()}`"
    )


def _check_card(path: Path) -> None:
    """Refuse weights that another file of the same name was described as.

    One without a card is its user's affair.
    """
    card = path.with_name(f"{path.stem.removesuffix('-back')}.md")
    if not (card.is_file() and path.is_file()):
        return
    described = [
        line for line in card.read_text().splitlines() if line.startswith(f"- file: `{path.name}`")
    ]
    if described and described[0] != card_line(path):
        raise WeightsError(
            f"{path}: is not the file that {card.name} beside it describes (by its SHA-256):"
            " restore it, or remove that"
        )


def about(path: str | Path) -> dict[str, str]:
    """Return what was kept with a generator's weights: its model, how it was trained.

    Raises
    ------
    WeightsError
        The file is missing or damaged.
    """
    return {
        name: value
        for name, value in read_tensors(path)[1].items()
        if name not in ("kind", "parameters")
    }


def digest(network: Any) -> str:
    """Return a hash of the weights and `settings` of a network: two of the same hash do the same."""
    total = hashlib.sha256(f"{type(network).__name__} {network.settings.to_json()}".encode())
    for name, values in sorted(network.state_dict().items()):
        total.update(name.encode())
        total.update(values.detach().float().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
