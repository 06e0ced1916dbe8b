"""The results of identification: a zarr store of units, and tables of units and of firings.

A store of units has the labels of a sequence store, by the names of the schema, but no frames,
which stay in the sequence store. It is therefore not a sequence store but plain zarr, for
`xarray.open_zarr` or any other reader. `sequences.open(source).assign(open_units(target))` joins
frames and units.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from torch import nn
from tqdm.auto import tqdm

from musclelib import __version__, sequences
from musclelib.files import whole
from musclelib.identification.methods.registry import Method
from musclelib.identification.motor_units import MODELS, MotorUnits
from musclelib.identification.onsets import Onsets
from musclelib.networks import weights
from musclelib.sequences.integrity import check_whole
from musclelib.sequences.removal import own_files, remove_marked
from musclelib.sequences.schema import COORDINATES, SCHEMA
from musclelib.sequences.store import writing

IDENTIFIED = "identified_sequences"  # an attribute that no other store has
_COLUMNS = [
    "sequence",
    "unit",
    "confidence",
    "centre depth [mm]",
    "centre lateral [mm]",
    "area [mm2]",
]
_COLUMNS += ["firing rate [Hz]", "firings", "CV of intervals", "peak to peak [mm/s]"]
_STATED = (
    "domain",
    "source",
    "parameters",
    "seed",
    "version",
)  # attributes of a source that are kept


def identify_store(
    method: Method,
    onsets: Onsets,
    source: str | Path,
    target: str | Path,
    *,
    name: str,
    replace: bool = False,
) -> None:
    """Identify the units of every sequence of a store, and write them to another store.

    A finished store is left unchanged. The target appears under its name when everything is done.
    It holds the data set of `to_dataset`, with the most certain units first; False and NaN pad
    sequences with fewer units and units with fewer firings. A progress bar is shown.

    Parameters
    ----------
    method : Method
        The method of identification, see `methods.method`.
    onsets : Onsets
        The detector of firing times in twitch trains.
    source : str or Path
        Sequence store with `velocity`, of any size, rate and length that the method accepts.
    target : str or Path
        Folder of the new store.
    name : str
        Name of the method, kept as an attribute.
    replace : bool
        Whether a store of units with other content is removed and not refused.

    Raises
    ------
    SequenceError
        The source is missing, has no velocity or one that the method refuses, or the target holds
        other content.
    """
    origin, target = sequences.open(source), Path(target)
    if "velocity" not in origin:
        raise sequences.SequenceError(f"{source}: has no 'velocity'")
    attributes = _attributes(method, onsets, origin, name)
    there = target.exists() and not (target.is_dir() and not any(target.iterdir()))
    if there:
        if _stated(target) == attributes:
            return
        if _stated(target) is None:
            raise sequences.SequenceError(
                f"{target}: something else than a store of units; choose another name"
            )
        if not replace:
            raise sequences.SequenceError(
                f"{target}: exists already, of other sequences or by another method; choose another"
                " name or remove it"
            )
        # refuse a store that must not be removed before the work, like a place that is not writable
        own_files(target, IDENTIFIED)
    with ExitStack() as stack:
        with writing(target):
            new = stack.enter_context(whole(target))
        found = _identify(method, origin, source)
        with writing(target):
            _write(to_dataset(found, onsets, origin).assign_attrs(attributes), new)
            if there:
                remove_marked(target, IDENTIFIED)


def open_units(store: str | Path) -> xr.Dataset:
    """Open a store of units lazily, as `xarray.open_zarr` does.

    Raises
    ------
    SequenceError
        The store does not exist, or a part of it is missing.
    """
    if not _stated(Path(store)):
        raise sequences.SequenceError(f"{store}: there is no store of units of that name")
    # decode_timedelta: the unit "s" must not turn times into datetime types
    dataset = xr.open_zarr(store, consolidated=False, chunks={}, decode_timedelta=False)
    del dataset.attrs[IDENTIFIED]
    check_whole(store, dataset)
    return dataset


def to_dataset(found: Sequence[MotorUnits], onsets: Onsets, like: xr.Dataset) -> xr.Dataset:
    """Return identified units as labels of their sequences.

    Parameters
    ----------
    found : sequence of MotorUnits
        The units of each sequence.
    onsets : Onsets
        The detector of firing times in twitch trains.
    like : xarray.Dataset
        The sequences, whose coordinates are used.

    Returns
    -------
    xarray.Dataset
        `territory`, `twitch_train`, `firing_time` (onsets of twitches), `confidence` and
        `unit_count`, padded to at least one unit and one firing; `common_motion` that was removed,
        and `territory_model`, the place of the territories' model in `motor_units.MODELS`; with
        dims and units of the schema.
    """
    rate = sequences.frame_rate(like)
    began = float(like.time[0])
    fired = [[times + began for times in onsets(units.twitch_train, rate)] for units in found]
    count = max([1, *(len(units.confidence) for units in found)])
    most = max([1, *(len(times) for each in fired for times in each)])
    shape, field = (len(found), count), (like.sizes["depth"], like.sizes["lateral"])
    arrays = {
        "territory": np.zeros((*shape, *field), bool),
        "twitch_train": np.full((*shape, like.sizes["time"]), np.nan, np.float32),
        "firing_time": np.full((*shape, most), np.nan),
        "confidence": np.full(shape, np.nan, np.float32),
        "unit_count": np.array([len(units.confidence) for units in found], np.int32),
        "common_motion": np.array([units.common_motion for units in found]),
        "territory_model": np.array([MODELS.index(units.model) for units in found], np.int8),
    }
    for index, (units, times) in enumerate(zip(found, fired, strict=True)):
        for key in ("territory", "twitch_train", "confidence"):
            arrays[key][index, : len(units.confidence)] = getattr(units, key)
        for unit, each in enumerate(times):
            arrays["firing_time"][index, unit, : len(each)] = each
    variables = {
        key: (
            SCHEMA[key].dims,
            values,
            {"units": SCHEMA[key].units[0], "long_name": SCHEMA[key].long_name},
        )
        for key, values in arrays.items()
    }
    dataset = xr.Dataset(variables, {name: like[name] for name in COORDINATES})
    # the meaning of the numbers, by the CF conventions
    numbers = {"flag_values": list(range(len(MODELS))), "flag_meanings": " ".join(MODELS)}
    dataset.territory_model.attrs |= numbers
    return dataset


def table(dataset: xr.Dataset) -> pd.DataFrame:
    """Tabulate the units of sequences, identified or true, one unit in each row.

    Parameters
    ----------
    dataset : xarray.Dataset
        Data set of `open_units` or `to_dataset`, or of `sequences.open` with true units.

    Returns
    -------
    pandas.DataFrame
        Columns `sequence` (place in the store, from 0), `unit` (from 1, as in maps), `confidence`,
        `centre depth [mm]`, `centre lateral [mm]` and `area [mm2]` of the territory, `firing rate
        [Hz]` (the inverse of the mean interval), `firings` (their number), `CV of intervals`, and
        `peak to peak [mm/s]` of the train; NaN where a value is undefined.
    """
    depth, lateral = dataset.depth.values, dataset.lateral.values
    pixel = float(np.prod(sequences.pixel_size(dataset)))
    rows = []
    for index, unit, one in _units(dataset):
        row, column = np.nonzero(one.territory.values)
        times = one.firing_time.values[np.isfinite(one.firing_time.values)]
        intervals = np.diff(times)
        rows.append(
            {
                "sequence": index,
                "unit": unit + 1,
                "confidence": float(one.confidence) if "confidence" in one else np.nan,
                "centre depth [mm]": depth[row].mean() if len(row) else np.nan,
                "centre lateral [mm]": lateral[column].mean() if len(row) else np.nan,
                "area [mm2]": len(row) * pixel,
                "firing rate [Hz]": 1 / intervals.mean() if len(intervals) else np.nan,
                "firings": len(times),
                "CV of intervals": (
                    intervals.std() / intervals.mean() if len(intervals) > 1 else np.nan
                ),
                "peak to peak [mm/s]": float(np.ptp(one.twitch_train.values)),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def firing_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Tabulate all firings: `sequence` and `unit` as in `table`, and `time [s]`."""
    rows = [
        (index, unit + 1, time)
        for index, unit, one in _units(dataset[["firing_time", "unit_count"]])
        for time in one.firing_time.values
        if np.isfinite(time)
    ]
    return pd.DataFrame(rows, columns=["sequence", "unit", "time [s]"])


