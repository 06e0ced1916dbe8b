"""Weights of any network in one safetensors file that names its kind; loading runs no code.

The header holds the name of the class (`kind`), its settings as JSON text (`parameters`), and
whatever else was kept with the weights, such as how they were trained.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from musclelib.files import whole
from musclelib.networks.feature_network import FeatureNetwork, FeatureNetworkParameters
from musclelib.networks.firing_detector import FiringDetector, FiringParameters
from musclelib.networks.light_generator import LightGenerator, LightGeneratorParameters
from musclelib.networks.mask_rcnn import Detector, DetectorParameters
from musclelib.networks.resnet_generator import Generator, GeneratorParameters
from musclelib.networks.state_cnn import StateCnn, StateCnnParameters
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader
from musclelib.networks.twitch import TwitchNetwork, TwitchParameters

KINDS: dict[str, tuple[Any, Any]] = {
    kind.__name__: (kind, parameters)
    for kind, parameters in (
        (Generator, GeneratorParameters),
        (LightGenerator, LightGeneratorParameters),
        (Detector, DetectorParameters),
        (TwitchNetwork, TwitchParameters),
        (TerritoryReader, ReaderParameters),
        (FiringDetector, FiringParameters),
        (FeatureNetwork, FeatureNetworkParameters),
        (StateCnn, StateCnnParameters),
        (StateEstimator, StateEstimatorParameters),
    )
}
"""The networks that a file can hold, and the parameters that each is built from, by name."""

Network = TypeVar("Network", bound=nn.Module)


class WeightsError(ValueError):
    """A file does not hold the weights of a network; the message says what is wrong with it."""


class MissingWeightsError(WeightsError):
    """There is no such file."""


def save(network: nn.Module, path: str | Path, *, half: bool = False, **about: str) -> None:
    """Write a network; the file appears whole or not at all.

    Parameters
    ----------
    network : torch.nn.Module
        One of `KINDS`, with its `settings`.
    path : str or Path
        Name of the file, by custom `*.safetensors`.
    half : bool
        Whether to keep kernels and matrices in half precision, which is half the size; biases and
        the moments of batch norms are kept in full.
    **about : str
        What else to keep with the weights, for example `steps`; `about` reads it.
    """
    tensors = {
        name: (values.half() if half and values.dim() > 1 else values).detach().cpu().contiguous()
        for name, values in network.state_dict().items()
    }
    metadata = {
        **about,
        "kind": type(network).__name__,
        "parameters": network.settings.to_json(),  # type: ignore[operator, union-attr]
    }
    with whole(path) as new:
        save_file(tensors, new, metadata)


def load(path: str | Path, *kinds: type[Network], device: str | torch.device = "cpu") -> Network:
    """Read a network, in evaluation mode.

    Parameters
    ----------
    path : str or Path
        The file.
    *kinds : type
        The networks that will do; without any, all of `KINDS`.
    device : str or torch.device
        Device to load the network onto.

    Raises
    ------
    WeightsError
        The file is missing or damaged, holds another network, was written by an older version, or
        is not the one that the card beside it describes.
    """
    tensors, metadata = _read(Path(path), device)
    allowed = [kind.__name__ for kind in kinds] or list(KINDS)
    if metadata.get("kind") not in allowed:
        raise WeightsError(f"{path}: kind {metadata.get('kind')!r}; allowed: {', '.join(allowed)}")
    kind, parameters = KINDS[metadata["kind"]]
    try:
        network = kind(parameters.from_dict(json.loads(metadata["parameters"])))
        network.load_state_dict(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path}: not the weights of this version's {kind.__name__}"
            f" ({' '.join(str(error).split())}); train and ship it again, or take the shipped file"
        ) from None
    return network.to(device).eval()


def files(folder: str | Path, *kinds: type[nn.Module]) -> dict[str, Path]:
    """Return the files of a folder that hold a network of these kinds, by name without ending."""
    names = [kind.__name__ for kind in kinds]
    found = {path.stem: path for path in sorted(Path(folder).glob("*.safetensors"))}
    return {name: path for name, path in found.items() if _read(path)[1].get("kind") in names}


def about(path: str | Path) -> dict[str, str]:
    """Return what was kept with the weights: their model, how they were trained.

    Raises
    ------
    WeightsError
        The file is missing or damaged.
    """
    metadata = _read(Path(path))[1]
    return {name: value for name, value in metadata.items() if name not in ("kind", "parameters")}


def digest(network: nn.Module) -> str:
    """Return a hash of the weights and `settings` of a network, equal only for equal networks."""
    settings = network.settings.to_json()  # type: ignore[operator, union-attr]
    total = hashlib.sha256(f"{type(network).__name__} {settings}".encode())
    for name, values in sorted(network.state_dict().items()):
        total.update(name.encode())
        total.update(values.detach().float().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def card_line(path: str | Path) -> str:
    """Return the line of a card that says which file of weights it describes."""
    content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return f"- file: `{Path(path).name}`, SHA-256 `{content}`"


def _read(
    path: Path, device: str | torch.device = "cpu"
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a file."""
    _check_card(path)
    try:
        with safe_open(str(path), "pt", device=str(device)) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
            return tensors, file.metadata() or {}
    except FileNotFoundError:
        raise MissingWeightsError(f"{path}: there is no such file") from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors ({error})") from None


def _check_card(path: Path) -> None:
    """Refuse weights that another file of the same name was described as.

    A file without a card is its user's affair.
    """
    card = path.with_name(f"{path.stem.removesuffix('-back')}.md")
    if not (card.is_file() and path.is_file()):
        return
    name = f"- file: `{path.name}`"
    described = [line for line in card.read_text().splitlines() if line.startswith(name)]
    if described and described[0] != card_line(path):
        raise WeightsError(
            f"{path}: is not the file that {card.name} beside it describes (by its SHA-256):"
            " restore it, or remove that"
        )
