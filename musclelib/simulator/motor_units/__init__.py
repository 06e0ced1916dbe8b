"""Motor units as simulated by papers 1 and 2: pools, firings, territories and twitches.

`sample_pool` draws the `Pool` of a sequence by `SimulatorParameters`; `preset` returns parameters
of `PRESETS`. `renewal_train` and `synchronise` draw firing times, `firing_statistics` measures
them; `territories` draws territories; `twitch_displacement` and `twitch_velocity` are the twitch;
`twitch_trains` sums the twitches of each unit, and `superpose` sums the units. `simulate` does all
of this for one `Sequence`.

Examples
--------
>>> from musclelib.simulator.motor_units import preset, sample_pool, twitch_trains
>>> parameters = preset("paper1", units=(5, 5))
>>> twitch_trains(sample_pool(parameters, seed=0, index=0), parameters).shape
(5, 1024)
"""

from musclelib.simulator.motor_units.firing import firing_statistics, renewal_train, synchronise
from musclelib.simulator.motor_units.parameters import PRESETS, SimulatorParameters, preset
from musclelib.simulator.motor_units.pool import Pool, sample_pool
from musclelib.simulator.motor_units.superpose import (
    Sequence,
    simulate,
    superpose,
    twitch_trains,
)
from musclelib.simulator.motor_units.territory import territories
from musclelib.simulator.motor_units.twitch import twitch_displacement, twitch_velocity

__all__ = [
    "PRESETS",
    "Pool",
    "Sequence",
    "SimulatorParameters",
    "firing_statistics",
    "preset",
    "renewal_train",
    "sample_pool",
    "simulate",
    "superpose",
    "synchronise",
    "territories",
    "twitch_displacement",
    "twitch_trains",
    "twitch_velocity",
]
