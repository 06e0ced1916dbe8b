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
    """A function of a sequence that returns its motor units."""

    def __call__(
        self,
        velocity: np.ndarray,
        frame_rate: float,
        spacing: tuple[float, float] = SPACING,
        seed: int = 0,
    ) -> MotorUnits:
        """Identify the motor units of a sequence.

        Parameters
        ----------
        velocity : numpy.ndarray
            `(time, depth, lateral)`, in any unit; contraction is positive.
        frame_rate : float
            Frame rate [Hz].
        spacing : tuple of float
            Size of a pixel along depth and lateral [mm].
        seed : int
            Seed of what is random in the method.
        """
        ...


METHODS: dict[str, Callable[[str | Path], Method]] = {
    "edges": Decomposition.load,
    "paper 2": lambda weights: Paper2.load(weights),
    "stICA": lambda weights: spatiotemporal,
    "full field": lambda weights: full_field,
    "plain": lambda weights: plain,
}
"""Functions that make a method from a folder of weights, by the name of the method."""

NETWORKS = {"edges": ("reader",), "paper 2": ("detector", "twitch")}
"""Names of the weights that a method needs; other methods need none."""


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
        No method has this name.
    WeightsError
        The weights that the method needs are missing or damaged.
    """
    if name not in METHODS:
        raise ParameterError(f"method {name!r}: allowed are {', '.join(METHODS)}")
    return METHODS[name](weights)


def title(name: str, identify: Method) -> str:
    """Return the title of a method in figures and tables.

    It is the name, for paper 2's method with the parameter sets of networks that differ from the
    paper's: `paper 2 (light)`.

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
