"""The methods of identification by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from musclelib.identification.methods.edges import Decomposition
from musclelib.identification.methods.full_field import full_field
from musclelib.identification.methods.paper2 import Paper2
from musclelib.identification.methods.plain import plain
from musclelib.identification.methods.stica import spatiotemporal
from musclelib.identification.motor_units import SPACING, MotorUnits
from musclelib.parameters import ParameterError


class Method(Protocol):
    """A sequence in, units out."""

    def __call__(
        self,
        velocity: np.ndarray,
        frame_rate: float,
        spacing: tuple[float, float] = SPACING,
        seed: int = 0,
    ) -> MotorUnits:
        """Identify units in `(time, depth, lateral)` at `frame_rate` [Hz], of pixels of `spacing` [mm]."""
        ...


METHODS: dict[str, Callable[[str | Path], Method]] = {
    "edges": Decomposition.load,
    "paper 2": lambda weights: Paper2.load(weights),
    "stICA": lambda weights: spatiotemporal,
    "full field": lambda weights: full_field,
    "plain": lambda weights: plain,
}
"""What makes a method out of a folder of weights, by name: ours, paper 2's, its rival, a quicker one, the plainest."""

NETWORKS = {"edges": ("reader",), "paper 2": ("detector", "twitch")}
"""Names of the weights that a method needs, where it needs any."""


def method(name: str, weights: str | Path) -> Method:
    """Return a method, ready to identify.

    Parameters
    ----------
    name : str
        One of `METHODS`.
    weights : str or Path
        Folder of trained weights.

    Raises
    ------
    ParameterError
        There is no such method.
    WeightsError
        It needs weights that are missing or damaged.
    """
    if name not in METHODS:
        raise ParameterError(f"method {name!r}: allowed are {', '.join(METHODS)}")
    return METHODS[name](weights)


def title(name: str, identify: Method) -> str:
    """Return what a method is called in figures and tables: `paper 2 (light)` where its networks are not the paper's.

    Parameters
    ----------
    name : str
        One of `METHODS`.
    identify : Method
        As `method` returned it.
    """
    if not isinstance(identify, Paper2):
        return name
    sizes = {network.settings.name for network in (identify.detector, identify.network)} - {"paper"}
    return f"{name} ({', '.join(sorted(sizes))})" if sizes else name
