"""The whole chain from echoes to a velocity sequence, in chunks of frames and bounded memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from musclelib.acquisition.filters import FilterParameters, apply_filters, check_length
from musclelib.acquisition.images import Frames, Images, Kind
from musclelib.acquisition.probe import Recording
from musclelib.acquisition.velocity import Gate, coherence, displacement

_AXES = {
    "time": {"units": "s", "long_name": "time"},
    "depth": {"units": "mm", "long_name": "depth below the probe"},
    "lateral": {"units": "mm", "long_name": "lateral position"},
}
_NEAR = 0.8  # share of the Nyquist velocity above which noise is likely to wrap around


def estimate_velocity(
    data: Frames,
    recording: Recording,
    depth: ArrayLike,
    lateral: ArrayLike,
    *,
    kind: Kind,
    gate: Gate | None = None,
    f_number: float = 1.5,
    refine: bool = True,
    chunk: int = 64,
    workers: int = 2,
) -> xr.DataArray:
    """Estimate axial velocity at the frame rate, without filters.

    Echoes are demodulated and beamformed as far as needed. Chunks of frames overlap by the gate's
    ensemble, so the result does not depend on `chunk` or `workers`. Memory grows with `chunk` times
    `workers` and with the result, not with the recording.

    Parameters
    ----------
    data : Frames
        `(time, fast_time, element)` for RF and channel IQ, `(time, depth, lateral)` for beamformed
        IQ.
    recording : Recording
        Probe and settings of the recording; `prf` must be known.
    depth, lateral : numpy.ndarray
        Grid of the beamformed image [mm].
    kind : {"rf", "channel iq", "image iq"}
        Content of `data`.
    gate : Gate, optional
        Averaging of the autocorrelation.
    f_number : float
        Ratio of depth to width of the receive aperture, if frames are beamformed.
    refine : bool
        Whether images are interpolated along depth to steps of `axial_step` or less, which an
        accurate velocity needs.
    chunk : int
        Number of frame pairs processed at once.
    workers : int
        Number of threads.

    Returns
    -------
    xarray.DataArray
        `velocity` [mm/s], positive towards the probe, with dims `(time, depth, lateral)`; depths
        are the centres of gates, and times count from the first frame. Attributes are
        `nyquist_velocity` [mm/s] and `share_near_nyquist`, the share of values beyond 0.8 of it,
        which have probably wrapped around.

    Raises
    ------
    ValueError
        The frame interval is unknown, `data` does not fit `kind`, grid or probe, has too few frames
        or a value that is not finite, or the mean frequency of the echoes lies at an edge of the
        band or beyond.
    """
    _frame_rate(recording)
    images = Images(data, recording, depth, lateral, kind, f_number, refine=refine)
    return _estimate(images, recording, gate or Gate(), chunk, workers, None)


def velocity_and_envelope(
    data: Frames,
    recording: Recording,
    depth: ArrayLike,
    lateral: ArrayLike,
    *,
    kind: Kind,
    gate: Gate | None = None,
) -> xr.Dataset:
    """Estimate the velocity and keep the envelope of the same beamformed frames for the B-mode.

    Parameters and errors are those of `estimate_velocity`.

    Returns
    -------
    xarray.Dataset
        `velocity` as of `estimate_velocity`, and `envelope` [1] of the first frame of each ensemble
        in the depths that are nearest to the gates' centres, on the same grid.
    """
    images, gate = Images(data, recording, depth, lateral, kind), gate or Gate()
    shape = (max(images.shape[0] - gate.ensemble, 0), images.shape[2])
    envelope = np.empty((shape[0], gate.centres(images.depth).size, shape[1]), np.float32)
    velocity = _estimate(images, recording, gate, 64, 2, envelope)
    about = {"units": "1", "long_name": "envelope of the echoes"}
    return velocity.to_dataset().assign(envelope=(velocity.dims, envelope, about))


def velocity_sequence(
    data: Frames,
    recording: Recording,
    depth: ArrayLike,
    lateral: ArrayLike,
    *,
    kind: Kind,
    gate: Gate | None = None,
    filters: FilterParameters | None = None,
    f_number: float = 1.5,
    refine: bool = True,
    chunk: int = 64,
    workers: int = 2,
) -> xr.DataArray:
    """Return tissue velocity as in paper 1: estimated, band-passed, median-filtered, resampled.

    Parameters and errors are those of `estimate_velocity`, and `filters`, by default paper 1's.

    Returns
    -------
    xarray.DataArray
        `velocity` [mm/s], positive towards the probe, with dims `(time, depth, lateral)` of shape
        `filters.shape`, evenly spaced between the first and last gate and scan line; attributes as
        of `estimate_velocity`.

    Raises
    ------
    ValueError
        The recording is too short for the band-pass or for the samples wanted, besides the errors
        of `estimate_velocity`.
    """
    filters = filters or FilterParameters()
    prf = _frame_rate(recording)
    # refuse a short recording before the long work
    check_length((data.shape[0] - 1 - (gate or Gate()).ensemble) / prf, filters)
    raw = estimate_velocity(
        data,
        recording,
        depth,
        lateral,
        kind=kind,
        gate=gate,
        f_number=f_number,
        refine=refine,
        chunk=chunk,
        workers=workers,
    )
    here = tuple(raw[axis].values for axis in _AXES)
    attributes, values = raw.attrs, [raw.values]
    del raw  # keeps no more of the largest arrays in memory than needed
    filtered, there = apply_filters(values.pop(), here, prf, filters, workers)
    result = _array(filtered, "velocity", attributes["units"], attributes["long_name"], **there)
    result.attrs = attributes
    return result


def displacement_map(
    data: Frames,
    recording: Recording,
    depth: ArrayLike,
    lateral: ArrayLike,
    gate: Gate | None = None,
    kind: Kind = "image iq",
) -> xr.Dataset:
    """Estimate displacement and coherence of two frames, whose interval may be unknown.

    Parameters
    ----------
    data : Frames
        Two frames, with the axes of `estimate_velocity`.
    recording : Recording
        Probe and settings of the recording; `prf` is not used.
    depth, lateral : numpy.ndarray
        Grid of the image [mm].
    gate : Gate, optional
        Averaging of the autocorrelation, with an ensemble of one.
    kind : {"rf", "channel iq", "image iq"}
        Content of `data`.

    Returns
    -------
    xarray.Dataset
        `displacement` [um], positive towards the probe, `coherence` [1] of the two frames and
        `envelope` [1] of the first frame, with dims `(depth, lateral)`.

    Raises
    ------
    ValueError
        The number of frames is not two, besides the errors of `estimate_velocity`.
    """
    images, gate = Images(data, recording, depth, lateral, kind), gate or Gate()
    if images.shape[0] != 2:
        raise ValueError(f"a displacement map is made from 2 frames; got {images.shape[0]}")
    images.check_band(gate)
    frames = images[:2]
    grid = {"depth": gate.centres(images.depth), "lateral": np.asarray(lateral)}
    envelope = np.abs(frames[0, nearest(grid["depth"], images.depth)])
    moved = displacement(frames, images.depth, recording, gate)[0]
    alike = coherence(frames, images.depth, gate)[0]
    return xr.merge(
        [
            _array(
                moved,
                "displacement",
                "um",
                "axial tissue displacement, positive towards the probe",
                **grid,
            ),
            _array(alike, "coherence", "1", "coherence of the echoes of two frames", **grid),
            _array(envelope, "envelope", "1", "envelope of the echoes of the first frame", **grid),
        ]
    )


def nearest(wanted: NDArray[np.floating], depth: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the numbers of the depths that are nearest to those wanted [mm]."""
    return np.abs(wanted[:, None] - depth).argmin(axis=1)


