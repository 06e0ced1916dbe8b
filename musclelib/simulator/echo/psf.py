"""What a point looks like in the beamformed image: a separable point spread function, and sums of many of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array

from musclelib.acquisition import Recording

_REACH = 4.0  # the axial pulse is cut where it has fallen to exp(-8)
_EDGE_LOSS = (
    6.0 + 6.0 + 1.8
)  # [dB] at the ends of the band: the probe, the demodulation's low-pass, one transmitted cycle
_TABLE_STEP = 5e-4  # [mm] of path; a hundredth of a radian at the carrier


def pulse_length(recording: Recording) -> float:
    """Return the standard deviation of the demodulated pulse's Gaussian envelope along depth [mm]."""
    edge = recording.bandwidth * recording.centre_frequency / 2
    duration = np.sqrt(_EDGE_LOSS * np.log(10) / 10) / (2 * np.pi * edge)  # [s]
    return float(duration * recording.sound_speed * 1e3 / 2)


class PointSpread:
    """Beamformed IQ of point scatterers under one unsteered plane wave, at baseband along depth.

    The axial factor is the Gaussian pulse that probe, transmitted cycle and demodulation leave; the
    oblique receive paths lower its mean wave number a little. The lateral factor is the sum over
    the receive aperture of the pulse's wavefronts, at the scatterer's depth: its width is
    wavelength times f-number, and it widens and weakens where the probe's ends cut the aperture.
    Amplitudes are those of a delay-and-sum, 1 for a full aperture.

    Parameters
    ----------
    recording : Recording
        Probe and wave; `angle` must be 0.
    depth, lateral : array
        Evenly spaced pixel coordinates [mm].
    lines : array
        Lateral positions [mm] at which scatterers lie, increasing.
    f_number : float
        Depth over width of the receive aperture.

    Raises
    ------
    ValueError
        The wave is steered, the f-number is not positive, an axis is not evenly spaced, or a depth
        is not below the probe.

    References
    ----------
    Perrot et al., Ultrasonics 111:106309 (2021), for the aperture and the phase convention.
    """

    def __init__(
        self,
        recording: Recording,
        depth: ArrayLike,
        lateral: ArrayLike,
        lines: ArrayLike,
        f_number: float = 1.5,
    ) -> None:
        self.depth, self.lateral, self.lines = (
            np.asarray(axis, float) for axis in (depth, lateral, lines)
        )
        if recording.angle != 0:
            raise ValueError(
                f"Recording.angle = {recording.angle:g} deg: the echo model knows plane waves at 0"
                " only"
            )
        if not f_number > 0:
            raise ValueError(f"f_number = {f_number}: it must be above 0")
        steps = np.diff(self.depth)
        if (
            self.depth.size < 2
            or self.depth[0] < 0
            or not (steps > 0).all()
            or np.ptp(steps) > 1e-3 * steps[0]
        ):
            raise ValueError(
                "depth must be evenly spaced, increasing values from 0 mm on, at least two"
            )
        self.wavenumber = recording.axial_wavenumber
        self.pulse_length = pulse_length(recording)
        # half a wavelength by f-number, a deviation too [mm]
        self.beam_width = 2 * np.pi / self.wavenumber * f_number
        slope = 1 / (2 * f_number)
        # mean cosine of the directions in which the echoes return
        receive = np.arcsinh(slope) / slope
        self.deviation = self.wavenumber * (receive - 1) / 2
        self._lateral = self._lateral_factor(recording, slope)

    def _lateral_factor(self, recording: Recording, slope: float) -> NDArray[np.complex64]:
        """Integrate the wavefronts over the aperture; shape ``(depth, line, lateral)``."""
        path = np.arange(0, 1.1 * np.ptp(np.r_[self.lines, self.lateral]) + 1, _TABLE_STEP)
        wave = np.exp(0.5j * self.wavenumber * path - (path / (2 * self.pulse_length)) ** 2 / 2)
        table = np.r_[0, np.cumsum((wave[1:] + wave[:-1]) / 2) * _TABLE_STEP].astype(np.complex64)
        table[1:] /= path[1:].astype(np.float32)
        table[0] = 1
        # mean of the wave from 0 to a path, negative ones first
        table = np.r_[table[:0:-1].conj(), table]
        apart = (self.lateral - self.lines[:, None]).astype(np.float32)
        ends = recording.element_positions[[0, -1]] + np.array([-0.5, 0.5]) * recording.pitch
        factor = np.empty((self.depth.size, *apart.shape), np.complex64)
        for row, depth in enumerate(self.depth):
            reach = max(slope * depth, recording.pitch / 2)
            first = np.maximum(self.lateral - reach, ends[0])
            last = np.minimum(self.lateral + reach, ends[1])
            away = np.stack([self.lateral - first, self.lateral - np.maximum(first, last)])
            sine = (away / np.hypot(away, max(depth, 1e-6))).astype(np.float32)
            share = sine / np.float32(2 * reach / np.hypot(reach, depth))
            index = (
                np.rint(apart * (sine[:, None] / np.float32(_TABLE_STEP))).astype(np.int32)
                + path.size
                - 1
            )
            factor[row] = share[0] * table[index[0]] - share[1] * table[index[1]]
        return factor

    def images(
        self,
        position: NDArray[np.floating],
        line: NDArray[np.integer],
        weights: NDArray[np.generic],
        *,
        derivative: bool = False,
    ) -> NDArray[np.complex64]:
        """Sum the echoes of all scatterers, once for every column of weights.

        Parameters
        ----------
        position : array
            Depths of the scatterers [mm], shape ``(point,)``.
        line : array
            Their indices into `lines`, shape ``(point,)``.
        weights : array
            Amplitudes, shape ``(point, image)``.
        derivative : bool
            Give the derivative of the echo with respect to a displacement towards the probe [1/mm].

        Returns
        -------
        array of complex64
            Shape ``(image, depth, lateral)``.
        """
        step = self.depth[1] - self.depth[0]
        half = int(np.ceil(_REACH * self.pulse_length / step))
        row = np.rint((position - self.depth[0]) / step).astype(np.int64)[:, None] + np.arange(
            -half, half + 1
        )
        above = self.depth[0] + row * step - position[:, None]
        echo = np.exp(-((above / self.pulse_length) ** 2) / 2 + 1j * self.deviation * above)
        echo *= np.exp(-1j * self.wavenumber * position)[:, None]
        if derivative:
            echo *= 1j * (self.wavenumber + self.deviation) - above / self.pulse_length**2
        echo[(row < 0) | (row >= self.depth.size)] = 0
        cell = np.clip(row, 0, self.depth.size - 1) * self.lines.size + line[:, None]
        matrix = csc_array(
            (
                echo.astype(np.complex64).ravel(),
                cell.ravel(),
                np.arange(0, cell.size + 1, cell.shape[1]),
            ),
            shape=(self.depth.size * self.lines.size, len(position)),
        )
        lines = (matrix @ weights.astype(np.complex64)).reshape(
            self.depth.size, self.lines.size, -1
        )
        return np.ascontiguousarray(
            np.matmul(lines.transpose(0, 2, 1), self._lateral).transpose(1, 0, 2)
        )
