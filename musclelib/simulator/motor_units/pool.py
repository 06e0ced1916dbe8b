"""Sample a motor-unit pool: every random value of one sequence except for its noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musclelib.simulator.motor_units.firing import pad, renewal_train, synchronise
from musclelib.simulator.motor_units.parameters import SimulatorParameters
from musclelib.simulator.motor_units.twitch import STEEPEST_RATIO
from musclelib.streams import Purpose, stream

WARM_UP = 0.7
"""Time of firings before the first frame [s], whose twitches are still under way in it."""


@dataclass(frozen=True, eq=False)
class Pool:
    """A sampled pool, which determines its sequence up to noise; a row of arrays is a unit."""

    centre: np.ndarray  # (unit, 2): depth and lateral position [mm]
    diameter: np.ndarray  # (unit,) [mm]
    firing_rate: np.ndarray  # (unit,) [Hz]
    contraction_time: np.ndarray  # (unit,) [s]
    half_relaxation: np.ndarray  # (unit,) [s]
    lead: np.ndarray  # (unit,) [s]
    amplitude: np.ndarray  # (unit,) [um]
    firing_time: np.ndarray  # (unit, firing) [s] from -WARM_UP on, padded with NaN
    synchronised: np.ndarray  # (unit, firing) bool
    duration_factor: np.ndarray  # (unit, firing): stretches the twitch of this firing
    amplitude_factor: np.ndarray  # (unit, firing): scales the twitch of this firing
    noise_snr: float | None  # [dB]

    def __len__(self) -> int:
        return len(self.diameter)


def sample_pool(parameters: SimulatorParameters, seed: int, index: int) -> Pool:
    """Draw the pool of sequence `index` of the set `seed` (papers 1 and 2, simulation data)."""
    rng = stream(Purpose.POOL, seed, index)
    count = int(rng.integers(parameters.units[0], parameters.units[1] + 1))
    position = rng.uniform(size=(count, 2)) * parameters.size - np.array(
        [0, parameters.size[1] / 2]
    )
    diameter = rng.uniform(*parameters.diameter, count)
    rate = rng.uniform(*parameters.firing_rate, count)
    share = rng.uniform(*parameters.synchronisation, count)
    contraction = rng.uniform(*parameters.contraction_time, count)
    low, high = parameters.half_relaxation
    # a slow relaxation after a fast contraction would begin with a jump in velocity
    highest = np.clip(STEEPEST_RATIO * contraction, low, high)
    relaxation = low + (highest - low) * rng.uniform(size=count)
    lead = rng.uniform(*parameters.lead, count)
    faint, strong = np.log(parameters.amplitude)
    amplitude = np.exp(rng.uniform(faint, strong, count))
    variation = rng.uniform(*parameters.variation, count)
    snr = None if parameters.noise_snr is None else float(rng.uniform(*parameters.noise_snr))

    rng = stream(Purpose.FIRING, seed, index)
    trains = [
        renewal_train(
            rng, unit, parameters.interval_cv, parameters.refractory, -WARM_UP, parameters.duration
        )
        for unit in rate
    ]
    trains, flags = synchronise(
        rng, trains, share, parameters.synchronisation_jitter, parameters.refractory
    )
    width = max((len(train) for train in trains), default=0)
    spread = rng.standard_normal((2, count, width)) * variation[:, None]
    return Pool(
        centre=position,
        diameter=diameter,
        firing_rate=rate,
        contraction_time=contraction,
        half_relaxation=relaxation,
        lead=lead,
        amplitude=amplitude,
        firing_time=pad(trains, width, np.nan),
        synchronised=pad(flags, width, False),
        duration_factor=np.clip(1 + spread[0], 0.7, 1.3),
        amplitude_factor=np.clip(1 + spread[1], 0.1, None),
        noise_snr=snr,
    )
