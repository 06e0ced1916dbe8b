"""Firing times as the onsets of twitches, by a trained detector, up to 25 firings a second."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from scipy.fft import dct, idct
from scipy.signal import find_peaks

from musclelib.identification.motor_units import MINIMUM_FRAMES
from musclelib.identification.separation.band import LIMIT
from musclelib.networks import weights
from musclelib.networks.firing_detector import RATE, FiringDetector

_SMOOTH = (0.25, 0.5, 0.25)
_APART = 3  # shortest distance between peaks [frame]


@dataclass(frozen=True, eq=False)
class Onsets:
    """Find the firing times in twitch trains, at the onset of the twitches.

    The electrical firing precedes the onset by the unit's lead of 3 to 15 ms, which no image shows.

    Attributes
    ----------
    detector : FiringDetector
        The trained network, in evaluation mode.
    """

    detector: FiringDetector

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read `firings.safetensors` of a folder, such as data/weights/identification.

        Raises
        ------
        WeightsError
            The file is missing or damaged, or holds another network.
        """
        return cls(weights.load(Path(folder) / "firings.safetensors", FiringDetector))

    @torch.no_grad()
    def __call__(self, trains: np.ndarray, frame_rate: float) -> list[np.ndarray]:
        """Return the onset times of each train since its first frame, in ascending order [s].

        Parameters
        ----------
        trains : numpy.ndarray
            Velocity `(unit, time)`, in any unit; contraction is positive.
        frame_rate : float
            Frame rate [Hz].

        Raises
        ------
        ValueError
            The trains have another shape, are too short or not finite, or the frame rate is not
            positive.
        """
        trains = np.asarray(trains, np.float64)
        if trains.ndim != 2 or trains.shape[1] < MINIMUM_FRAMES:
            raise ValueError(
                f"trains have shape {trains.shape}: (unit, time) of {MINIMUM_FRAMES} frames or more"
            )
        if not np.isfinite(trains).all():
            raise ValueError(
                f"trains: {np.count_nonzero(~np.isfinite(trains))} values are not finite"
            )
        if not frame_rate > 0:
            raise ValueError(f"frame_rate = {frame_rate} [Hz]: above 0 is needed")
        moving = np.ptp(trains, axis=1) > 0
        expected = np.zeros((len(trains), round(trains.shape[1] / frame_rate * RATE)), np.float32)
        if moving.any():
            standard = standardised(at_rate(trains[moving], frame_rate))
            expected[moving] = self.detector(torch.from_numpy(standard)[:, None]).numpy()
        # at both rates the frames divide the recording evenly; times count from its first frame
        late = 0.5 / RATE - 0.5 / frame_rate
        return [np.maximum(firing_times(one) + late, 0) for one in expected]


def at_rate(trains: np.ndarray, frame_rate: float) -> np.ndarray:
    """Resample trains `(unit, time)` to the detector's frame rate, with frequencies to `LIMIT`."""
    frames = trains.shape[1]
    wanted = round(frames / frame_rate * RATE)
    whole = dct(trains, axis=1, norm="ortho")
    kept = whole[:, : min(int(LIMIT * 2 * frames / frame_rate), wanted)]
    return idct(
        np.pad(kept, ((0, 0), (0, wanted - kept.shape[1]))), axis=1, norm="ortho"
    ) * np.sqrt(wanted / frames)


def standardised(trains: np.ndarray) -> np.ndarray:
    """Scale each of the trains `(unit, time)` to mean 0 and SD 1, float32; constant ones to 0."""
    moving = trains - trains.mean(axis=1, keepdims=True)
    deviation = moving.std(axis=1, keepdims=True)
    return np.divide(moving, deviation, out=np.zeros_like(moving), where=deviation > 0).astype(
        np.float32
    )


def firing_times(expected: np.ndarray) -> np.ndarray:
    """Return firing times since the first frame [s] from the expected number of firings.

    The expected numbers form peaks. Each peak, from the valley before to the valley after it,
    stands for as many firings as the rounded sum of the numbers there; the n-th firing lies where
    the cumulative sum has reached n - 1/2 of these firings.

    Parameters
    ----------
    expected : numpy.ndarray
        Expected number of firings in each frame `(time,)`, at `RATE`.
    """
    smooth = np.convolve(expected, _SMOOTH, "same")
    peaks = find_peaks(smooth, distance=_APART)[0]
    valleys = [
        before + int(smooth[before:after].argmin()) for before, after in itertools.pairwise(peaks)
    ]
    times: list[float] = []
    for first, last in itertools.pairwise([0, *valleys, len(expected)]):
        sums = np.concatenate([[0.0], np.cumsum(expected[first:last], dtype=np.float64)])
        count = int(sums[-1] + 0.5)
        if count:
            # the sum that includes a frame is reached half a frame after the frame's middle
            frames = np.interp(
                (np.arange(count) + 0.5) / count * sums[-1],
                sums,
                first - 0.5 + np.arange(len(sums)),
            )
            times += (frames / RATE).tolist()
    return np.array(times)
