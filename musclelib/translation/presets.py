"""The models of translation by name, those of paper 1 and the one-sided model."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from musclelib.parameters import ParameterError
from musclelib.translation.models.cyclegan import CycleGAN, CycleGANParameters
from musclelib.translation.models.one_sided import OneSided, OneSidedParameters
from musclelib.translation.models.recyclegan import RecycleGAN, RecycleGANParameters

MODELS: dict[str, CycleGANParameters | OneSidedParameters] = {
    "2d": CycleGANParameters(name="2d", kernel="single"),
    "recycle": RecycleGANParameters(),
    "3d": CycleGANParameters(),
    "3d-stride1": CycleGANParameters(name="3d-stride1", temporal_stride=1),
    "3d-stride1-noise": CycleGANParameters(name="3d-stride1-noise", temporal_stride=1, noise=True),
    "one-sided": OneSidedParameters(),
}
"""Models by name, in the order of paper 1's Table 1: 1, 3 and 32 frames, then changes of 3-D.

The one-sided model is last.
"""


def build(name: str, **changes: Any) -> CycleGAN | OneSided:
    """Build a model of `MODELS` with new weights and with some parameters changed.

    Raises
    ------
    ParameterError
        The model or a parameter is unknown, or a value is not allowed.
    """
    if name not in MODELS:
        raise ParameterError(f"model {name!r}: allowed are {', '.join(MODELS)}")
    return assemble(MODELS[name].changed(**changes))


def assemble(settings: CycleGANParameters | OneSidedParameters) -> CycleGAN | OneSided:
    """Build a model from its parameters, with new weights."""
    if isinstance(settings, OneSidedParameters):
        return OneSided(settings)
    if isinstance(settings, RecycleGANParameters):
        return RecycleGAN(settings)
    return CycleGAN(settings)


def parameter_table() -> pd.DataFrame:
    """Tabulate the number of trained values of each network of each model (paper 1, Table 2)."""
    rows = {}
    for name in MODELS:
        with torch.device("meta"):  # nothing is allocated
            model = build(name)
        parts = {
            part: sum(value.numel() for value in network.parameters())
            for part, network in model.named_children()
        }
        rows[name] = {
            "generator A to B": parts["to_b"],
            "generator B to A": parts.get("to_a", 0),
            "discriminators": sum(
                number for part, number in parts.items() if part.startswith("discriminator")
            ),
            "predictors": parts.get("predict_a", 0) + parts.get("predict_b", 0),
            "all": sum(parts.values()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