def bmode(iq: NDArray[np.complexfloating], dynamic_range: float = 60.0) -> NDArray[np.float32]:
    """Return the B-mode image of IQ, its envelope in decibels below the brightest pixel.

    Parameters
    ----------
    iq : numpy.ndarray
        Beamformed IQ of any shape.
    dynamic_range : float
        Level of the darkest grey value below the brightest pixel of all frames [dB].

    Returns
    -------
    numpy.ndarray of float32
        From `-dynamic_range` to 0 [dB], of the same shape.

    Raises
    ------
    ValueError
        `iq` is not complex, not finite, or zero everywhere; the dynamic range is not positive.
    """
    if not np.iscomplexobj(iq):
        raise ValueError(f"a B-mode image is made from complex IQ; got {iq.dtype}")
    return decibels(np.abs(iq), dynamic_range)


def decibels(envelope: NDArray[np.floating], dynamic_range: float = 60.0) -> NDArray[np.float32]:
    """Return an envelope on the scale of `bmode`, with its errors."""
    peak = envelope.max()
    if not (np.isfinite(peak) and peak > 0 and dynamic_range > 0):
        raise ValueError(
            f"peak envelope {peak:g}, dynamic_range {dynamic_range:g} dB: both must be finite,"
            " above 0"
        )
    floor = 10 ** (-dynamic_range / 20)
    return (20 * np.log10(np.maximum(envelope / peak, floor))).astype(np.float32)


