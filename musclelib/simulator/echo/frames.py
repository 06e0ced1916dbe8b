"""Beamformed frames of moving tissue, computed when they are sliced."""

from __future__ import annotations

import warnings
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from musclelib.acquisition import Recording
from musclelib.simulator.echo.noise import ElectronicNoise
from musclelib.simulator.echo.psf import PointSpread
from musclelib.simulator.echo.scatterers import EchoParameters, Scatterers
from musclelib.streams import Purpose, stream

_BATCH = 16  # number of basis images computed at once, which bounds the memory


class Motion(Protocol):
    """Motion of tissue towards the probe, `u(x, t) = sum_k gain_k(x) signal_k(t)`."""

    @property
    def gain(self) -> NDArray[np.float32]: ...  # noqa: D102
    @property
    def signal(self) -> NDArray[np.float32]: ...  # noqa: D102
    @property
    def depth(self) -> NDArray[np.floating]: ...  # noqa: D102
    @property
    def lateral(self) -> NDArray[np.floating]: ...  # noqa: D102
    @property
    def rate(self) -> float: ...  # noqa: D102
    def gain_at(self, points: NDArray[np.floating], /) -> NDArray[np.floating]: ...  # noqa: D102


class EchoFrames:
    """IQ images of displaced scatterers, input of the acquisition chain as kind "image iq".

    Slicing computes frames by an expansion. The phase of the mean displacement u of a pixel's
    resolution cell is exact; the motion of its scatterers relative to u is of first order about
    their mean positions over time: `IQ = exp(j k u(x, t)) [B_0 + sum_k s_k(t) (B_k - j k g_k(x)
    B_0)]`, with s_k the signals minus their means, B_0 the image of the scatterers at their mean
    positions, and B_k the derivative of the image with respect to s_k. `exact` displaces every
    scatterer in every frame instead. Both add the same noise and decorrelation.

    The tissue drifts out of the image plane: a second, independent set of amplitudes at the same
    points is mixed in by an angle that performs a random walk, `cos(angle)` of the first and
    `sin(angle)` of the second set. The correlation of an echo with itself n frames later is then
    correlation ** n, as for an AR(1) process, and the brightness stays constant.

    Parameters
    ----------
    motion : Motion
        Displacement [um] on its grid [mm]; its rate must be the recording's PRF.
    scatterers : Scatterers
        Points within the motion's grid.
    recording : Recording
        Probe and plane wave.
    depth, lateral : numpy.ndarray
        Coordinates of the pixels [mm]; a depth step of 0.16 mm carries the band of an L14-5 at
        5 MHz.
    parameters : EchoParameters
        Aperture, noise and decorrelation.
    seed, index : int
        Seed of the set and number of the sequence, for the random streams.

    Raises
    ------
    ValueError
        The probe, the pixels or the scatterers leave the motion's grid, or the rates differ; and
        errors of `PointSpread`.

    Warns
    -----
    UserWarning
        The tissue moves faster than the Nyquist velocity; the message says where.
    """

    def __init__(
        self,
        motion: Motion,
        scatterers: Scatterers,
        recording: Recording,
        depth: ArrayLike,
        lateral: ArrayLike,
        parameters: EchoParameters,
        seed: int,
        index: int,
    ) -> None:
        depth, lateral = np.asarray(depth, float), np.asarray(lateral, float)
        _check(motion, scatterers, recording, depth, lateral)
        _warn_of_aliasing(motion, recording)
        self.psf = PointSpread(recording, depth, lateral, scatterers.lines, parameters.f_number)
        self.shape = (motion.signal.shape[1], depth.size, lateral.size)
        self.dtype = np.dtype(np.complex64)
        self._scatterers = scatterers
        mean = motion.signal.mean(1, keepdims=True)
        self._signal = (motion.signal - mean) * np.float32(1e-3)  # [mm]
        self._gain = np.asarray(motion.gain_at(scatterers.position), np.float32)
        self._rest = scatterers.depth - 1e-3 * mean[:, 0].astype(float) @ self._gain
        pixels = np.stack(np.meshgrid(depth, lateral, indexing="ij"), axis=-1).reshape(-1, 2)
        gain = np.asarray(motion.gain_at(pixels), np.float32).reshape(-1, *self.shape[1:])
        # at a fascicle's wall, the mean over the resolution cell is closer to the motion of the
        # scatterers than the value at the pixel
        cell = (
            self.psf.pulse_length / (depth[1] - depth[0]),
            self.psf.beam_width / (lateral[1] - lateral[0]),
        )
        gain = gaussian_filter(gain, (0, *cell)).reshape(len(gain), -1)
        self._turn = np.float32(self.psf.wavenumber) * gain  # (source, pixel) [rad/mm]
        steps = stream(Purpose.DECORRELATION, seed, index).standard_normal(self.shape[0] - 1)
        self._angle = np.r_[0, np.cumsum(steps * np.sqrt(-2 * np.log(parameters.correlation)))]
        sets = 1 if parameters.correlation == 1 else 2
        self._basis = np.concatenate(
            [self._expand(amplitude) for amplitude in scatterers.amplitude[:sets]]
        )
        self._noise, self._level = None, 0.0
        if parameters.snr is not None:
            self._noise = ElectronicNoise(
                recording, depth, lateral, parameters.f_number, seed, index
            )
            power = float(np.mean(np.abs(self._basis[0]) ** 2))
            self._level = np.sqrt(power) * 10 ** (-parameters.snr / 20)

    def _expand(self, amplitude: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Return B_0 and `B_k - j k g_k B_0`, `(1 + source, pixel)`."""
        line, weights = self._scatterers.line, amplitude[:, None] * self._gain.T
        basis = np.empty((1 + len(self._gain), self.shape[1] * self.shape[2]), np.complex64)
        basis[0] = self.psf.images(self._rest, line, amplitude[:, None]).ravel()
        for start in range(0, len(self._gain), _BATCH):
            part = slice(start, start + _BATCH)
            images = self.psf.images(self._rest, line, weights[:, part], derivative=True)
            basis[1:][part] = images.reshape(len(images), -1) - 1j * self._turn[part] * basis[0]
        return basis

    def _mixture(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the shares of the two sets of amplitudes, `(time, 2)`."""
        angle = self._angle[start:stop]
        return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)

    def _heard(self, echo: NDArray[np.complex64], start: int, stop: int) -> NDArray[np.complex64]:
        frames = echo.reshape(stop - start, *self.shape[1:])
        if self._noise is not None:
            noise = self._noise(start, stop)
            noise *= np.float32(self._level)
            frames += noise
        return frames

    def __getitem__(self, frames: slice) -> NDArray[np.complex64]:
        """Return frames, `(time, depth, lateral)`; only slices with steps of 1 are allowed."""
        start, stop, step = frames.indices(self.shape[0])
        if step != 1:
            raise ValueError(f"frames are sliced in steps of 1; got {step}")
        stop = max(start, stop)

        # coefficients of the basis images: 1 and the signals, times the mixture of the two sets
        signal = np.ascontiguousarray(self._signal[:, start:stop].T)  # (time, source)
        terms = np.concatenate([np.ones((len(signal), 1), np.float32), signal], axis=1)
        mixture = self._mixture(start, stop)[:, : len(self._basis) // terms.shape[1]]
        terms = (mixture[:, :, None] * terms[:, None]).reshape(len(signal), len(self._basis))
        # real coefficients take half the work of a complex product
        echo = (terms @ self._basis.view(np.float32)).view(np.complex64)

        # the exact phase of the mean displacement
        phase = signal @ self._turn
        turn = np.empty_like(echo)
        np.cos(phase, out=turn.real)
        np.sin(phase, out=turn.imag)
        echo *= turn
        return self._heard(echo, start, stop)

    def exact(self, start: int = 0, stop: int | None = None) -> NDArray[np.complex64]:
        """Return frames `(time, depth, lateral)` of displaced scatterers, the slow reference."""
        stop = self.shape[0] if stop is None else stop
        mixture = self._mixture(start, stop)
        echo = np.empty((stop - start, *self.shape[1:]), np.complex64)
        for frame, shares in enumerate(mixture):
            position = self._rest - self._signal[:, start + frame].astype(float) @ self._gain
            amplitude = shares @ self._scatterers.amplitude
            echo[frame] = self.psf.images(position, self._scatterers.line, amplitude[:, None])[0]
        return self._heard(echo, start, stop)


def _check(
    motion: Motion,
    scatterers: Scatterers,
    recording: Recording,
    depth: NDArray[np.float64],
    lateral: NDArray[np.float64],
) -> None:
    if recording.prf != motion.rate:
        raise ValueError(
            f"Recording.prf = {recording.prf} Hz and Motion.rate = {motion.rate} Hz: they must be"
            " equal"
        )
    inside = {
        "the probe": (recording.element_positions, motion.lateral),
        "lateral": (lateral, motion.lateral),
        "depth": (depth, motion.depth),
        "scatterers' lines": (scatterers.lines, motion.lateral),
        "scatterers' depth": (scatterers.depth, motion.depth),
    }
    for name, (values, grid) in inside.items():
        if values.min() < grid[0] - 1e-6 or values.max() > grid[-1] + 1e-6:
            raise ValueError(
                f"{name} from {values.min():.4g} to {values.max():.4g} mm leaves the motion's grid,"
                f" {grid[0]:.4g} to {grid[-1]:.4g} mm"
            )


def _warn_of_aliasing(motion: Motion, recording: Recording) -> None:
    """Warn of aliasing, by every fourth pixel of the motion, as such regions are larger."""
    gain = motion.gain[:, ::4, ::4]
    steps = np.diff(motion.signal, axis=1) * np.float32(1e-3 * motion.rate)  # [mm/s]
    speed = np.zeros(gain.shape[1:], np.float32)
    for start in range(0, steps.shape[1], 256):
        part = np.abs(np.tensordot(steps[:, start : start + 256], gain, (0, 0))).max(0)
        np.maximum(speed, part, out=speed)
    above = speed > recording.nyquist_velocity
    if above.any():
        row, column = np.unravel_index(speed.argmax(), speed.shape)
        warnings.warn(
            f"tissue moves at up to {speed.max():.4g} mm/s, above the Nyquist velocity of"
            f" {recording.nyquist_velocity:.4g} mm/s, at depth {motion.depth[::4][row]:.3g} mm,"
            f" lateral {motion.lateral[::4][column]:.3g} mm, and in {above.mean():.2%} of the"
            " cross-section: it will alias",
            stacklevel=3,
        )
