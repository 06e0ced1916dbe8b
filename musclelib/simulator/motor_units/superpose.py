"""Apply a sampled pool: twitch trains, their superposition to tissue velocity, and noise."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from musclelib import sequences
from musclelib.parameters import ParameterError
from musclelib.simulator.motor_units.parameters import SimulatorParameters
from musclelib.simulator.motor_units.pool import WARM_UP, Pool, sample_pool
from musclelib.simulator.motor_units.territory import territories
from musclelib.simulator.motor_units.twitch import twitch_velocity
from musclelib.streams import Purpose, stream

_BLOCK = 64  # number of frames for which noise is drawn at a time, which saves memory


class Sequence(NamedTuple):
    """One simulated sequence with its labels."""

    velocity: np.ndarray  # (time, depth, lateral) float32 [mm/s]
    territory: np.ndarray  # (unit, depth, lateral) bool
    twitch_train: np.ndarray  # (unit, time) float32 [mm/s]
    pool: Pool


def twitch_trains(pool: Pool, parameters: SimulatorParameters) -> np.ndarray:
    """Sum the twitches of each unit over its firings: `(unit, time)` float32 [mm/s].

    Firing times are not rounded to frames. A Dirac train is 1 in the frame of each firing.
    """
    units, frames, rate = len(pool), parameters.frames, parameters.frame_rate
    unit, firing = np.nonzero(np.isfinite(pool.firing_time))
    onset = pool.firing_time[unit, firing]
    if parameters.waveform == "dirac":
        index, value = np.floor(onset * rate).astype(int)[:, None], np.ones((len(onset), 1))
    else:
        onset = onset + pool.lead[unit]
        index = np.ceil(onset * rate).astype(int)[:, None] + np.arange(int(WARM_UP * rate))
        stretch = pool.duration_factor[unit, firing]
        value = twitch_velocity(  # (firing, frame) [um/s]
            index / rate - onset[:, None],
            (pool.amplitude[unit] * pool.amplitude_factor[unit, firing])[:, None],
            (pool.contraction_time[unit] * stretch)[:, None],
            (pool.half_relaxation[unit] * stretch)[:, None],
        )
        value *= 1e-3  # [mm/s]
    inside = (index >= 0) & (index < frames)
    flat = (index + unit[:, None] * frames)[inside]
    return (
        np.bincount(flat, value[inside], units * frames).reshape(units, frames).astype(np.float32)
    )


def superpose(twitch_train: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Superpose the motion of units linearly.

    Force acts only along the fibres and units do not interact (papers 1 and 2). Each unit is added
    within the bounding box of its territory: this is less work than a matrix product, and the order
    of additions does not depend on a library or on the number of its threads, so that every bit is
    reproducible.

    Parameters
    ----------
    twitch_train : numpy.ndarray
        `(unit, time)` [mm/s].
    weight : numpy.ndarray
        `(unit, depth, lateral)`: velocity relative to that of the twitch train.

    Returns
    -------
    numpy.ndarray
        Velocity `(time, depth, lateral)`, float32 [mm/s].
    """
    velocity = np.zeros((twitch_train.shape[1], *weight.shape[1:]), np.float32)
    for train, plane in zip(twitch_train, weight, strict=True):
        rows, columns = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
        if len(rows):
            box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            velocity[:, *box] += train[:, None, None] * plane[box]
    return velocity


def add_noise(velocity: np.ndarray, snr: float, rng: np.random.Generator) -> None:
    """Add white Gaussian noise in place, with the ratio `snr` of the variances [dB]."""
    scale = sequences.moments(velocity)[1] * 10 ** (-snr / 20)
    _add_white(velocity, scale, rng)


