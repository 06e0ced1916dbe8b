"""How finely a sequence is sampled."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musclelib.sequences.schema import SequenceError


def frame_rate(dataset: xr.Dataset) -> float:
    """Return the frames a second of sequences [Hz].

    Raises
    ------
    SequenceError
        There is one frame, or frames are not even: one stands off by more than a tenth of a frame.
    """
    time = dataset.time.values
    if len(time) < 2:
        raise SequenceError("time: has one frame; two at least tell their rate")
    off = (
        np.abs(time - np.linspace(time[0], time[-1], len(time))).max()
        * (len(time) - 1)
        / (time[-1] - time[0])
    )
    if off > 0.1:
        raise SequenceError(
            f"time: frames are not even, one stands {off:.2g} frames off; what needs a frame rate"
            " needs even frames: resample the sequence, such as by interp(time=...)"
        )
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
