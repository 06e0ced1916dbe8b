"""The schema of sequences: an `xarray.Dataset` with fixed names, dims and units."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from musclelib import __version__
from musclelib.sequences.moments import moments

DOMAINS = ("simulated", "synthetic in vivo", "recorded", "translated")
"""Allowed values of the attribute `domain`."""

REQUIRED_ATTRIBUTES = ("domain", "source", "parameters", "version")
COORDINATES = {
    "time": ("s", "time"),
    "depth": ("mm", "depth below the probe"),
    "lateral": ("mm", "lateral position"),
}


class SequenceError(ValueError):
    """A store or data set does not follow the schema; the message says what is allowed."""


class Variable(NamedTuple):
    """One variable of the schema."""

    dims: tuple[str, ...]
    units: tuple[str, ...]  # the units allowed, the default first
    long_name: str
    padded: bool = False  # whether NaN pads the values


FRAMES = ("sequence", "time", "depth", "lateral")
SCHEMA: dict[str, Variable] = {
    "velocity": Variable(FRAMES, ("mm/s",), "axial tissue velocity, positive towards the probe"),
    "lateral_velocity": Variable(
        FRAMES, ("mm/s",), "lateral tissue velocity, positive along the lateral axis"
    ),
    "displacement": Variable(
        FRAMES, ("um",), "axial tissue displacement from one frame to the next"
    ),
    "coherence": Variable(FRAMES, ("1",), "coherence of the echoes of two frames"),
    "intensity": Variable(FRAMES, ("dB", "1"), "B-mode intensity"),
    "territory": Variable(("sequence", "unit", "depth", "lateral"), ("1",), "motor-unit territory"),
    "twitch_train": Variable(("sequence", "unit", "time"), ("mm/s",), "twitch train", padded=True),
    "firing_time": Variable(("sequence", "unit", "firing"), ("s",), "firing time", padded=True),
    "synchronised": Variable(
        ("sequence", "unit", "firing"), ("1",), "firing synchronised with another unit"
    ),
    "firing_rate": Variable(
        ("sequence", "unit"), ("Hz",), "mean firing rate set for the unit", padded=True
    ),
    "centre_depth": Variable(("sequence", "unit"), ("mm",), "territory centre, depth", padded=True),
    "centre_lateral": Variable(
        ("sequence", "unit"), ("mm",), "territory centre, lateral", padded=True
    ),
    "diameter": Variable(("sequence", "unit"), ("mm",), "territory diameter", padded=True),
    "confidence": Variable(
        ("sequence", "unit"), ("1",), "confidence of an identified motor unit", padded=True
    ),
    "common_motion": Variable(
        ("sequence",), ("mm/s",), "SD of the motion of the whole field, taken out", padded=True
    ),
    "territory_model": Variable(("sequence",), ("1",), "what territories were taken for"),
    "unit_count": Variable(("sequence",), ("1",), "number of active motor units"),
    "velocity_mean": Variable(("sequence",), ("mm/s",), "mean velocity of the sequence"),
    "velocity_sd": Variable(
        ("sequence",), ("mm/s",), "standard deviation of the velocity of the sequence"
    ),
    "true_map": Variable(
        ("sequence", "source", "depth", "lateral"), ("1",), "map of each part of the true velocity"
    ),
    "true_signal": Variable(
        ("sequence", "source", "time"), ("mm/s",), "signal of each part of the true velocity"
    ),
    "subject": Variable(("sequence",), ("1",), "number of the virtual subject"),
    "task": Variable(("sequence",), ("1",), "number of the task"),
    "fascicle_length": Variable(("sequence", "time"), ("mm",), "length of the fascicles"),
    "fascicle_angle": Variable(
        ("sequence", "time"), ("deg",), "angle of the fascicles to the lateral axis"
    ),
    "pennation": Variable(
        ("sequence", "time"), ("deg",), "angle of the fascicles to the deep aponeurosis"
    ),
    "thickness": Variable(("sequence", "time"), ("mm",), "thickness of the muscle"),
    "activation": Variable(("sequence", "time"), ("1",), "activation of the muscle"),
    "label_map": Variable(("sequence", "depth", "lateral"), ("1",), "tissue label"),
    "angle": Variable(("sequence", "time"), ("deg",), "joint angle"),
    "torque": Variable(("sequence", "time"), ("N m",), "joint torque"),
    "angular_velocity": Variable(("sequence", "time"), ("deg/s",), "joint angular velocity"),
    "emg": Variable(("sequence", "time"), ("V",), "electromyogram"),
}
"""Variables of sequences by name; others may be added and are not checked."""


def build(
    variables: Mapping[str, ArrayLike],
    *,
    time: ArrayLike,
    depth: ArrayLike,
    lateral: ArrayLike,
    domain: str,
    source: str,
    parameters: str = "{}",
    seed: int | None = None,
    units: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Make a data set from arrays.

    Names, shapes, units and attributes are checked here, values when the data set is written.

    Parameters
    ----------
    variables : mapping
        Arrays by the names of `SCHEMA`, with the dims given there, for example `velocity`
        `(sequence, time, depth, lateral)` [mm/s].
    time, depth, lateral : numpy.ndarray
        Coordinates [s], [mm] and [mm].
    domain : str
        One of `DOMAINS`.
    source : str
        Origin of the data: simulator and preset, or recording and licence.
    parameters : str
        JSON text of the parameters with which the data were made.
    seed : int, optional
        Seed of the random draws, if there were any.
    units : mapping, optional
        Units of variables that allow several, for example `{"intensity": "1"}` for grey values.

    Raises
    ------
    SequenceError
        A name, shape, unit or attribute does not follow the schema.
    """
    coordinates = {
        name: xr.Variable((name,), np.asarray(values, np.float64), _attributes(*COORDINATES[name]))
        for name, values in (("time", time), ("depth", depth), ("lateral", lateral))
    }
    arrays = {}
    for name, values in variables.items():
        spec = _spec(name)
        values = np.asarray(values)
        if values.ndim != len(spec.dims):
            raise SequenceError(f"{name}: shape {values.shape}, but its dims are {spec.dims}")
        chosen = (units or {}).get(name, spec.units[0])
        arrays[name] = xr.Variable(spec.dims, values, _attributes(chosen, spec.long_name))
    attributes: dict[str, Any] = {"domain": domain, "source": source, "parameters": parameters}
    if seed is not None:
        attributes["seed"] = seed
    try:
        dataset = xr.Dataset(arrays, coordinates, attributes | {"version": __version__})
    except ValueError as error:  # xarray names the two variables whose sizes differ
        raise SequenceError(f"sizes do not agree: {error}") from None
    check(dataset, values=False)
    return dataset


