"""Simulated sequences with their truth: motor units of papers 1 and 2, bare or in vivo.

Sequences
    `simulate` makes a `Sequence` of a set, `to_dataset` its data set; `sequence_dataset` makes the
    data set of either domain, and `generate` fills a store, resumable and by several workers.
    `with_tremor` adds tremor of the whole field.
Settings
    `SimulatorParameters` with `PRESETS` by name (`preset`) for motor units without tissue;
    `InVivoParameters` for the synthetic in-vivo domain, with tissue, echoes and acquisition.
Motor units
    `sample_pool` draws the `Pool` of a sequence; `firing_statistics` measures its firings.

The same seed and index give the same sequence, alone or among any number of others.

Examples
--------
>>> from musclelib import simulator
>>> parameters = simulator.preset("paper2", units=(3, 3), pixels=(16, 16), size=(10.0, 10.0))
>>> sequence = simulator.simulate(parameters, seed=0, index=0)
>>> sequence.velocity.shape, sequence.territory.shape, sequence.twitch_train.shape
((400, 16, 16), (3, 16, 16), (3, 400))
"""

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
