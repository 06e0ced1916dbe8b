"""Check that a store is complete, since zarr reads a missing chunk as fill values."""

from __future__ import annotations

from pathlib import Path

import fsspec
import xarray as xr

from musclelib.sequences.schema import SequenceError


def check_whole(store: str | Path, dataset: xr.Dataset) -> None:
    """Check that a store has the file of every sequence and variable of `dataset`.

    The files are listed and not read.

    Raises
    ------
    SequenceError
        A file is missing.
    """
    system, root = fsspec.core.url_to_fs(str(store))
    there = {path.removeprefix(root).lstrip("/") for path in system.find(root)}
    for name, variable in dataset.variables.items():
        for index in range(variable.sizes.get("sequence", 0)):
            if "/".join([str(name), "c", str(index), *["0"] * (variable.ndim - 1)]) not in there:
                raise SequenceError(
                    f"{store}: {name} of sequence {index} is missing, the store is damaged; restore"
                    " it or make it again"
                )
