"""The report: figures, tables and movies as notebooks show them, and the static pages made of executed notebooks."""

from musclelib.report.present import MissingRecordingError, Presenter

__all__ = ["MissingRecordingError", "Presenter"]
