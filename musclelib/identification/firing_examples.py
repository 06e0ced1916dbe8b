"""Batches of simulated twitch trains with the number of firings in each frame."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from scipy.fft import dct, idct
from torch import Tensor
from torch.utils.data import Dataset

from musclelib import __version__
from musclelib.identification.onsets import standardised
from musclelib.identification.separation.band import LIMIT
from musclelib.networks.firing_detector import RATE
from musclelib.parameters import ParameterError
from musclelib.simulator import SimulatorParameters, preset
from musclelib.simulator.motor_units.pool import Pool, sample_pool
from musclelib.simulator.motor_units.superpose import twitch_trains
from musclelib.streams import Purpose, stream

_UNITS = 16  # units of one pool, which share the range of twitches and the regularity of firing
_FRAMES = (160, 480)  # range of the number of frames of a step's trains
# shares of units with a pause, of units with a neighbour's train, of pools that were filtered
_SILENT, _LEAKING, _FILTERED = 0.25, 0.5, 0.5
_UNSEEN = 1_000_003  # the seed of validation trains lies this far from that of training


class SimulatedFirings(Dataset[tuple[Tensor, Tensor]]):
    """Trains `(batch, 1, time)` [SD] at `RATE` and firings in each frame `(batch, time)`, by step.

    The trains resemble those that a separation returns: simulated trains of 3.5 to 26 firings a
    second, limited to the band of twitches, some high-passed as by an acquisition, smoothed as by
    tissue, with noise of 0 to 50 dB, a share of a neighbour's train, and pauses.

    Parameters
    ----------
    batch : int
        Number of trains of a step and device, a multiple of 16.
    seed : int
        Seed of the set.
    rank, world : int
        Number of this device, and number of all devices.
    rate : tuple of float
        Range of the firing rates [Hz].
    """

    def __init__(
        self,
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        rate: tuple[float, float] = (3.5, 26.0),
    ) -> None:
        self.batch, self.seed, self.rank, self.world, self.rate = batch, seed, rank, world, rate
        if batch < _UNITS or batch % _UNITS:
            raise ParameterError(f"batch = {batch}: allowed are multiples of {_UNITS}")
        self.digest = (
            f"simulated by musclelib {__version__}: trains of {rate[0]:g} to {rate[1]:g} Hz"
        )

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        frames = int(stream(Purpose.FIRING_LENGTH, self.seed, step).integers(*_FRAMES))
        pools = self.batch // _UNITS
        first = (step * self.world + self.rank) * pools
        made = [self.pool(number, frames) for number in range(first, first + pools)]
        trains, firings = (
            torch.from_numpy(np.concatenate(values)) for values in zip(*made, strict=True)
        )
        return trains[:, None], firings

    def pool(self, number: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the trains of one pool and their firings, both `(unit, time)`, float32."""
        rng = stream(Purpose.FIRING_EXAMPLE, self.seed, number)
        parameters = _parameters(rng, frames, self.rate)
        pool = _pauses(sample_pool(parameters, self.seed, number), parameters.duration, rng)
        trains = standardised(twitch_trains(pool, parameters))
        leak = np.where(rng.random(_UNITS) < _LEAKING, rng.uniform(0, 0.3, _UNITS), 0).astype(
            np.float32
        )
        return _as_separated(trains + leak[:, None] * np.roll(trains, 1, axis=0), rng), _counts(
            pool, frames
        )


def _parameters(
    rng: np.random.Generator, frames: int, rate: tuple[float, float]
) -> SimulatorParameters:
    """Draw the parameters of a pool, with wider ranges than the papers' single muscle."""
    contraction = rng.uniform(0.035, 0.09)
    return preset(
        "paper2",
        frames=frames,
        frame_rate=RATE,
        pixels=(4, 4),  # territories have no effect here
        units=(_UNITS, _UNITS),
        firing_rate=rate,
        interval_cv=rng.uniform(0.05, 0.35),
        contraction_time=(0.85 * contraction, 1.15 * contraction),
        half_relaxation=(1.3 * contraction, 2.0 * contraction),
        variation=(0.0, 0.12),
    )


def _pauses(pool: Pool, duration: float, rng: np.random.Generator) -> Pool:
    """Let some units begin late or end early, as at recruitment and derecruitment."""
    edges = rng.uniform(-0.2 * duration, 1.2 * duration, (_UNITS, 1))
    late = rng.random((_UNITS, 1)) < 0.5
    paused = (rng.random((_UNITS, 1)) < _SILENT) & np.where(
        late, pool.firing_time < edges, pool.firing_time > edges
    )
    return dataclasses.replace(pool, firing_time=np.where(paused, np.nan, pool.firing_time))


def _as_separated(trains: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return trains `(unit, time)` as a separation would return them, standardised."""
    frames = trains.shape[1]
    values = dct(trains, axis=1, norm="ortho")
    frequency = np.arange(frames) * RATE / (2 * frames)
    gain = np.exp(-0.5 * (2 * np.pi * frequency * rng.uniform(0, 0.008)) ** 2) * (frequency < LIMIT)
    if rng.random() < _FILTERED:  # by a Butterworth band-pass of order 4, forwards and backwards
        low, high = rng.uniform(1, 6), rng.uniform(45, 70)
        gain /= (1 + (low / np.maximum(frequency, 1e-3)) ** 8) * (1 + (frequency / high) ** 8)
    # noise; the small power gives units that never fire some noise as well
    power = (values**2).mean(axis=1, keepdims=True) + 1e-6
    noise = np.sqrt(power) * 10 ** (-rng.uniform(0, 50, (len(trains), 1)) / 20)
    values = (values + noise * rng.standard_normal(values.shape)) * gain
    return standardised(idct(values, axis=1, norm="ortho"))


def _counts(pool: Pool, frames: int) -> np.ndarray:
    """Return the firings in each frame `(unit, time)`; two frames share an onset between them."""
    counts = np.zeros((_UNITS, frames + 1), np.float32)
    place = (pool.firing_time + pool.lead[:, None]) * RATE
    unit, firing = np.nonzero((place >= 0) & (place < frames))
    before = place[unit, firing].astype(int)
    after = place[unit, firing] - before
    np.add.at(counts, (unit, before), 1 - after)
    np.add.at(counts, (unit, before + 1), after)
    return counts[:, :frames]
