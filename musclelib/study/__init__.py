"""What only notebooks use: the gate of parameters, figures and tables, and the report.

`gate` checks the parameters of a notebook; a `Presenter` shows figures, tables and movies with
captions and keeps them as files. `musclelib.study.figures` and `maps` draw, `cases` computes every
case of a study once, `run` executes a step, and `pages` makes the report of executed notebooks.

Examples
--------
>>> from musclelib.parameters import quantity
>>> from musclelib.study import gate
>>> notebook = {"rate": 200.0, "__annotations__": {"rate": float}}  # the content of globals()
>>> gate(notebook, rate=quantity(unit="Hz", above=0)).rate
200.0
"""

import sys
from typing import TYPE_CHECKING, Any

from musclelib.study.gate import gate

if TYPE_CHECKING:
    from musclelib.study.present import Presenter

__all__ = ["Presenter", "gate"]

# nbformat would compile a grammar of web addresses, two seconds in every step, for no notebook
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def __getattr__(name: str) -> Any:
    """Import what draws when it is asked for: a step that is run, not drawn, does without."""
    if name == "Presenter":
        from musclelib.study.present import Presenter

        return Presenter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
