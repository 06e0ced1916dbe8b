"""Electronic noise in a delay-and-sum image, white within the band, for any frame by its number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from musclelib.acquisition import Recording
from musclelib.streams import Purpose, stream

_MARGIN = 6  # number of samples beyond the image, so that noise is as strong at its borders


class ElectronicNoise:
    """Complex Gaussian noise, independent from frame to frame, of unit mean power.

    Demodulation limits the noise to the recording's band along depth, and the receive aperture to
    its directions, so the noise is drawn at the lowest rate that carries both and interpolated by
    sinc functions. Its power is the same everywhere: the growing number of elements with depth adds
    noise as it compensates the spreading of echoes.

    Parameters
    ----------
    recording : Recording
        Centre frequency and bandwidth.
    depth, lateral : numpy.ndarray
        Coordinates of the pixels [mm].
    f_number : float
        Ratio of depth to width of the receive aperture.
    seed, index : int
        Seed of the set and number of the sequence; each frame has a separate random stream.
    """

    def __init__(
        self,
        recording: Recording,
        depth: NDArray[np.floating],
        lateral: NDArray[np.floating],
        f_number: float,
        seed: int,
        index: int,
    ) -> None:
        wavenumber = recording.axial_wavenumber
        sine = 1 / np.hypot(1, 2 * f_number)
        self._down = _sinc(depth, np.pi / (recording.bandwidth / 2 * wavenumber))
        self._across = _sinc(lateral, np.pi / (sine * wavenumber / 2)).T.copy()
        self._key = seed, index

    def __call__(self, start: int, stop: int) -> NDArray[np.complex64]:
        """Return the noise of frames, `(time, depth, lateral)`."""
        coarse = (self._down.shape[1], 2, self._across.shape[0])
        noise = np.empty((stop - start, self._down.shape[0], self._across.shape[1]), np.complex64)
        for frame in range(start, stop):
            rng = stream(Purpose.ECHO_NOISE, *self._key, frame)
            white = rng.standard_normal(coarse, dtype=np.float32)
            fine = (self._down @ white.reshape(len(white), -1)).reshape(
                -1, coarse[2]
            ) @ self._across
            fine = fine.reshape(len(self._down), 2, -1) * np.float32(np.sqrt(0.5))
            noise.real[frame - start], noise.imag[frame - start] = fine[:, 0], fine[:, 1]
        return noise


def _sinc(pixels: NDArray[np.floating], step: float) -> NDArray[np.float32]:
    """Return weights of samples `step` apart at pixels, with rows of norm 1 to keep the power."""
    samples = np.arange(pixels[0] - _MARGIN * step, pixels[-1] + (_MARGIN + 1) * step, step)
    weights = np.sinc((pixels[:, None] - samples) / step)
    return (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32)