def _estimate(
    images: Images,
    recording: Recording,
    gate: Gate,
    chunk: int,
    workers: int,
    envelope: NDArray[np.float32] | None,
) -> xr.DataArray:
    """Autocorrelate images chunk by chunk; fill `envelope`, where it is wanted, on the way."""
    prf = _frame_rate(recording)
    if chunk < 1 or workers < 1:
        raise ValueError(f"chunk = {chunk} and workers = {workers}: both must be at least 1")
    count = images.shape[0] - gate.ensemble
    if count < 1:
        raise ValueError(
            f"an ensemble of {gate.ensemble} pairs needs {gate.ensemble + 1} frames; got"
            f" {images.shape[0]}"
        )
    nyquist = recording.nyquist_velocity
    centres = gate.centres(images.depth)
    rows = nearest(centres, images.depth)
    images.check_band(gate)
    velocity = np.empty((count, centres.size, images.shape[2]), np.float32)

    def work(start: int) -> int:
        stop = min(start + chunk, count)
        frames = images[start : stop + gate.ensemble]
        if envelope is not None:
            envelope[start:stop] = np.abs(frames[: stop - start, rows])
        velocity[start:stop] = displacement(frames, images.depth, recording, gate) * np.float32(
            1e-3 * prf
        )
        return int(np.count_nonzero(np.abs(velocity[start:stop]) > _NEAR * nyquist))

    starts = range(0, count, chunk)
    # chunks share the cores; threads within matrix products would only compete with them
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        near = sum(
            tqdm(pool.map(work, starts), "velocity", len(starts), unit="chunk", disable=None)
        )
    time = (np.arange(count) + gate.ensemble / 2) / prf
    long_name = "axial tissue velocity, positive towards the probe"
    result = _array(
        velocity,
        "velocity",
        "mm/s",
        long_name,
        time=time,
        depth=centres,
        lateral=images.lateral,
    )
    result.attrs |= {"nyquist_velocity": nyquist, "share_near_nyquist": near / velocity.size}
    return result


def _array(
    values: NDArray[Any], name: str, unit: str, long_name: str, **coordinates: ArrayLike
) -> xr.DataArray:
    axes = {axis: (axis, np.asarray(at, float), _AXES[axis]) for axis, at in coordinates.items()}
    return xr.DataArray(values, axes, tuple(axes), name, {"units": unit, "long_name": long_name})


def _frame_rate(recording: Recording) -> float:
    if recording.prf is None:
        raise ValueError(
            "Recording.prf is None: no velocity without the frame interval; use displacement_map"
        )
    return recording.prf
