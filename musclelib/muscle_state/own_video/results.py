"""Write the measures of a video as a zarr store and as a table, and read the store back."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from musclelib.files import whole

MARK = "measured_video"
"""Attribute that no other store has."""

_OWN = re.compile(r"(?:\w+/)?zarr\.json|\w+/c(?:/\d+)*")


def write_measures(measures: xr.Dataset, target: str | Path, *, replace: bool = False) -> Path:
    """Write measures as a zarr store, and beside it a CSV table with the units in its header.

    Parameters
    ----------
    measures : xarray.Dataset
        Measures of a video, see `measure_video` and `estimate_state`.
    target : str or Path
        Folder of the store, `NAME.zarr`; the table is `NAME.csv` beside it. Each appears whole.
    replace : bool
        Whether an earlier store of measures and its table are replaced.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    ValueError
        The name does not end in `.zarr`, something is there and `replace` is false, or what is
        there is not a store of measures.
    """
    target = Path(target)
    if target.suffix != ".zarr":
        raise ValueError(f"target = {target}: the name of the store must end in .zarr")
    table = target.with_suffix(".csv")
    for place in (target, table):
        if place.exists() and not replace:
            raise ValueError(f"{place} exists; choose another name, or set replace")
    if target.exists():
        _check_own(target)
    marked = measures.assign_attrs({MARK: 1})
    # one chunk a variable: a chunk that is not there is damage
    encoding = {name: {"chunks": variable.shape} for name, variable in measures.variables.items()}
    with whole(target) as new:
        marked.to_zarr(
            new, zarr_format=3, consolidated=False, encoding=encoding, write_empty_chunks=True
        )
        if target.exists():
            shutil.rmtree(target.resolve())
    with whole(table) as new:
        to_table(measures).to_csv(new, index=False)
    return table


def read_measures(store: str | Path) -> xr.Dataset:
    """Read the measures of a video.

    Raises
    ------
    ValueError
        There is no store of measures of that name, or a part of it is missing.
    """
    store = Path(store)
    if not _is_own(store):
        raise ValueError(f"{store}: there is no store of measures of that name")
    # decode_timedelta: the unit "s" must not turn times into datetime types
    with xr.open_zarr(store, consolidated=False, decode_timedelta=False) as dataset:
        for name, variable in dataset.variables.items():
            chunk = store.joinpath(str(name), "c", *["0"] * variable.ndim)
            if not chunk.is_file():
                raise ValueError(f"{store}: {name} is missing, the store is damaged; make it again")
        loaded = dataset.load()
    del loaded.attrs[MARK]
    for variable in loaded.variables.values():
        variable.encoding.clear()
    return loaded


def to_table(measures: xr.Dataset) -> pd.DataFrame:
    """Return measures as a table with one row a frame and the units in the names of the columns.

    The rows of the aponeuroses are those of the middle column of the crop.
    """
    columns = {"frame": measures["frame"].values, "time [s]": measures["time"].values}
    for name, values in measures.data_vars.items():
        text = str(name).replace("_", " ")
        if "lateral" in values.dims:
            values, text = values[:, values.sizes["lateral"] // 2], f"{text}, middle column"
        if text.startswith("estimated"):
            text += " (network of SIMULATED participants)"
        columns[f"{text} [{values.attrs['units']}]".replace(" [1]", "")] = np.asarray(values)
    return pd.DataFrame(columns)


def _is_own(store: Path) -> bool:
    try:
        attributes = json.loads((store / "zarr.json").read_text())["attributes"]
    except (OSError, KeyError, ValueError):
        return False
    return MARK in attributes


def _check_own(store: Path) -> None:
    """Refuse to remove anything but a store of measures."""
    if not _is_own(store):
        raise ValueError(f"{store} is not a store of measures and is left alone; choose another")
    others = [
        item.relative_to(store).as_posix()
        for item in store.rglob("*")
        if item.is_file() and not _OWN.fullmatch(item.relative_to(store).as_posix())
    ]
    if others:
        raise ValueError(
            f"{store} holds other files ({', '.join(others[:3])}) and is left alone; move them"
        )
