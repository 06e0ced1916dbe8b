"""The gate between the parameters cell of a notebook and its computation.

Papermill only warns of a parameter that a notebook does not know. The gate refuses unknown names,
wrong types and impossible values before anything is computed. It cannot refuse code: papermill
writes every name as it is into a cell that is executed before the gate; `musclelib.study.run`
checks names before papermill has them.
"""

from __future__ import annotations

import ast
import dataclasses
import os
import typing
from typing import Any

from musclelib.parameters import ParameterError, Parameters, quantity

_INJECTED = "# Parameters"  # how the cell begins that papermill inserts
_PLACES = ("folder", "report", "weights", "store", "source", "target")


def gate(namespace: dict[str, Any], **limits: Any) -> Any:
    """Check the parameters of a notebook and return them as one frozen object.

    The parameters cell is the declaration: every line is `name: type = value`. A cell that calls
    the gate may be run again at any time.

    Parameters
    ----------
    namespace : dict
        The notebook's `globals()`.
    **limits : quantity
        Unit and range of a parameter, by its name. A parameter without limits is checked for its
        type, a number also for being finite.

    Returns
    -------
    musclelib.parameters.Parameters
        Frozen, with one field for each parameter.

    Raises
    ------
    ParameterError
        Papermill was given a name that the parameters cell does not declare, a limit is for such a
        name, a parameter has no value, or a value is not allowed: of another type, out of range, an
        empty list or a list with the same value twice, an empty place, a file in place of a folder.

    Examples
    --------
    >>> from musclelib.parameters import quantity
    >>> from musclelib.study import gate
    >>> notebook = {"count": 4, "__annotations__": {"count": int}}  # what globals() holds
    >>> step = gate(notebook, count=quantity(low=2))
    >>> step.count
    4
    """
    kinds = namespace.get("__annotations__", {})
    for name in limits.keys() - kinds.keys():
        raise ParameterError(
            f"gate: {name!r} has limits, but the parameters cell declares only {', '.join(kinds)}"
        )
    fields = [(name, kind, limits.get(name, quantity())) for name, kind in kinds.items()]
    declared: Any = dataclasses.make_dataclass("step", fields, bases=(Parameters,), frozen=True)
    values = {name: namespace[name] for name in kinds if name in namespace}
    step = declared.from_dict(dict.fromkeys(_injected(namespace)) | values)
    for name, kind in kinds.items():
        _check(name, getattr(step, name), kind)
    return step


def _injected(namespace: dict[str, Any]) -> list[str]:
    """Return the names that papermill assigned, from the shell's history of executed cells."""
    return [
        target.id
        for source in namespace.get("In", [])
        if source.startswith(_INJECTED)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]


def _check(name: str, value: Any, kind: Any) -> None:
    """Refuse what is of the right type and within its limits, but names no place or no cases."""
    if typing.get_args(kind)[1:] == (...,) and (not value or len(set(value)) < len(value)):
        raise ParameterError(f"step.{name} = {value}: allowed are one or more values, each once")
    if name in _PLACES and not value.strip():
        # a name put behind it would begin at the root of the disk
        raise ParameterError(f"step.{name} is empty: a place is needed, '.' for the notebook's own")
    if name in _PLACES and name != "source" and os.path.isfile(value):
        raise ParameterError(f"step.{name} = {value!r}: a file is there; a folder is needed")
