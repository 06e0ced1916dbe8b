"""Turn a recording of echoes, or of velocity estimated elsewhere, into a sequence."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from musclelib import sequences
from musclelib.acquisition import (
    FilterParameters,
    Gate,
    Recording,
    decibels,
    displacement_map,
    velocity_and_envelope,
    velocity_sequence,
)
from musclelib.acquisition.filters import apply_filters
from musclelib.acquisition.images import Frames, Kind, check_carrier
from musclelib.parameters import ParameterError
from musclelib.recordings.packing import text
from musclelib.recordings.velocity_units import FACTORS, check_plausible, velocity_unit

_NO_RATE = "prf = None: velocity and paper 1's filters need the frames a second [Hz]"


def image_grid(
    depth: tuple[float, float, float], lateral: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the depths and the lateral positions of the pixels of an image [mm].

    Parameters
    ----------
    depth, lateral : tuple of float
        First position, last position and step [mm].

    Raises
    ------
    ParameterError
        The positions do not go from low to high in at least 4 steps.
    """
    for name, (first, last, step) in (("depth", depth), ("lateral", lateral)):
        if not (step > 0 and last - first >= 4 * step):
            raise ParameterError(
                f"{name} = {(first, last, step)} [mm]: from low to high in at least 4 steps"
            )
    rows, columns = (np.arange(low, high + by / 2, by) for low, high, by in (depth, lateral))
    return rows, columns


def echo_sequence(
    data: Frames,
    recording: Recording,
    depth: ArrayLike,
    lateral: ArrayLike,
    *,
    kind: Kind,
    gate: Gate,
    filters: FilterParameters | None,
    source: str,
) -> xr.Dataset:
    """Turn echoes into a sequence.

    Parameters
    ----------
    data : Frames
        RF or channel IQ `(time, fast_time, element)`, or beamformed IQ `(time, depth, lateral)`;
        read when sliced.
    recording : Recording
        How it was recorded. Without a PRF there is no velocity: two frames then give `displacement`
        and `coherence`.
    depth, lateral : array_like
        Grid of the beamformed image [mm].
    kind : {"rf", "channel iq", "image iq"}
        What `data` holds.
    gate : Gate
        Averaging of the autocorrelation.
    filters : FilterParameters, optional
        Paper 1's filters and grid; None keeps the velocity as estimated, at the PRF, with the
        B-mode beside it.
    source : str
        Origin and licence of the recording.

    Returns
    -------
    xarray.Dataset
        One sequence.

    Raises
    ------
    ValueError
        There is no PRF for the filters, or as `musclelib.acquisition.estimate_velocity`.
    """
    if recording.prf is None and filters is not None:
        raise ValueError(_NO_RATE)
    if kind == "image iq":
        check_carrier(recording, depth)
    if recording.prf is not None and filters is not None:
        velocity = velocity_sequence(
            data, recording, depth, lateral, kind=kind, gate=gate, filters=filters
        )
        return _build({"velocity": velocity.values[None]}, velocity, recording, source)
    if recording.prf is not None:
        both = velocity_and_envelope(data, recording, depth, lateral, kind=kind, gate=gate)
        grey = decibels(both.envelope.values)
        values = {"velocity": both.velocity.values[None], "intensity": grey[None]}
        return _build(values, both, recording, source)
    moved = displacement_map(data[:2], recording, depth, lateral, gate, kind).expand_dims(
        time=[0.0]
    )
    grey = decibels(moved.envelope.values)
    values = {name: moved[name].values[None] for name in ("displacement", "coherence")}
    return _build({**values, "intensity": grey[None]}, moved, recording, source)


def velocity_recording(
    velocity: Frames,
    frame_rate: float | None,
    depth: ArrayLike,
    lateral: ArrayLike,
    *,
    unit: str | None = None,
    filters: FilterParameters | None,
    source: str,
) -> xr.Dataset:
    """Turn ready-made tissue velocity into a sequence.

    Parameters
    ----------
    velocity : Frames
        Velocity `(time, depth, lateral)`; an attribute `units` that it has, as from `open_array`,
        is obeyed.
    frame_rate : float
        Frames a second [Hz]; None, where it is unknown, is refused.
    depth, lateral : array_like
        Its grid [mm].
    unit : {"m/s", "cm/s", "mm/s", "um/s"}, optional
        Its unit where it has no attribute `units`; by default mm/s.
    filters : FilterParameters, optional
        As in `echo_sequence`.
    source : str
        Origin and licence of the recording.

    Raises
    ------
    ValueError
        The frame rate is unknown, the grid does not fit, a value is complex or not finite, the unit
        is unknown, differs from the attribute or gives a velocity that is impossible in muscle, or
        the recording is too short for the filters.
    """
    if frame_rate is None:
        raise ValueError(_NO_RATE)
    unit = velocity_unit(unit, text(getattr(velocity, "attrs", {}).get("units")))
    depth, lateral = np.asarray(depth, float), np.asarray(lateral, float)
    # NumPy would drop the imaginary part with a mere warning
    if np.dtype(velocity.dtype).kind == "c":
        raise ValueError(f"velocity must be real; got {velocity.dtype}")
    values = np.asarray(velocity[:], np.float32)
    if values.shape[1:] != (depth.size, lateral.size):
        raise ValueError(
            f"velocity has shape {values.shape}; needed is (time, {depth.size}, {lateral.size})"
        )
    bad = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2)))
    if bad.size:
        raise ValueError(f"frame {bad[0]} holds NaN or Inf; only finite velocities are allowed")
    if unit != "mm/s":
        values = values * np.float32(FACTORS[unit])
    check_plausible(values, unit)
    time = np.arange(len(values)) / frame_rate
    if filters is not None:
        values, there = apply_filters(values, (time, depth, lateral), frame_rate, filters)
        time, depth, lateral = there.values()
    parameters = filters.to_json() if filters else "{}"
    return sequences.build(
        {"velocity": values[None], **sequences.standardisation(values)},
        time=time,
        depth=depth,
        lateral=lateral,
        domain="recorded",
        source=source,
        parameters=parameters,
    )


def _build(
    variables: dict[str, np.ndarray],
    grid: xr.DataArray | xr.Dataset,
    recording: Recording,
    source: str,
) -> xr.Dataset:
    if "velocity" in variables:
        variables = {**variables, **sequences.standardisation(variables["velocity"][0])}
    return sequences.build(
        variables,
        time=grid["time"].values,
        depth=grid["depth"].values,
        lateral=grid["lateral"].values,
        domain="recorded",
        source=source,
        parameters=recording.to_json(),
    )
