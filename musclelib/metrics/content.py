"""Consistency of the content of paired sequences: whether a translation still shows the motion put in.

After Ali et al. 2022, BioMed Eng OnLine 21:46, "Evaluation of translation performance" and Fig. 3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.signal import butter, sosfiltfilt

from musclelib.metrics.arrays import Array, as_pair, as_sequence, check_frame_rate, depth_blocks

# [ms], one firing period of the slowest motor unit (8 Hz): beyond it the next firing is matched
MAX_LAG = 125.0


def cross_correlation(
    first: npt.ArrayLike, second: npt.ArrayLike, frame_rate: float, max_lag: float = MAX_LAG
) -> tuple[Array, Array]:
    """Find, at each pixel, the largest normalised cross-correlation of two sequences and its lag.

    The correlation at lag l is the sum over t of x(t) y(t + l) / (|x| |y|), of signals freed of
    their mean: divided by the norms of the whole signals, not of their overlap, so that a chance
    likeness of a few frames counts little. The largest value, not the largest magnitude, is taken:
    an inverted translation is no consistent one.

    Parameters
    ----------
    first, second : array
        Paired sequences `(time, depth, lateral)`.
    frame_rate : float
        Frames a second [Hz].
    max_lag : float
        Largest lag looked at, in either direction [ms]; lags without overlap do not matter.

    Returns
    -------
    correlation : array
        `(depth, lateral)`, between -1 and 1; NaN where a signal is constant.
    lag : array
        `(depth, lateral)` [ms], whole frames; positive where the second sequence is later. NaN as
        above.

    Raises
    ------
    ValueError
        The arrays are no sequences of one shape, or `frame_rate` or `max_lag` is out of range.
    """
    a, b = as_pair(first, second)
    check_frame_rate(frame_rate)
    if not 0 <= max_lag < np.inf:
        raise ValueError(f"max_lag = {max_lag} ms; it must be at least 0 and finite")
    frames, depth, lateral = a.shape
    reach = min(int(max_lag * 1e-3 * frame_rate + 1e-9), frames - 1)
    # so that lags within reach do not wrap round
    padded = fft.next_fast_len(frames + reach, real=True)
    correlation, lag = np.empty((2, depth, lateral), dtype=np.float32)
    for rows in depth_blocks(a):
        x, y = (fft.rfft(_unit_signals(s[:, rows]), padded, workers=2) for s in (a, b))
        values = fft.irfft(np.conj(x) * y, padded, workers=2)
        # from -reach to reach
        values = np.concatenate([values[:, padded - reach :], values[:, : reach + 1]], axis=1)
        best = values.argmax(axis=1)
        at_best = np.take_along_axis(values, best[:, None], axis=1)[:, 0]
        correlation[rows] = np.clip(at_best, -1, 1).reshape(-1, lateral)
        lags = np.where(np.isnan(at_best), np.nan, (best - reach) * 1e3 / frame_rate)
        lag[rows] = lags.reshape(-1, lateral)
    return correlation, lag


def _unit_signals(block: Array) -> Array:
    """Centre the time signals of a block and divide them by their norms: `(pixel, time)` float32."""
    centred = block - block.mean(axis=0, dtype=np.float64)
    norm = np.sqrt(np.einsum("tdl,tdl->dl", centred, centred))
    norm[(block == block[0]).all(axis=0)] = np.nan
    centred /= norm
    return np.ascontiguousarray(centred.reshape(len(block), -1).T, dtype=np.float32)


def difference_map(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Map the root mean square, over the frames, of the difference of two standardised sequences.

    Each sequence is first standardised as a whole to mean 0 and SD 1, as the paper does with its
    data, so that the gain of a translation does not matter. The sign is dropped before averaging:
    velocities have no mean over time, hence neither have their differences.

    Parameters
    ----------
    first, second : array
        Paired sequences `(time, depth, lateral)`.

    Returns
    -------
    array
        `(depth, lateral)` [SD]; 0 where the sequences agree.

    Raises
    ------
    ValueError
        The arrays are no sequences of one shape, or one is constant.
    """
    a, b = as_pair(first, second)
    (mean_a, sd_a), (mean_b, sd_b) = _level(a, "first"), _level(b, "second")
    squares = [
        np.mean(((a[:, rows] - mean_a) / sd_a - (b[:, rows] - mean_b) / sd_b) ** 2, axis=0)
        for rows in depth_blocks(a)
    ]
    return np.sqrt(np.concatenate(squares))


