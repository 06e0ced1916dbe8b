"""Frame rate and pixel size of sequences."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musclelib.sequences.schema import SequenceError


def frame_rate(dataset: xr.Dataset) -> float:
    """Return the frame rate of sequences [Hz].

    Raises
    ------
    SequenceError
        The sequences have a single frame, or a frame deviates from even spacing by more than a
        tenth of the frame interval.
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
        An axis has a single pixel, whose size is unknown.
    """
    for name in ("depth", "lateral"):
        if dataset.sizes[name] < 2:
            raise SequenceError(f"{name}: has one pixel; two at least tell their size")
    depth, lateral = (float(np.diff(dataset[name].values).mean()) for name in ("depth", "lateral"))
    return depth, lateral
