"""The report: figures, tables and movies as notebooks show them, and the static pages made of executed notebooks."""

from musclelib.study.gate import gate
from musclelib.study.present import Presenter

__all__ = ["Presenter", "gate"]
