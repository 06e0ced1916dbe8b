"""How finely a sequence is sampled."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musclelib.sequences.schema import SequenceError


def frame_rate(dataset: xr.Dataset) -> float:
    """Return the frames a second of sequences [Hz]."""
    time = dataset.time.values
    return round((len(time) - 1) / float(time[-1] - time[0]), 6)


def pixel_size(dataset: xr.Dataset) -> tuple[float, float]:
    """Return the size of a pixel of sequences along depth and lateral [mm].

    Raises
    ------
    SequenceError
        There is one pixel along an axis, whose size nobody knows.
    """
    for name in ("depth", "lateral"):
        if dataset.sizes[name] < 2:
            raise SequenceError(f"{name}: has one pixel; two at least tell their size")
    depth, lateral = (float(np.diff(dataset[name].values).mean()) for name in ("depth", "lateral"))
    return depth, lateral
