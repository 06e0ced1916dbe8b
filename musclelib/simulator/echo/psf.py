"""The separable point spread function of the beamformed image, and sums over many scatterers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array

from musclelib.acquisition import Recording

_REACH = 4.0  # length of the axial pulse [SD], where it has fallen to exp(-8)
# loss at the ends of the band [dB]: the probe, the demodulation's low-pass, one transmitted cycle
_EDGE_LOSS = 6.0 + 6.0 + 1.8
_TABLE_STEP = 5e-4  # step of the path in the table [mm], a hundredth of a radian at the carrier


def pulse_length(recording: Recording) -> float:
    """Return the SD of the demodulated pulse's Gaussian envelope along depth [mm]."""
    edge = recording.bandwidth * recording.centre_frequency / 2
    duration = np.sqrt(_EDGE_LOSS * np.log(10) / 10) / (2 * np.pi * edge)  # [s]
    return float(duration * recording.sound_speed * 1e3 / 2)


class PointSpread:
    """Beamformed IQ of point scatterers under one unsteered plane wave, at baseband along depth.

    The axial factor is the Gaussian pulse after probe, transmitted cycle and demodulation; the
    oblique receive paths lower its mean wave number a little. The lateral factor is the sum of the
    pulse's wavefronts over the receive aperture, at the scatterer's depth: its width is the
    wavelength times the f-number, and it becomes wider and weaker where the ends of the probe cut
    the aperture. Amplitudes are those of a delay-and-sum, 1 for a full aperture.

    Parameters
    ----------
    recording : Recording
        Probe and wave; `angle` must be 0.
    depth, lateral : numpy.ndarray
        Coordinates of the pixels [mm], evenly spaced.
    lines : numpy.ndarray
        Lateral positions of the scatterers [mm], increasing.
    f_number : float
        Ratio of depth to width of the receive aperture.

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
        # half a wavelength times the f-number, as an SD [mm]
        self.beam_width = 2 * np.pi / self.wavenumber * f_number
        slope = 1 / (2 * f_number)
        # mean cosine of the directions from which echoes return
        receive = np.arcsinh(slope) / slope
        self.deviation = self.wavenumber * (receive - 1) / 2
        self._lateral = self._lateral_factor(recording, slope)

    def _lateral_factor(self, recording: Recording, slope: float) -> NDArray[np.complex64]:
        """Integrate the wavefronts over the receive aperture: `(depth, line, lateral)`.

        `slope` is half the width of the aperture relative to the depth.
        """
        # table of the mean of the pulse's wavefront from 0 to a path, negative paths first
        path = np.arange(0, 1.1 * np.ptp(np.r_[self.lines, self.lateral]) + 1, _TABLE_STEP)
        wave = np.exp(0.5j * self.wavenumber * path - (path / (2 * self.pulse_length)) ** 2 / 2)
        table = np.r_[0, np.cumsum((wave[1:] + wave[:-1]) / 2) * _TABLE_STEP].astype(np.complex64)
        table[1:] /= path[1:].astype(np.float32)
        table[0] = 1
        table = np.r_[table[:0:-1].conj(), table]

        apart = (self.lateral - self.lines[:, None]).astype(np.float32)
        ends = recording.element_positions[[0, -1]] + np.array([-0.5, 0.5]) * recording.pitch
        factor = np.empty((self.depth.size, *apart.shape), np.complex64)
        for row, depth in enumerate(self.depth):
            # the aperture of each pixel, cut by the ends of the probe
            reach = max(slope * depth, recording.pitch / 2)
            first = np.maximum(self.lateral - reach, ends[0])
            last = np.minimum(self.lateral + reach, ends[1])

            # sines of the directions of its two ends, and their shares of a full aperture
            away = np.stack([self.lateral - first, self.lateral - np.maximum(first, last)])
            sine = (away / np.hypot(away, max(depth, 1e-6))).astype(np.float32)
            share = sine / np.float32(2 * reach / np.hypot(reach, depth))

            # the path to a line is its distance times the sine: an integral between two sines is
            # the difference of two entries of the table
            place = np.rint(apart * (sine[:, None] / np.float32(_TABLE_STEP))).astype(np.int32)
            index = place + path.size - 1
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
        position : numpy.ndarray
            Depths of the scatterers [mm], `(point,)`.
        line : numpy.ndarray
            Indices of the scatterers' lines in `lines`, `(point,)`.
        weights : numpy.ndarray
            Amplitudes, `(point, image)`.
        derivative : bool
            Whether to return the derivative with respect to a displacement to the probe [1/mm].

        Returns
        -------
        numpy.ndarray of complex64
            `(image, depth, lateral)`.
        """
        # the axial pulse of each scatterer in the rows around it
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

        # sum the pulses on each line by a sparse matrix, then spread the lines laterally
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
