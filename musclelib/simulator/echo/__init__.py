"""Echoes of moving tissue: scatterers are sampled, then imaged frame by frame, fast or exactly.

`sample_scatterers` draws `Scatterers` by `EchoParameters`; `EchoFrames` images them in a recording,
with the `PointSpread` of its probe and `ElectronicNoise`.

Examples
--------
>>> import numpy as np
>>> from musclelib.acquisition import L14_5
>>> from musclelib.simulator.echo import EchoParameters, sample_scatterers
>>> depth, lateral = np.linspace(10, 20, 32), np.linspace(-5, 5, 32)
>>> scatterers = sample_scatterers(EchoParameters(), L14_5, depth, lateral, seed=0, index=0)
>>> scatterers.position.shape == (len(scatterers.depth), 2)
True
"""

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
