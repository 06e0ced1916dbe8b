"""Echoes of moving tissue: sample scatterers, then image them frame by frame, fast or exactly."""

from musclelib.simulator.echo.frames import EchoFrames
from musclelib.simulator.echo.noise import ElectronicNoise
from musclelib.simulator.echo.psf import PointSpread
from musclelib.simulator.echo.scatterers import EchoParameters, Scatterers, sample_scatterers

__all__ = [
    "EchoFrames",
    "EchoParameters",
    "ElectronicNoise",
    "PointSpread",
    "Scatterers",
    "sample_scatterers",
]