def _identify(method: Method, origin: xr.Dataset, source: str | Path) -> list[MotorUnits]:
    rate, spacing = sequences.frame_rate(origin), sequences.pixel_size(origin)
    found = []
    for index, velocity in enumerate(
        tqdm(sequences.each(origin), total=origin.sizes["sequence"], unit="seq", desc="identify")
    ):
        try:
            found.append(method(velocity, rate, spacing=spacing))
        except ValueError as error:
            raise sequences.SequenceError(f"{source}, sequence {index}: {error}") from error
    return found


def _attributes(method: Method, onsets: Onsets, origin: xr.Dataset, name: str) -> dict[str, str]:
    """Return the attributes that identify a store of units: its sequences and its method."""
    content = hashlib.sha256()
    for axis in ("time", "depth", "lateral"):
        content.update(origin[axis].values.tobytes())
    for velocity in sequences.each(origin):
        content.update(np.ascontiguousarray(velocity).tobytes())
    networks: dict[str, Any] = {
        key: value
        for part in (method, onsets)
        for key, value in getattr(part, "__dict__", {}).items()
        if isinstance(value, nn.Module)
    }
    parameters = {
        "weights": {key: weights.digest(network) for key, network in networks.items()},
        "content": content.hexdigest(),
        "origin": {key: origin.attrs[key] for key in _STATED if key in origin.attrs},
    }
    return {
        "domain": origin.attrs["domain"],
        "source": origin.attrs["source"],
        "method": name,
        "parameters": json.dumps(parameters, sort_keys=True),
        "version": __version__,
    }


def _stated(target: Path) -> dict[str, str] | None:
    """Return the attributes of a store of units, none of one that is being removed.

    None for anything else.
    """
    try:
        attributes = json.loads((target / "zarr.json").read_text())["attributes"]
    except (OSError, KeyError, ValueError):
        return None
    return attributes if attributes.pop(IDENTIFIED, None) is not None else None


def _write(dataset: xr.Dataset, store: Path) -> None:
    encoding = {key: {"chunks": (1, *array.shape[1:])} for key, array in dataset.data_vars.items()}
    marked = dataset.assign_attrs({IDENTIFIED: dataset.sizes["sequence"]})
    # a chunk equal to the fill value is written as well: one that is not there is damage
    marked.to_zarr(
        store, zarr_format=3, consolidated=False, encoding=encoding, write_empty_chunks=True
    )


def _units(dataset: xr.Dataset) -> Iterator[tuple[int, int, xr.Dataset]]:
    """Yield the numbers of sequence and unit, and the labels of the unit."""
    labels = [
        name
        for name in ("territory", "twitch_train", "firing_time", "confidence")
        if name in dataset
    ]
    for index in range(dataset.sizes["sequence"]):
        one = dataset[[*labels, "unit_count"]].isel(sequence=index).load()
        for unit in range(int(one.unit_count)):
            yield index, unit, one.isel(unit=unit)
