"""Simulated sequences with their truth: motor units of papers 1 and 2, alone or in an in-vivo-like recording."""

from musclelib.simulator.generate import generate
from musclelib.simulator.in_vivo import InVivoParameters
from musclelib.simulator.motor_units.firing import firing_statistics
from musclelib.simulator.motor_units.parameters import PRESETS, SimulatorParameters, preset
from musclelib.simulator.motor_units.pool import Pool, sample_pool
from musclelib.simulator.motor_units.superpose import (
    Sequence,
    sequence_dataset,
    simulate,
    to_dataset,
)
from musclelib.simulator.tremor import with_tremor

__all__ = [
    "PRESETS",
    "InVivoParameters",
    "Pool",
    "Sequence",
    "SimulatorParameters",
    "firing_statistics",
    "generate",
    "preset",
    "sample_pool",
    "sequence_dataset",
    "simulate",
    "to_dataset",
    "with_tremor",
]
