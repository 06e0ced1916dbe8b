"""Fill a store sequence by sequence: list what is missing, or refuse a store of other content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from musclelib.sequences.schema import SequenceError
from musclelib.sequences.store import create, finish, open, remove


def missing(
    store: str | Path,
    count: int,
    attributes: Mapping[str, Any],
    template: Callable[[], xr.Dataset],
    *,
    replace: bool = False,
) -> list[int]:
    """Return the numbers of the sequences that a store lacks; a new store is laid out first.

    The caller makes these sequences, writes each with `put`, and calls `finish`.

    Parameters
    ----------
    store : str or Path
        Local folder or fsspec URL.
    count : int
        Number of sequences of the whole store.
    attributes : mapping
        Attributes of the store, which identify its content.
    template : callable
        Returns a data set of one sequence with the variables, geometry and attributes of the store;
        called only if the store is not finished.
    replace : bool
        Whether a store with other content is removed and not refused.

    Returns
    -------
    list of int
        Numbers of the missing sequences; none if the store is finished.

    Raises
    ------
    SequenceError
        The store has other content.
    """
    try:
        found = open(store)
    except SequenceError:
        found = None  # `create` says what is wrong, where something is
    if found is not None:
        there = {"count": found.sizes["sequence"]} | found.attrs
        wanted = {"count": count} | dict(attributes)
        different = [name for name, value in wanted.items() if there.get(name) != value]
        if not different:
            return []
        if not replace:
            raise SequenceError(
                f"{store}: exists already, made from something else (by its"
                f" {', '.join(different)}); choose another name or remove it"
            )
    like = template()
    try:
        create(store, like, count)
    except SequenceError:
        if not replace:
            raise
        remove(store)
        create(store, like, count)
    # a sequence that has the last variable that `put` writes is whole
    mark = zarr.open_group(str(store), mode="r")[str(list(like.data_vars)[-1])]
    assert isinstance(mark, zarr.Array)
    assert mark.dtype.kind == "f"
    values = np.asarray(mark[:]).reshape(count, -1)
    left = [int(index) for index in np.flatnonzero(np.isnan(values).any(axis=1))]
    if not left:  # killed after the last sequence
        finish(store, count)
    return left
