"""Mean and standard deviation of a sequence, by which it is standardised for networks."""

from __future__ import annotations

import numpy as np
import xarray as xr


def moments(velocity: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of a sequence `(time, ...)`, in its unit.

    The sums are in double precision, which keeps values that are small beside a large mean, and
    frame by frame, which avoids a second copy of the sequence.
    """
    mean = float(velocity.mean(dtype=np.float64))
    squares = [np.square(np.subtract(frame, mean, dtype=np.float64)).mean() for frame in velocity]
    return mean, float(np.sqrt(np.mean(squares)))


def standardisation(velocity: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean and SD of a velocity `(time, depth, lateral)` as variables of a data set."""
    mean, deviation = moments(velocity)
    return {"velocity_mean": np.array([mean]), "velocity_sd": np.array([deviation])}


def with_moments(dataset: xr.Dataset) -> xr.Dataset:
    """Return sequences whose moments are computed again from their velocity.

    A data set without velocity or without moments is returned unchanged.
    """
    known = [name for name in ("velocity_mean", "velocity_sd") if name in dataset]
    if "velocity" not in dataset or not known:
        return dataset
    pairs = [
        moments(dataset.velocity.isel(sequence=index).to_numpy())
        for index in range(dataset.sizes["sequence"])
    ]
    columns = dict(zip(("velocity_mean", "velocity_sd"), np.array(pairs).T, strict=True))
    return dataset.assign({name: dataset[name].copy(data=columns[name]) for name in known})


def standardised(velocity: np.ndarray) -> np.ndarray:
    """Scale a sequence `(time, depth, lateral)` to mean 0 and SD 1, float32 [SD].

    Raises
    ------
    ValueError
        The velocity is constant.
    """
    mean, deviation = moments(velocity)
    if not deviation > 0:
        raise ValueError(
            "the velocity is the same everywhere and at all times; it cannot be standardised"
        )
    return (velocity - np.float32(mean)) / np.float32(deviation)
