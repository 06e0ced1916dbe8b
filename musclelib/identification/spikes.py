"""Firings by convolutive blind source separation: the impulses that a twitch train was made of."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from musclelib.identification.units import MINIMUM_FRAMES

WINDOW = 0.03
"""How long a train is looked at around each frame [s]; 20 delays at the field's rates are of this order."""

DISTANCE = 0.05
"""Shortest time between two firings [s]."""

HEIGHT = 2.0
"""A firing stands out of the source by this many median absolute deviations (the field: 2 to 4)."""

_WEAKEST = 0.005  # of the strongest principal component of the delays, and
_NOISE = 3.0  # times their noise: what is weaker is left out, for whitening would raise it
_STARTS = 16
_ITERATIONS = 100
_ONSET = 0.05  # how far a twitch's velocity has risen at its onset, from trough to peak
_SMOOTH = 0.0125  # running average of the mean twitch [s]


def _white(train: np.ndarray, delays: int) -> np.ndarray:
    """Return the principal components `(component, time)` of a train's delayed copies, with variance 1."""
    padded = np.pad(train, (delays // 2, delays - 1 - delays // 2), mode="edge")
    copies = np.lib.stride_tricks.sliding_window_view(padded, len(train))  # (delay, time)
    copies = copies - copies.mean(axis=1, keepdims=True)
    powers, ways = np.linalg.eigh(copies @ copies.T / len(train))
    least = max(_WEAKEST * powers[-1], _NOISE * np.median(powers[: max(1, delays // 2)]))
    kept = powers > min(least, powers[-1] / 2)
    return (ways[:, kept] / np.sqrt(powers[kept])).T @ copies


def _source(white: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the most skewed source `(time,)` that the third moment's fixed point finds from some frames."""
    ways = white[:, starts].T
    for _ in range(_ITERATIONS):
        ways = ways / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-12)
        ways = (ways @ white) ** 2 @ white.T
    sources = ways @ white
    sources /= sources.std(axis=1, keepdims=True)
    return sources[(sources**3).mean(axis=1).argmax()]


def _delay(train: np.ndarray, peaks: np.ndarray, frame_rate: float) -> int:
    """Return the frames from a twitch's onset to the peaks of a source, by the mean of the train around them."""
    reach = round(2 * DISTANCE * frame_rate)
    smooth = uniform_filter1d(train, max(1, round(_SMOOTH * frame_rate)), mode="nearest")
    around = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, len(train) - 1)
    twitch = smooth[around].mean(axis=0)
    # the maximum that belongs to these peaks is the nearest one, not that of the firing before or after
    near = slice(reach // 2, reach + reach // 2 + 1)
    top = near.start + int(twitch[near].argmax())
    before = twitch[max(0, top - reach // 2) : top + 1]
    trough = before.min()
    below = np.flatnonzero(before <= trough + _ONSET * (before[-1] - trough))
    return reach - top + len(before) - 1 - int(below[-1])


def _single(train: np.ndarray, frame_rate: float, rng: np.random.Generator) -> np.ndarray:
    train = train - train.mean()
    if not train.any():
        return np.zeros(0)
    white = _white(train, max(2, round(WINDOW * frame_rate)))
    starts = rng.choice(np.flatnonzero(train >= np.quantile(train, 0.8)), _STARTS)  # where a twitch is likely
    source = _source(white, starts)
    middle = np.median(source)
    height = middle + HEIGHT * np.median(np.abs(source - middle))
    peaks = find_peaks(source, height=height, distance=max(1, round(DISTANCE * frame_rate)))[0]
    if not len(peaks):
        return np.zeros(0)
    times = (peaks - _delay(train, peaks, frame_rate)) / frame_rate
    return times[times >= 0]


def spikes(trains: np.ndarray, frame_rate: float, seed: int = 0) -> np.ndarray | list[np.ndarray]:
    """Return the firing times in twitch trains, at the onset of the twitches [s].

    Each train is extended by its delayed copies, whitened, and unmixed by a fixed-point iteration: among all filters of
    `WINDOW`, the one whose output is most like impulses. The field does so with tanh (as Rohlén et al., BioMed Eng
    Online 22, 2023), which does not tell impulses from waves or up from down where a train has few firings: here the
    third moment takes its place, which also settles the sign. The source's delay is settled by the mean of the train
    around its peaks: a firing is where this has risen by a twentieth from the trough before the peak (the twitch before
    still relaxes, so that 0 would come too late). What is left of a lag is constant in a unit; the electrical firing
    comes earlier by the unit's lead, 3 to 15 ms.

    Parameters
    ----------
    trains : numpy.ndarray
        `(time,)`, or `(unit, time)`; velocity in any unit, contraction is positive.
    frame_rate : float
        Frames a second [Hz].
    seed : int
        Seed of the frames that the iteration starts from.

    Returns
    -------
    numpy.ndarray or list[numpy.ndarray]
        Rising times of the one train, or a list of them, one a unit.

    Raises
    ------
    ValueError
        The trains are of another shape, too short or not finite, or the frame rate is not positive.
    """
    trains = np.asarray(trains, np.float64)
    if trains.ndim not in (1, 2) or trains.shape[-1] < MINIMUM_FRAMES:
        raise ValueError(
            f"trains have shape {trains.shape}: (unit, time) or (time,) of {MINIMUM_FRAMES} frames or more"
        )
    if not np.isfinite(trains).all():
        raise ValueError(f"trains: {np.count_nonzero(~np.isfinite(trains))} values are not finite")
    if not frame_rate > 0:
        raise ValueError(f"frame_rate = {frame_rate} [Hz]: above 0 is needed")
    # a generator for each, so that a unit's firings do not depend on its neighbours
    found = [_single(train, frame_rate, np.random.default_rng(seed)) for train in np.atleast_2d(trains)]
    return found if trains.ndim == 2 else found[0]
