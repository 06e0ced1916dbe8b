"""A sequence in the frequency band of twitches, with fewer numbers and its level of noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.fft import dct, idct

from musclelib.identification.separation.noise import noise_variance

LIMIT = 50.0
"""Highest frequency kept [Hz]; at most 0.5 % of the power of a simulated twitch train is above."""

_EMPTY = 80.0  # above this frequency [Hz] there is only noise
# share of the mean power, at the level of rounding errors and of effects of the sequence's ends
_LEAST = 1e-5


@dataclass(frozen=True)
class Band:
    """A sequence as the coefficients of its cosine transform over time, without its mean.

    Attributes
    ----------
    coefficients : numpy.ndarray
        `(coefficient, pixel)`, float32, up to `LIMIT`; the transform is orthonormal, so white noise
        stays white.
    field : tuple of int
        Number of pixels along depth and lateral.
    frames : int
        Number of frames of the sequence.
    noise : float
        Variance of the white noise, at least 1e-5 of the mean power, which also holds for sequences
        that were band-limited before.
    """

    coefficients: np.ndarray
    field: tuple[int, int]
    frames: int
    noise: float

    @classmethod
    def of(cls, velocity: np.ndarray, frame_rate: float) -> Band:
        """Transform a sequence `(time, depth, lateral)` of `frame_rate` [Hz].

        Raises
        ------
        ValueError
            The sequence is too short to have a frequency below `LIMIT`.
        """
        frames = len(velocity)
        whole = dct(velocity.reshape(frames, -1), axis=0, norm="ortho")
        per_hertz = 2 * frames / frame_rate
        kept = whole[1 : math.ceil(LIMIT * per_hertz)]
        if not len(kept):
            raise ValueError(
                f"velocity lasts {frames / frame_rate:.3g} s: more than {0.5 / LIMIT:g} s are"
                " needed"
            )
        # the frequencies above the band hold the noise; pixels beyond the image have none
        moving = kept.any(axis=0)
        empty = whole[math.ceil(_EMPTY * per_hertz) :, moving]
        if len(empty):
            noise = float(np.median((empty**2).mean(axis=1)))
        else:  # the frame rate is too low for such frequencies
            real = kept[:, moving]
            noise = noise_variance(singular(real)[1][: min(real.shape)], *real.shape)
        return cls(
            kept,
            (velocity.shape[1], velocity.shape[2]),
            frames,
            max(noise, _LEAST * float((kept**2).mean())),
        )

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Left singular vectors `(coefficient, component)` and singular values."""
        return singular(self.coefficients)

    def over_time(self, trains: np.ndarray) -> np.ndarray:
        """Transform trains `(unit, coefficient)` back to `(unit, time)`."""
        whole = np.zeros((len(trains), self.frames), np.float32)
        whole[:, 1 : trains.shape[1] + 1] = trains
        return idct(whole, axis=1, norm="ortho")

    def chance(self, pixels: float | np.ndarray) -> np.ndarray:
        """Return the largest energy that a train can have by chance in the noise of `pixels`.

        This is the upper edge of the distribution of Marchenko and Pastur.
        """
        return self.noise * (math.sqrt(len(self.coefficients)) + np.sqrt(pixels)) ** 2


def singular(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return left singular vectors and singular values of a wide matrix, largest first."""
    squares, vectors = np.linalg.eigh(values @ values.T)
    return vectors[:, ::-1], np.sqrt(np.maximum(squares[::-1], 0))
