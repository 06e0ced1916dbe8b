"""Weights of the networks that identify motor units in one file: safetensors, with their parameters as JSON.

Kernels and matrices are kept in half precision, which is half the size; biases and the moments of
batch norms in full.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file

from musclelib.files import whole
from musclelib.networks.firing_detector import FiringDetector, FiringParameters
from musclelib.networks.mask_rcnn import Detector, DetectorParameters
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader
from musclelib.networks.twitch import TwitchNetwork, TwitchParameters
from musclelib.networks.weights import WeightsError, read_tensors

Network = TypeVar("Network", Detector, TwitchNetwork, TerritoryReader, FiringDetector)

_PARAMETERS: dict[Any, Any] = {
    Detector: DetectorParameters,
    TwitchNetwork: TwitchParameters,
    TerritoryReader: ReaderParameters,
    FiringDetector: FiringParameters,
}


def save_unit_network(network: Any, path: str | Path, **about: str) -> None:
    """Write a network; the file appears whole or not at all.

    Parameters
    ----------
    network : Detector, TwitchNetwork, TerritoryReader or FiringDetector
        What to write.
    path : str or Path
        Name of the file, by custom `*.safetensors`.
    **about : str
        What else to keep with it, for example `steps`; `networks.weights.about` reads it.
    """
    tensors = {
        name: (values.half() if values.dim() > 1 else values).detach().cpu().contiguous()
        for name, values in network.state_dict().items()
    }
    metadata = {**about, "kind": type(network).__name__, "parameters": network.settings.to_json()}
    with whole(path) as new:
        save_file(tensors, new, metadata)


def load_unit_network(
    kind: type[Network], path: str | Path, device: str | torch.device = "cpu"
) -> Network:
    """Read a network, in evaluation mode.

    Parameters
    ----------
    kind : type
        Detector, TwitchNetwork, TerritoryReader or FiringDetector.
    path : str or Path
        The file.
    device : str or torch.device
        Where to.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or of something else.
    """
    tensors, metadata = read_tensors(path, device)
    if metadata.get("kind") != kind.__name__:
        raise WeightsError(f"{path}: kind {metadata.get('kind')!r}; a {kind.__name__} is needed")
    try:
        network = kind(_PARAMETERS[kind].from_dict(json.loads(metadata["parameters"])))
        network.load_state_dict(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path}: not the weights of a {kind.__name__} ({' '.join(str(error).split())})"
        ) from None
    return network.to(device).eval()
