"""The report: figures, tables and movies as notebooks show them, and the static pages made of executed notebooks."""

from musclelib.report.present import Presenter

__all__ = ["Presenter"]
