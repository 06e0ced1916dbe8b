"""Checks of what metrics take, and blocks that keep the memory of work in float64 small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from musclelib.sequences.arrays import Array, as_sequence

BLOCK_VALUES = 2**18  # values processed at a time: 2 MB as float64, which fits a CPU's cache


def require_motion(sequence: Array) -> None:
    """Raise `ValueError` where all pixels of a sequence are constant over time."""
    if (sequence == sequence[0]).all():
        raise ValueError("velocity is constant over time at every pixel; it has no features")


def as_pair(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Array, Array]:
    """Return two sequences of one shape.

    Raises
    ------
    ValueError
        One of them is not a sequence, or the shapes differ.
    """
    a, b = as_sequence(first, "first"), as_sequence(second, "second")
    if a.shape != b.shape:
        raise ValueError(
            f"first has the shape {a.shape}, second {b.shape}; paired sequences need the same"
        )
    return a, b


def as_set(values: npt.ArrayLike, name: str, ndim: int) -> Array:
    """Check the features of a set, and return them as float64.

    Raises
    ------
    ValueError
        The array does not have `ndim` dimensions, is empty or has a value that is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != ndim or not array.size:
        raise ValueError(f"{name} has the shape {array.shape}; {ndim} filled dimensions are needed")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a value that is not finite")
    return array


def as_sets(first: npt.ArrayLike, second: npt.ArrayLike, ndim: int) -> tuple[Array, Array]:
    """Return the features of two sets whose items have one shape.

    Raises
    ------
    ValueError
        One of them is not a set of features, or the shapes of the items differ.
    """
    a, b = as_set(first, "first", ndim), as_set(second, "second", ndim)
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"items of first have the shape {a.shape[1:]}, of second {b.shape[1:]}; they must agree"
        )
    return a, b


def check_frame_rate(frame_rate: float) -> None:
    """Raise `ValueError` unless the frame rate is above 0 Hz and finite."""
    if not 0 < frame_rate < np.inf:
        raise ValueError(f"frame_rate = {frame_rate} Hz; it must be above 0 and finite")


def depth_blocks(sequence: Array) -> Iterator[slice]:
    """Yield slices along depth that cut a sequence into blocks of about `BLOCK_VALUES` values."""
    time, depth, lateral = sequence.shape
    rows = max(1, BLOCK_VALUES // (time * lateral))
    for start in range(0, depth, rows):
        yield slice(start, min(start + rows, depth))