def _level(sequence: Array, name: str) -> tuple[np.float64, np.float64]:
    """Mean and SD of a whole sequence.

    NumPy's float64 scalars lift the blocks they meet to float64.
    """
    if (sequence == sequence[0, 0, 0]).all():
        raise ValueError(f"{name} is constant; it cannot be standardised")
    mean = np.mean(sequence, dtype=np.float64)
    power = (
        sum(np.sum((sequence[:, rows] - mean) ** 2) for rows in depth_blocks(sequence))
        / sequence.size
    )
    return mean, np.sqrt(np.float64(power))


def similarity_map(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Map the similarity of two sequences: 1 - d^2 / 2, with d of `difference_map`.

    It is 1 where they agree, and its mean over the map is the Pearson correlation of the two whole
    sequences: the map shows which pixels that correlation owes its shortfall to. The paper calls
    the sum of its difference maps the similarity map, without a scale.

    Parameters
    ----------
    first, second : array
        Paired sequences `(time, depth, lateral)`.

    Returns
    -------
    array
        `(depth, lateral)`, at most 1.

    Raises
    ------
    ValueError
        As `difference_map`.
    """
    return 1.0 - difference_map(first, second) ** 2 / 2


def similarity_profile(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Similarity against depth (Fig. 3E): the mean of `similarity_map` over the lateral axis, `(depth,)`."""
    return similarity_map(first, second).mean(axis=1)


def unit_correlation(
    velocity: npt.ArrayLike,
    territory: npt.ArrayLike,
    twitch_train: npt.ArrayLike,
    frame_rate: float,
    band: tuple[float, float] = (5.0, 50.0),
) -> Array:
    """Correlate the mean velocity of each unit's territory with its true twitch train, both through a band-pass.

    Whether a unit can still be read where it is: 1 if nothing else moves there. What overlaps it
    disturbs it, with translation or without; so the value is to be compared with that of the
    source.

    Parameters
    ----------
    velocity : array
        One sequence `(time, depth, lateral)`, in any unit.
    territory : array of bool
        `(unit, depth, lateral)`.
    twitch_train : array
        `(unit, time)`.
    frame_rate : float
        Frames a second [Hz].
    band : tuple of two floats
        Corners of the band-pass [Hz]: the second-order Butterworth filter, forwards and backwards.

    Returns
    -------
    array
        `(unit,)`; NaN for a unit without pixels or twitches.

    Raises
    ------
    ValueError
        The shapes do not agree, or the sequence is not valid.
    """
    sequence = as_sequence(velocity)
    check_frame_rate(frame_rate)
    mask, train = np.asarray(territory, bool), np.asarray(twitch_train, float)
    if mask.shape[1:] != sequence.shape[1:] or train.shape != (len(mask), len(sequence)):
        raise ValueError(
            f"territory {mask.shape} and twitch_train {train.shape} do not belong to a velocity"
            f" {sequence.shape}"
        )
    found = np.full(len(mask), np.nan)
    sections = butter(2, band, "bandpass", fs=frame_rate, output="sos")
    for unit in np.flatnonzero(mask.any(axis=(1, 2)) & train.any(axis=1)):
        pair = sosfiltfilt(
            sections, [sequence[:, mask[unit]].mean(axis=1, dtype=float), train[unit]]
        )
        if (pair.std(axis=1) > 0).all():
            found[unit] = np.corrcoef(pair)[0, 1]
    return found
