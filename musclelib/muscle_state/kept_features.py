"""Features of trials, each computed once and kept in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import zarr
from tqdm.auto import tqdm

from musclelib.muscle_state.trials import Trials


def kept_features(
    trials: Trials,
    numbers: Sequence[int],
    make: Callable[[int], np.ndarray],
    made_from: str,
    cache: str | Path,
) -> list[np.ndarray]:
    """Return the features of trials; those that a previous call has computed are read.

    Parameters
    ----------
    trials : Trials
        The store.
    numbers : sequence of int
        Numbers of the trials.
    make : callable
        Function that computes the features of a trial, an array with any axes.
    made_from : str
        What determines the features besides the store.
    cache : str or Path
        Folder that keeps the features, by trial and by what they were made from.
    """
    origin = hashlib.sha256(f"{trials.digest} {made_from}".encode()).hexdigest()[:16]
    part = zarr.open_group(str(cache), mode="a", zarr_format=3).require_group(origin)
    # a trial counts once its whole array is there
    whole = cast(list[int], part.attrs.get("whole", []))
    for number in tqdm(numbers, unit="trial", desc="features", leave=False):
        if number not in whole:
            part.create_array(str(number), data=make(number), overwrite=True)
            whole.append(number)
            part.attrs["whole"] = whole
    return [np.asarray(part[str(number)]) for number in numbers]
