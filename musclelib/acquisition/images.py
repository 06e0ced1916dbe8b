"""Beamformed frames as the estimator needs them, at baseband along depth and in fine steps."""

from __future__ import annotations

from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import resample_poly
from scipy.sparse import csr_array

from musclelib.acquisition.beamform import Beamformer
from musclelib.acquisition.iq import demodulate
from musclelib.acquisition.probe import Recording
from musclelib.acquisition.velocity import Gate, depth_step, mean_lag
from musclelib.parameters import other_unit

Kind = Literal["rf", "channel iq", "image iq"]
"""Content of frames: real channel echoes, demodulated channel echoes, or beamformed IQ."""

_LOOKS = 5  # number of frames examined before the work
# Range of the mean frequency of echoes, in halves of the band from the transmitted frequency:
# attenuation and oblique paths lower it, and nothing should raise it.
_LOWEST, _HIGHEST = -0.7, 0.5
_HARMLESS = 0.01  # relative error of velocity that a carrier may cause without being mentioned
_CERTAIN = 5.0  # number of standard deviations of the mean of noise


class Frames(Protocol):
    """Frames that are read when sliced, as those of NumPy, memory maps, h5py, zarr and dask."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> Any: ...  # noqa: D102
    def __getitem__(self, frames: slice, /) -> Any: ...


def axial_step(recording: Recording) -> float:
    """Return the depth step [mm] at which a lag of one sample gives the echo's mean frequency.

    It is a quarter of the largest step that carries the band. From one sample to the next the echo
    must change little: in steps of three quarters of the largest the band is still complete, but
    the phase of the lag is no longer that of the mean frequency, and velocities are about 2 % too
    high, with an SD of 4 % from pixel to pixel (docs/choices.md).
    """
    return float(np.pi / 2 / (recording.bandwidth * recording.axial_wavenumber))


def check_carrier(recording: Recording, depth: ArrayLike) -> None:
    """Refuse beamformed IQ whose depth step hides whether it still has its carrier.

    In steps of more than a quarter wavelength the carrier wraps, and the phase that remains can
    look like the shift of an echo's frequency by attenuation.

    Raises
    ------
    ValueError
        The carrier would be hidden, and `recording` does not state the demodulation frequency.
    """
    phase = recording.axial_wavenumber * depth_step(np.asarray(depth, float))
    left = (
        np.angle(np.exp(1j * phase)) / phase
    )  # apparent shift by a carrier, in centre frequencies
    half = recording.bandwidth / 2
    hidden = abs(left) > _HARMLESS and _LOWEST * half <= left <= (_HIGHEST - _LOWEST) * half
    if recording.demodulation_frequency is None and hidden:
        raise ValueError(
            "in this depth step the phase of image iq does not tell whether its carrier is still"
            f" in it, which would scale velocities by {1 / (1 + left):.2f}: say"
            f" demodulation_frequency, {recording.centre_frequency:g} Hz where it was taken out"
            " along depth, 0 where it was not (images of MUST, PyMUST and USTB)"
        )


class Images:
    """Beamformed IQ, computed from echoes when it is sliced along time.

    RF is demodulated, channel IQ is mixed to the transmitted frequency, and both are beamformed;
    from beamformed IQ the carrier that `Recording.demodulation_frequency` left is removed along
    depth. This is valid for any depth step that carries the band, also for one in which the carrier
    wraps.

    The phase of IQ decreases as the echo's delay increases (see `demodulate`). Conjugated IQ gives
    velocities of the wrong sign, and of another size where attenuation has lowered the echo's
    frequency. It cannot be recognised with certainty and is not refused: conjugate it first.

    Parameters
    ----------
    data : Frames
        `(time, fast_time, element)` for RF and channel IQ, `(time, depth, lateral)` for
        beamformed IQ.
    recording : Recording
        Probe and settings of the recording.
    depth, lateral : numpy.ndarray
        Grid of the image [mm].
    kind : {"rf", "channel iq", "image iq"}
        Content of `data`.
    f_number : float
        Ratio of depth to width of the receive aperture, if frames are beamformed.
    refine : bool
        Whether images are interpolated along depth to steps of `axial_step` or less.

    Attributes
    ----------
    depth : numpy.ndarray
        Depths of the images [mm]: those requested and, if refined, others evenly between them.
    lateral : numpy.ndarray
        Lateral positions of the images [mm].

    Raises
    ------
    ValueError
        `data` does not fit `kind`, grid or probe, or the grid is in another unit or too coarse for
        the band.
    """

    def __init__(
        self,
        data: Frames,
        recording: Recording,
        depth: ArrayLike,
        lateral: ArrayLike,
        kind: Kind,
        f_number: float = 1.5,
        *,
        refine: bool = True,
    ) -> None:
        depth, lateral = np.asarray(depth, float), np.asarray(lateral, float)
        _check(data, kind, recording, depth, lateral)
        self._data, self._recording, self._kind, self._coarse = data, recording, kind, depth
        self._beamformer = (
            None
            if kind == "image iq"
            else Beamformer(recording, data.shape[1], depth, lateral, f_number)
        )
        self._turn = None
        if recording.demodulation_frequency is not None:
            time = recording.start_time + np.arange(data.shape[1]) / recording.sampling_rate
            if kind == "image iq":
                # there and back
                time = depth * recording.axial_wavenumber / (2 * np.pi * recording.centre_frequency)
            turn = (
                2j * np.pi * (recording.demodulation_frequency - recording.centre_frequency) * time
            )
            self._turn = np.exp(turn)[:, None].astype(np.complex64)
        self.depth, self._between = depth, None
        parts = int(np.ceil(depth_step(depth) / axial_step(recording) - 1e-6))
        if refine and parts > 1:
            self.depth = np.linspace(depth[0], depth[-1], (depth.size - 1) * parts + 1)
            # interpolating the unit vectors gives one sparse matrix, which is much faster than
            # resampling frame by frame
            single = np.eye(depth.size, dtype=np.float32)
            self._between = csr_array(resample_poly(single, parts, 1)[: self.depth.size].round(6))
        self.lateral = lateral
        self.shape = (data.shape[0], self.depth.size, lateral.size)

    def __getitem__(self, frames: slice) -> NDArray[np.complex64]:
        """Return images, `(time, depth, lateral)`; NaN and Inf are refused."""
        images = self._make(frames)
        if self._between is None:
            return images
        return np.stack([self._between @ image.view(np.float32) for image in images]).view(
            np.complex64
        )

    def _make(self, frames: slice) -> NDArray[np.complex64]:
        values = _read(self._data, frames)
        if self._kind == "rf":
            values = demodulate(values, self._recording)
        if self._turn is not None:
            values = values * self._turn
        return np.ascontiguousarray(
            values if self._beamformer is None else self._beamformer(values), np.complex64
        )

    def check_band(self, gate: Gate) -> None:
        """Compare the echoes' mean frequency along depth with the band, before the long work.

        The frequency is measured on the grid requested, where the phase of a lag is that of the
        whole spectrum, wrapped or not. Noise has no mean frequency, so recordings of noise pass.

        Raises
        ------
        ValueError
            The mean frequency lies at an edge of the band or beyond: the estimator would take a
            carrier for a shift of the echo's frequency, and scale every velocity.
        """
        looks = np.unique(np.linspace(0, self.shape[0] - 1, _LOOKS).astype(int))
        lag = np.mean(
            [mean_lag(self._make(slice(look, look + 1)), self._coarse, gate) for look in looks]
        )
        # in centre frequencies
        shift = np.angle(lag) / depth_step(self._coarse) / self._recording.axial_wavenumber
        low, high = (bound * self._recording.bandwidth / 2 for bound in (_LOWEST, _HIGHEST))
        if (
            abs(lag) > _CERTAIN / np.sqrt(self._coarse.size * self.shape[2])
            and not low <= shift <= high
        ):
            mixed = (
                "demodulation_frequency is not what they were mixed down by (0: the carrier is"
                " still in them, as in images of MUST, PyMUST and USTB; None:"
                " centre_frequency), or "
            )
            raise ValueError(
                f"the mean frequency of these echoes along depth is {1 + shift:.2f} times"
                f" centre_frequency, where {1 + low:.2f} to {1 + high:.2f} times are possible:"
                f" {'' if self._kind == 'rf' else mixed}centre_frequency, sampling_rate or"
                " bandwidth is not theirs"
            )


def _check(
    data: Frames, kind: Kind, recording: Recording, depth: NDArray[Any], lateral: NDArray[Any]
) -> None:
    if kind not in get_args(Kind):
        raise ValueError(f"kind = {kind!r}: allowed are {', '.join(map(repr, get_args(Kind)))}")
    if kind == "rf" and recording.demodulation_frequency is not None:
        raise ValueError(
            "Recording.demodulation_frequency is of IQ; RF is demodulated here, leave it None"
        )
    if len(data.shape) != 3:
        raise ValueError(f"{kind} must have three axes, time first; got shape {data.shape}")
    if (np.dtype(data.dtype).kind == "c") == (kind == "rf"):
        raise ValueError(
            f"{kind} must be {'real' if kind == 'rf' else 'complex'}; got {data.dtype}"
        )
    if kind == "image iq" and data.shape[1:] != (depth.size, lateral.size):
        raise ValueError(
            f"image iq must have shape (time, {depth.size}, {lateral.size}); got {data.shape}"
        )
    if kind != "image iq" and data.shape[2] != recording.element_count:
        raise ValueError(
            f"{kind} must have shape (time, fast_time, {recording.element_count}); got {data.shape}"
        )
    _check_grid(recording, depth, lateral)


def _check_grid(recording: Recording, depth: NDArray[Any], lateral: NDArray[Any]) -> None:
    """Refuse a grid in another unit than millimetres, and depths that do not carry the band."""
    step, coarsest = depth_step(depth), 4 * axial_step(recording)
    wavelength, most = 1e3 * recording.sound_speed / recording.centre_frequency, 1e3  # [mm]
    extents = {
        "depth": float(depth.max()),
        "lateral": float(np.ptp(lateral)) if lateral.size > 1 else wavelength,
    }
    for name, extent in extents.items():
        if not wavelength <= extent <= most:
            raise ValueError(
                f"{name} reaches over {extent:g} mm: allowed is a wavelength, {wavelength:.3g}, to"
                f" {most:g} mm{other_unit(extent, 'mm', wavelength, most)}"
            )
    if step > 1.001 * coarsest:
        raise ValueError(
            f"a depth step of {step:.4g} mm does not carry the echo's band: with bandwidth ="
            f" {recording.bandwidth:g} it is at most {coarsest:.4g} mm; an image that was"
            " low-passed for its step has a bandwidth of at most"
            f" {recording.bandwidth * coarsest / step:.2g}"
        )


def _read(data: Frames, frames: slice) -> NDArray[Any]:
    """Read frames and refuse NaN and Inf, which would spread over a pixel's whole time course."""
    values = np.ascontiguousarray(data[frames])
    if values.dtype.kind in "fc":
        bad = np.flatnonzero(~np.isfinite(values.view(values.real.dtype)).all(axis=(1, 2)))
        if bad.size:
            raise ValueError(
                f"frame {(frames.start or 0) + bad[0]} holds NaN or Inf; only finite echoes are"
                " allowed"
            )
    return values
