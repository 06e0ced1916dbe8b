"""A hash that identifies a set of sequences."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import xarray as xr

from musclelib.sequences.schema import COORDINATES

_MOMENTS = ("velocity_mean", "velocity_sd")
_SIGNALS = ("emg", "torque", "angle", "subject", "task")


def digest(dataset: xr.Dataset, variable: str | None = None) -> str:
    """Return the SHA-256 of a variable of sequences, of their coordinates and attributes.

    By default, the variable is the velocity, or for B-mode sequences without one the intensity with
    the signals that belong to it. For velocity, the moments of each sequence, if the data set has
    them, represent its frames: writing checks the moments, so that no large array need be read.
    """
    signals: list[str] = []
    if variable is None:
        variable = "velocity" if "velocity" in dataset else "intensity"
        signals = [name for name in _SIGNALS if variable == "intensity" and name in dataset]
    total = hashlib.sha256(json.dumps(dataset.attrs, sort_keys=True, default=str).encode())
    total.update(repr((variable, dataset[variable].shape)).encode())
    for name in COORDINATES:
        total.update(np.ascontiguousarray(dataset[name]).tobytes())
    if variable == "velocity" and all(name in dataset for name in _MOMENTS):
        for name in _MOMENTS:
            total.update(np.ascontiguousarray(dataset[name]).tobytes())
    else:
        for index in range(dataset.sizes["sequence"]):
            total.update(np.ascontiguousarray(dataset[variable].isel(sequence=index)).tobytes())
    for name in signals:
        total.update(name.encode() + np.ascontiguousarray(dataset[name]).tobytes())
    return total.hexdigest()
