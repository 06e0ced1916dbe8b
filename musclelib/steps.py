"""What each step of the study can be told: the strict gate behind the parameters cell of its notebook.

Papermill only warns of a parameter that a notebook does not know. The gate takes what the notebook defines up to it,
and refuses unknown names, wrong types and impossible values before anything is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

from musclelib.parameters import Parameters, quantity

_SHELL = {"In", "Out", "exit", "quit", "get_ipython", "open"}  # names that the notebook's shell brings


@dataclass(frozen=True)
class Step(Parameters):
    """Base of the steps' parameters."""

    @classmethod
    def gate(cls, namespace: dict[str, Any]) -> Self:
        """Build from a notebook's `globals()`.

        Raises
        ------
        ParameterError
            A name is not a parameter of this step, one is missing, or a value is not allowed.
        """
        return cls.from_dict(
            {
                name: value
                for name, value in namespace.items()
                if not name.startswith("_") and name not in _SHELL and not isinstance(value, (ModuleType, type))
            }
        )


@dataclass(frozen=True)
class Tour(Step):
    """Parameters of the tour."""

    interactive: bool = quantity(doc="widgets to play with, or their pictures for a report")
    report: str = quantity(doc="folder for figures and tables")
    seed: int = quantity(doc="seed of the random draws", low=0)


@dataclass(frozen=True)
class Simulate(Step):
    """Parameters of the simulation step."""

    folder: str = quantity(doc="folder for the stores, or an fsspec URL")
    count: int = quantity(doc="sequences of paper 1's simulator", low=2)
    reduced_count: int = quantity(doc="sequences of paper 1's reduced simulator", low=2)
    noise_snr: float = quantity(unit="dB", doc="noise of the noisy copies", low=-20, high=100)
    seed: int = quantity(doc="seed of the random draws", low=0)
    workers: int = quantity(doc="threads on this machine", low=1)
    scheduler: str = quantity(doc="address of a dask scheduler, empty for this machine alone")


@dataclass(frozen=True)
class Draw(Step):
    """Parameters of a step that draws what others computed."""

    folder: str = quantity(doc="folder of the stores")
    report: str = quantity(doc="folder for figures and tables")


@dataclass(frozen=True)
class Compare(Step):
    """Parameters of the comparison of domains."""

    folder: str = quantity(doc="folder of the stores and for the tables")
