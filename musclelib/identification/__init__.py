"""Identification of motor units in tissue velocity: their territories, trains and firing times.

Identify
    `method` returns a `Method` of `METHODS` by name, a function of a sequence that returns
    `MotorUnits`. `Onsets` finds the firing times in twitch trains; `firings` are the maxima of a
    train, as in paper 2. `identify_store` identifies all sequences of a store and `open_units`
    opens the result; `table` and `firing_table` tabulate it; `to_dataset` has it in memory.
Evaluate
    `evaluate` compares a method with the truth of many sequences, `score` the units of one;
    `confidence_intervals` of the measures over sequences.
Training
    `RECIPES` train the networks of the methods.

The methods are in `musclelib.identification.methods`, their building blocks in
`musclelib.identification.separation`, and the reader of territories in
`musclelib.identification.reader`.

Examples
--------
>>> from musclelib import simulator
>>> from musclelib.identification import method, score
>>> parameters = simulator.preset("paper2", units=(1, 1), pixels=(16, 16), size=(10.0, 10.0))
>>> true = simulator.simulate(parameters, seed=0, index=0)
>>> units = method("plain", "data/weights/identification")(true.velocity, 400.0)
>>> firing_times = [times[times > 0] for times in true.pool.firing_time]
>>> score(units, true.territory, true.twitch_train, firing_times, 400.0)["matched"]
1
"""

from musclelib.identification.evaluate import confidence_intervals, evaluate, score
from musclelib.identification.firings import firings
from musclelib.identification.methods.registry import METHODS, Method, method
from musclelib.identification.motor_units import MotorUnits
from musclelib.identification.onsets import Onsets
from musclelib.identification.recipes import RECIPES
from musclelib.identification.store import (
    firing_table,
    identify_store,
    open_units,
    table,
    to_dataset,
)

__all__ = [
    "METHODS",
    "RECIPES",
    "Method",
    "MotorUnits",
    "Onsets",
    "confidence_intervals",
    "evaluate",
    "firing_table",
    "firings",
    "identify_store",
    "method",
    "open_units",
    "score",
    "table",
    "to_dataset",
]