def simulate(parameters: SimulatorParameters, seed: int, index: int) -> Sequence:
    """Simulate sequence `index` of the set `seed`, bit for bit the same whatever else is made."""
    pool = sample_pool(parameters, seed, index)
    mask, weight = territories(
        parameters.profile, pool.centre, pool.diameter, parameters.depth, parameters.lateral
    )
    trains = twitch_trains(pool, parameters)
    velocity = superpose(trains, weight)
    rng = stream(Purpose.VELOCITY_NOISE, seed, index)
    if parameters.background:
        _add_white(velocity, parameters.background, rng)
    if any(parameters.smoothing):
        time, space = parameters.smoothing
        pixel = np.array(parameters.size) / parameters.pixels
        gaussian_filter(
            velocity,
            [time * parameters.frame_rate, *(space / pixel)],
            output=velocity,
            mode="nearest",
        )
    if pool.noise_snr is not None:
        add_noise(velocity, pool.noise_snr, rng)
    return Sequence(velocity, mask, trains, pool)


def unit_labels(
    pool: Pool, territory: np.ndarray, twitch_train: np.ndarray, parameters: SimulatorParameters
) -> dict[str, np.ndarray]:
    """Return the labels of a pool as variables of one sequence, padded to the largest pool."""
    most = max(parameters.units[1], 1)
    # firings before the first frame affect the velocity, but are not labels
    seen = pool.firing_time >= 0
    width = int(parameters.duration / parameters.refractory) + 2
    firing_time, synchronised = np.full((most, width), np.nan), np.zeros((most, width), bool)
    for unit, row in enumerate(seen):
        firing_time[unit, : row.sum()] = pool.firing_time[unit, row]
        synchronised[unit, : row.sum()] = pool.synchronised[unit, row]

    def per_unit(values: np.ndarray, fill: float) -> np.ndarray:
        padding = np.full((most - len(pool), *values.shape[1:]), fill, values.dtype)
        return np.concatenate([values, padding])[None]

    return {
        "territory": per_unit(territory, False),
        "twitch_train": per_unit(twitch_train, np.nan),
        "firing_time": firing_time[None],
        "synchronised": synchronised[None],
        "firing_rate": per_unit(pool.firing_rate, np.nan),
        "centre_depth": per_unit(pool.centre[:, 0], np.nan),
        "centre_lateral": per_unit(pool.centre[:, 1], np.nan),
        "diameter": per_unit(pool.diameter, np.nan),
        "unit_count": np.array([len(pool)]),
    }


def to_dataset(sequence: Sequence, parameters: SimulatorParameters, seed: int) -> xr.Dataset:
    """Return a simulated sequence as a data set.

    The velocity stays in [mm/s]; readers (`musclelib.sequences.clips`) standardise it by
    `velocity_mean` and `velocity_sd`, as the papers do before training.
    """
    return sequences.build(
        {
            "velocity": sequence.velocity[None],
            **unit_labels(sequence.pool, sequence.territory, sequence.twitch_train, parameters),
            **sequences.standardisation(sequence.velocity),
        },
        time=parameters.time,
        depth=parameters.depth,
        lateral=parameters.lateral,
        domain="simulated",
        source="musclelib.simulator, the motor-unit simulator of papers 1 and 2",
        parameters=parameters.to_json(),
        seed=seed,
    )


@singledispatch
def sequence_dataset(parameters: object, seed: int, index: int) -> xr.Dataset:
    """Make sequence `index` of the set `seed` as a data set, of the domain of the parameters.

    Raises
    ------
    ParameterError
        The parameters are not those of a simulator.
    """
    raise ParameterError(
        f"parameters = {parameters!r}: SimulatorParameters or InVivoParameters are needed"
    )


@sequence_dataset.register
def simulated_dataset(parameters: SimulatorParameters, seed: int, index: int) -> xr.Dataset:
    """Make a sequence of domain A."""
    return to_dataset(simulate(parameters, seed, index), parameters, seed)


def _add_white(velocity: np.ndarray, scale: float, rng: np.random.Generator) -> None:
    for start in range(0, len(velocity), _BLOCK):
        block = velocity[start : start + _BLOCK]
        block += np.float32(scale) * rng.standard_normal(block.shape, dtype=np.float32)
