"""Add the common motion of a trembling field to sequences that were simulated without it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musclelib.streams import Purpose, stream

_FREQUENCIES = (8.0, 12.0)  # range of physiological tremor [Hz]
_WANDER = 0.1  # SD of the phase's random walk after one second [cycles]
_SLOPES = (0.5, 0.3)  # relative slope along depth and lateral, since a probe also tilts


def with_tremor(sequence: xr.Dataset, size: float, seed: int = 0) -> xr.Dataset:
    """Add tremor of 8 to 12 Hz to sequences.

    Tremor moves the whole field, more at depth and on one side.

    Parameters
    ----------
    sequence : xarray.Dataset
        One sequence or several, with `velocity`.
    size : float
        SD of the tremor, relative to the SD of each sequence's velocity.
    seed : int
        Seed of frequency and phase.
    """
    moved = sequence.velocity.to_numpy().copy()
    time = sequence.time.values - sequence.time.values[0]
    depth, lateral = np.meshgrid(
        *(np.linspace(-1, 1, side) for side in moved.shape[2:]), indexing="ij"
    )
    gain = 1 + _SLOPES[0] * depth + _SLOPES[1] * lateral
    for index, velocity in enumerate(moved):
        rng = stream(Purpose.TREMOR, seed, index)
        wander = np.cumsum(rng.standard_normal(len(time))) * _WANDER * np.sqrt(np.gradient(time))
        wave = np.sin(2 * np.pi * (rng.uniform(*_FREQUENCIES) * time + rng.uniform() + wander))
        tremor = wave[:, None, None] * gain
        velocity += (size * velocity.std(dtype=float) / tremor.std() * tremor).astype(np.float32)
    return sequence.assign(velocity=sequence.velocity.copy(data=moved))
