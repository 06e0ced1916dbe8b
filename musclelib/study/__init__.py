"""The report: figures, tables and movies as notebooks show them, and the static pages made of executed notebooks."""

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
