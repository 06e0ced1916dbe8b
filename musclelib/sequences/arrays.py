"""Whether an array is a sequence of velocity: the one check of all rooms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]


def as_sequence(velocity: npt.ArrayLike, name: str = "velocity", minimum_frames: int = 2) -> Array:
    """Check one sequence `(time, depth, lateral)`; return it as float32 or, if it is, float64.

    Raises
    ------
    ValueError
        The array is not three-dimensional, is empty, has fewer than `minimum_frames` frames or a
        value that is not finite.
    """
    array = np.asarray(velocity)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    if array.ndim != 3 or not array.size:
        raise ValueError(
            f"{name} has the shape {array.shape}; a filled (time, depth, lateral) is needed"
        )
    if len(array) < minimum_frames:
        raise ValueError(f"{name} has {len(array)} frames; at least {minimum_frames} are needed")
    finite = np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.unravel_index(np.argmin(finite), array.shape))
        raise ValueError(
            f"{name} is {array[where]} at (time, depth, lateral) = {where}; it must be finite"
        )
    return array
