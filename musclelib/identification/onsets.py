"""Firing times out of twitch trains: when each twitch begins, by a trained detector, up to 25 firings a second."""

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
_APART = 3  # shortest distance of peaks [frame]


@dataclass(frozen=True, eq=False)
class Onsets:
    """Find the firing times in twitch trains, at the onset of the twitches.

    The electrical firing comes earlier by the unit's lead, 3 to 15 ms, which no image shows.

    Attributes
    ----------
    detector : FiringDetector
        Trained, in evaluation mode.
    """

    detector: FiringDetector

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read `firings.safetensors` of a folder, such as data/weights/identification.

        Raises
        ------
        WeightsError
            The file is missing, damaged, or of something else.
        """
        return cls(weights.load(Path(folder) / "firings.safetensors", FiringDetector))

    @torch.no_grad()
    def __call__(self, trains: np.ndarray, frame_rate: float) -> list[np.ndarray]:
        """Return the rising onset times of each train, from its first frame on [s].

        Parameters
        ----------
        trains : numpy.ndarray
            `(unit, time)`; velocity in any unit, contraction is positive.
        frame_rate : float
            Frames a second [Hz].

        Raises
        ------
        ValueError
            The trains are of another shape, too short or not finite, or the frame rate is not
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
        # frames cover the recording's time evenly at either rate; its first one is at 0
        late = 0.5 / RATE - 0.5 / frame_rate
        return [np.maximum(firing_times(one) + late, 0) for one in expected]


def at_rate(trains: np.ndarray, frame_rate: float) -> np.ndarray:
    """Return trains `(unit, time)` up to `LIMIT` at the detector's frame rate, by their cosine transform."""
    frames = trains.shape[1]
    wanted = round(frames / frame_rate * RATE)
    whole = dct(trains, axis=1, norm="ortho")
    kept = whole[:, : min(int(LIMIT * 2 * frames / frame_rate), wanted)]
    return idct(
        np.pad(kept, ((0, 0), (0, wanted - kept.shape[1]))), axis=1, norm="ortho"
    ) * np.sqrt(wanted / frames)


def standardised(trains: np.ndarray) -> np.ndarray:
    """Return trains `(unit, time)` with mean 0 and standard deviation 1 each, float32.

    Still ones as 0.
    """
    moving = trains - trains.mean(axis=1, keepdims=True)
    deviation = moving.std(axis=1, keepdims=True)
    return np.divide(moving, deviation, out=np.zeros_like(moving), where=deviation > 0).astype(
        np.float32
    )


def firing_times(expected: np.ndarray) -> np.ndarray:
    """Return the times [s] out of expected firings in each frame `(time,)` of `RATE`, from the first frame on.

    What is expected lies in peaks. Between the valleys beside it, a peak is as many firings as are
    expected there, rounded; they lie where the sum passes a half of the first, of the second, and
    so on.
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
            # the sum up to and with a frame is reached half a frame after it
            frames = np.interp(
                (np.arange(count) + 0.5) / count * sums[-1],
                sums,
                first - 0.5 + np.arange(len(sums)),
            )
            times += (frames / RATE).tolist()
    return np.array(times)
