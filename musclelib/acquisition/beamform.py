"""Plane-wave delay-and-sum beamforming as one sparse matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from musclelib.acquisition.probe import Recording


class Beamformer:
    """Delay-and-sum of channel IQ onto a grid of pixels.

    Geometry and probe do not change during a recording, so delays, interpolation, phase rotation
    and aperture form one sparse matrix, built once: a row for each pixel, with two weights (linear
    interpolation) for each element of its aperture. The image is at baseband along depth as well:
    the carrier of the two-way path is removed, so that neighbouring depths differ only by the
    echo's deviation from the centre frequency.

    Parameters
    ----------
    recording : Recording
        Probe, sampling and transmitted wave.
    sample_count : int
        Number of fast-time samples of a frame.
    depth, lateral : numpy.ndarray
        Coordinates of the pixels [mm], `(depth,)` and `(lateral,)`.
    f_number : float
        Ratio of depth to width of the receive aperture; elements outside it are insensitive in the
        direction of the pixel.

    Raises
    ------
    ValueError
        The f-number is not positive, a depth is negative or below the last echo, or no pixel gets
        an echo.

    References
    ----------
    Perrot, Polichetti, Varray and Garcia, "So you think you can DAS?", Ultrasonics 111:106309
    (2021).
    """

    def __init__(
        self,
        recording: Recording,
        sample_count: int,
        depth: ArrayLike,
        lateral: ArrayLike,
        f_number: float = 1.5,
    ) -> None:
        self.depth = np.asarray(depth, float)
        self.lateral = np.asarray(lateral, float)
        if not f_number > 0:
            raise ValueError(f"f_number = {f_number}: it must be above 0")
        if self.depth.min() < 0:
            raise ValueError(
                f"depth {self.depth.min():g} mm lies behind the probe; depths start at 0 mm"
            )
        last = (
            (recording.start_time + (sample_count - 2) / recording.sampling_rate)
            * recording.sound_speed
            * 1e3
            / 2
        )
        if self.depth.max() > last:
            raise ValueError(
                f"depth goes to {self.depth.max():g} mm; the echoes end at {last:.4g} mm"
            )
        self.frame_shape = (sample_count, recording.element_count)
        z, x = (axis.ravel() for axis in np.meshgrid(self.depth, self.lateral, indexing="ij"))
        speed = recording.sound_speed * 1e3  # [mm/s]
        angle = np.deg2rad(recording.angle)
        transmit = z * np.cos(angle) + x * np.sin(angle)
        carrier = 2 * np.pi * recording.centre_frequency
        pixels, columns, weights = [], [], []
        for element, position in enumerate(recording.element_positions):
            delay = (transmit + np.hypot(x - position, z)) / speed
            sample = (delay - recording.start_time) * recording.sampling_rate
            # a pixel counts if it lies in the aperture and both neighbouring samples exist
            seen = (
                (np.abs(x - position) <= z / (2 * f_number))
                & (sample >= 0)
                & (sample <= sample_count - 2)
            )
            pixel = np.flatnonzero(seen)
            first = np.floor(sample[pixel]).astype(np.int32)
            fraction = sample[pixel] - first
            rotation = np.exp(1j * (carrier * delay[pixel] - recording.axial_wavenumber * z[pixel]))
            for offset, share in ((0, 1 - fraction), (1, fraction)):
                pixels.append(pixel.astype(np.int32))
                columns.append((first + offset) * recording.element_count + element)
                weights.append((rotation * share).astype(np.complex64))
        self.matrix = csr_array(
            (np.concatenate(weights), (np.concatenate(pixels), np.concatenate(columns))),
            shape=(z.size, sample_count * recording.element_count),
        )
        if self.matrix.nnz == 0:
            raise ValueError(
                f"no pixel of depth {self.depth.min():g} to {self.depth.max():g} mm lies in the"
                f" recorded {sample_count} samples from start_time {recording.start_time:g} s"
            )

    def __call__(self, iq: NDArray[np.complexfloating]) -> NDArray[np.complex64]:
        """Beamform frames.

        Parameters
        ----------
        iq : numpy.ndarray
            Channel data, demodulated by the centre frequency, `(time, fast_time, element)`.

        Returns
        -------
        numpy.ndarray of complex64
            Beamformed IQ, `(time, depth, lateral)`.

        Raises
        ------
        ValueError
            The frames are not complex, or not of the shape for which the matrix was built.
        """
        if iq.ndim != 3 or iq.shape[1:] != self.frame_shape or not np.iscomplexobj(iq):
            raise ValueError(
                f"channel IQ must be complex of shape (time, {self.frame_shape[0]},"
                f" {self.frame_shape[1]}); got {iq.dtype} of shape {iq.shape}"
            )
        frames = np.ascontiguousarray(iq.reshape(len(iq), -1).T, np.complex64)
        images = self.matrix @ frames
        return np.ascontiguousarray(images.T).reshape(len(iq), self.depth.size, self.lateral.size)