def check(dataset: xr.Dataset, *, values: bool = True) -> None:
    """Check a data set against the schema, its values (NaN, infinity) one sequence at a time.

    Parameters
    ----------
    dataset : xarray.Dataset
        The data set; variables that are not in the schema are ignored.
    values : bool
        Whether every value is read and checked, besides names, dims, units and attributes.

    Raises
    ------
    SequenceError
        The first error found: what is wrong, where, and what is allowed.
    """
    for name in REQUIRED_ATTRIBUTES:
        if name not in dataset.attrs:
            raise SequenceError(
                f"attribute {name!r} is missing; a sequence has {', '.join(REQUIRED_ATTRIBUTES)}"
            )
    if dataset.attrs["domain"] not in DOMAINS:
        raise SequenceError(f"domain {dataset.attrs['domain']!r}: allowed are {', '.join(DOMAINS)}")
    try:
        json.loads(dataset.attrs["parameters"])
    except (TypeError, json.JSONDecodeError):
        raise SequenceError("attribute 'parameters' is not JSON text") from None
    for name, (unit, _) in COORDINATES.items():
        if name not in dataset.coords:
            raise SequenceError(f"coordinate {name!r} [{unit}] is missing")
        axis = dataset[name]
        if axis.attrs.get("units") != unit:
            raise SequenceError(f"{name}: units {axis.attrs.get('units')!r}, {unit!r} is needed")
        if axis.size == 0 or not np.all(np.isfinite(axis)) or np.any(np.diff(axis) <= 0):
            raise SequenceError(f"{name}: the coordinate is not finite and increasing")
    known = [str(name) for name in dataset.data_vars if name in SCHEMA]
    if not any(SCHEMA[name].dims == FRAMES for name in known):
        raise SequenceError("none of the variables velocity, displacement, intensity is there")
    for name in known:
        spec = SCHEMA[name]
        if dataset[name].dims != spec.dims:
            raise SequenceError(f"{name}: dims {dataset[name].dims}, {spec.dims} are needed")
        if dataset[name].attrs.get("units") not in spec.units:
            raise SequenceError(
                f"{name}: units {dataset[name].attrs.get('units')!r},"
                f" {' or '.join(map(repr, spec.units))} is needed"
            )
        if values:
            _check_values(name, dataset[name], spec)
    if values and "velocity" in known:
        _check_moments(dataset)


def _attributes(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}


def _spec(name: str) -> Variable:
    if name not in SCHEMA:
        raise SequenceError(f"unknown variable {name!r}; allowed are {', '.join(SCHEMA)}")
    return SCHEMA[name]


def _check_moments(dataset: xr.Dataset) -> None:
    """Refuse moments that are not those of the velocity, since clips are standardised by them."""
    stated = [name for name in ("velocity_mean", "velocity_sd") if name in dataset]
    for index in range(dataset.sizes["sequence"]) if stated else ():
        mean, deviation = moments(dataset.velocity.isel(sequence=index).to_numpy())
        for name, value in (("velocity_mean", mean), ("velocity_sd", deviation)):
            if name in stated and not np.isclose(
                dataset[name][index], value, rtol=1e-4, atol=1e-4 * deviation
            ):
                raise SequenceError(
                    f"{name}, sequence {index}: {float(dataset[name][index]):.4g} mm/s, but that of"
                    f" its velocity is {value:.4g}; `sequences.write` computes it again"
                )


def _check_values(name: str, array: xr.DataArray, spec: Variable) -> None:
    for index in range(array.sizes["sequence"]):
        try:
            block = array.isel(sequence=index).to_numpy()
        except Exception as error:  # codecs raise many types of error for a damaged file
            raise SequenceError(
                f"{name}, sequence {index}: cannot be read ({error}); the store is damaged"
            ) from error
        if block.dtype.kind != "f":
            continue  # it was read all the same, which finds damaged files
        wrong = np.isinf(block) if spec.padded else ~np.isfinite(block)
        if wrong.any():
            where = (
                dict(zip(spec.dims[1:], map(int, np.argwhere(wrong)[0]), strict=True))
                if block.ndim
                else {}
            )
            raise SequenceError(
                f"{name}, sequence {index}: {int(wrong.sum())} values are not finite, first at"
                f" {where}"
            )
