"""Content consistency of paired sequences: whether a translation keeps the motion.

After Ali et al. 2022, BioMed Eng OnLine 21:46, "Evaluation of translation performance" and Fig. 3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.signal import butter, sosfiltfilt

from musclelib.metrics.arrays import Array, as_pair, as_sequence, check_frame_rate, depth_blocks

MAX_LAG = 125.0
"""Largest lag [ms], one firing period at 8 Hz; beyond it, a firing would match the next one."""


def cross_correlation(
    first: npt.ArrayLike, second: npt.ArrayLike, frame_rate: float, max_lag: float = MAX_LAG
) -> tuple[Array, Array]:
    """Find, at each pixel, the largest normalised cross-correlation of two sequences and its lag.

    The correlation at lag l is the sum over t of x(t) y(t + l) / (|x| |y|), of signals minus their
    means. The divisor holds the norms of the whole signals, not of their overlap, so that a chance
    similarity of a few frames counts little. The largest value is taken and not the largest
    magnitude: an inverted translation is not consistent.

    Parameters
    ----------
    first, second : numpy.ndarray
        Paired sequences `(time, depth, lateral)`.
    frame_rate : float
        Frame rate [Hz].
    max_lag : float
        Largest lag searched in either direction [ms]; lags without overlap are left out.

    Returns
    -------
    correlation : numpy.ndarray
        `(depth, lateral)`, between -1 and 1; NaN where a signal is constant.
    lag : numpy.ndarray
        `(depth, lateral)` [ms], whole frames; positive where the second sequence is later, NaN
        where the correlation is NaN.

    Raises
    ------
    ValueError
        The arrays are not sequences of one shape, or `frame_rate` or `max_lag` is out of range.
    """
    a, b = as_pair(first, second)
    check_frame_rate(frame_rate)
    if not 0 <= max_lag < np.inf:
        raise ValueError(f"max_lag = {max_lag} ms; it must be at least 0 and finite")
    frames, depth, lateral = a.shape
    reach = min(int(max_lag * 1e-3 * frame_rate + 1e-9), frames - 1)
    # padding keeps the circular correlation from wrapping round within reach
    padded = fft.next_fast_len(frames + reach, real=True)
    correlation, lag = np.empty((2, depth, lateral), dtype=np.float32)
    for rows in depth_blocks(a):
        x, y = (fft.rfft(_unit_signals(s[:, rows]), padded, workers=2) for s in (a, b))
        values = fft.irfft(np.conj(x) * y, padded, workers=2)
        # in the order of lags, from -reach to reach
        values = np.concatenate([values[:, padded - reach :], values[:, : reach + 1]], axis=1)
        best = values.argmax(axis=1)
        at_best = np.take_along_axis(values, best[:, None], axis=1)[:, 0]
        correlation[rows] = np.clip(at_best, -1, 1).reshape(-1, lateral)
        lags = np.where(np.isnan(at_best), np.nan, (best - reach) * 1e3 / frame_rate)
        lag[rows] = lags.reshape(-1, lateral)
    return correlation, lag


def difference_map(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Map the root mean square over time of the difference of two standardised sequences.

    Each sequence is first standardised as a whole to mean 0 and SD 1, as the paper does with its
    data, so that the gain of a translation does not matter. The squares are averaged because the
    mean of a velocity over time is about 0, and so is that of a difference.

    Parameters
    ----------
    first, second : numpy.ndarray
        Paired sequences `(time, depth, lateral)`.

    Returns
    -------
    numpy.ndarray
        `(depth, lateral)` [SD]; 0 where the sequences agree.

    Raises
    ------
    ValueError
        The arrays are not sequences of one shape, or one is constant.
    """
    a, b = as_pair(first, second)
    (mean_a, sd_a), (mean_b, sd_b) = _level(a, "first"), _level(b, "second")
    squares = [
        np.mean(((a[:, rows] - mean_a) / sd_a - (b[:, rows] - mean_b) / sd_b) ** 2, axis=0)
        for rows in depth_blocks(a)
    ]
    return np.sqrt(np.concatenate(squares))


def similarity_map(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Map the similarity of two sequences, 1 - d^2 / 2 with d from `difference_map`.

    The similarity is 1 where the sequences agree, and its mean over the map is the Pearson
    correlation of the two whole sequences: the map shows which pixels lower that correlation. The
    paper calls the sum of its difference maps the similarity map, without a scale.

    Parameters
    ----------
    first, second : numpy.ndarray
        Paired sequences `(time, depth, lateral)`.

    Returns
    -------
    numpy.ndarray
        `(depth, lateral)`, at most 1.

    Raises
    ------
    ValueError
        As `difference_map`.
    """
    return 1.0 - difference_map(first, second) ** 2 / 2


def similarity_profile(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Return the similarity against depth (Fig. 3E), the lateral mean of `similarity_map`."""
    return similarity_map(first, second).mean(axis=1)


def unit_correlation(
    velocity: npt.ArrayLike,
    territory: npt.ArrayLike,
    twitch_train: npt.ArrayLike,
    frame_rate: float,
    band: tuple[float, float] = (5.0, 50.0),
) -> Array:
    """Correlate the mean velocity of each unit's territory with its true twitch train.

    Both pass through a band-pass first. The correlation says whether a unit's twitches can be read
    at its place: it is 1 if nothing else moves there. Overlapping units lower it with and without
    translation, so compare the value of a translation with that of its source.

    Parameters
    ----------
    velocity : numpy.ndarray
        One sequence `(time, depth, lateral)`, in any unit.
    territory : numpy.ndarray of bool
        `(unit, depth, lateral)`.
    twitch_train : numpy.ndarray
        `(unit, time)`.
    frame_rate : float
        Frame rate [Hz].
    band : tuple of float
        Corner frequencies of the band-pass [Hz], a second-order Butterworth filter that is applied
        forwards and backwards.

    Returns
    -------
    numpy.ndarray
        `(unit,)`; NaN for a unit without pixels or twitches.

    Raises
    ------
    ValueError
        The shapes do not agree, or the sequence is invalid.
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


def _unit_signals(block: Array) -> Array:
    """Return the time signals of a block, centred and of norm 1: `(pixel, time)` float32."""
    centred = block - block.mean(axis=0, dtype=np.float64)
    norm = np.sqrt(np.einsum("tdl,tdl->dl", centred, centred))
    norm[(block == block[0]).all(axis=0)] = np.nan
    centred /= norm
    return np.ascontiguousarray(centred.reshape(len(block), -1).T, dtype=np.float32)


def _level(sequence: Array, name: str) -> tuple[np.float64, np.float64]:
    """Return mean and SD of a whole sequence as float64, so that they promote blocks to float64."""
    if (sequence == sequence[0, 0, 0]).all():
        raise ValueError(f"{name} is constant; it cannot be standardised")
    mean = np.mean(sequence, dtype=np.float64)
    power = (
        sum(np.sum((sequence[:, rows] - mean) ** 2) for rows in depth_blocks(sequence))
        / sequence.size
    )
    return mean, np.sqrt(np.float64(power))
