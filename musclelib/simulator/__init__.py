"""Motor-unit simulator of papers 1 and 2: sample a pool, then apply it; every label is kept."""

from musclelib.simulator.apply import Sequence, simulate, to_dataset
from musclelib.simulator.firing import firing_statistics
from musclelib.simulator.generate import generate
from musclelib.simulator.parameters import PRESETS, SimulatorParameters, preset
from musclelib.simulator.pool import Pool, sample_pool

__all__ = [
    "PRESETS",
    "Pool",
    "Sequence",
    "SimulatorParameters",
    "firing_statistics",
    "generate",
    "preset",
    "sample_pool",
    "simulate",
    "to_dataset",
]
