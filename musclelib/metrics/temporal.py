"""Temporal feature of a sequence: its log power spectral density, averaged over the pixels.

After Ali et al. 2022, BioMed Eng OnLine 21:46, "Evaluation of translation performance"; the
estimator is not given there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import signal

from musclelib.metrics.arrays import (
    Array,
    as_sequence,
    as_set,
    check_frame_rate,
    depth_blocks,
    require_motion,
)
from musclelib.metrics.correlation import correlation_matrix

MINIMUM_FRAMES = 8
PSD_FLOOR = 1e-10  # share of the peak, -100 dB: lower values are rounding errors of float32


def log_psd(
    velocity: npt.ArrayLike, frame_rate: float, segment: float = 0.5
) -> tuple[Array, Array]:
    """Estimate the log power spectral density of a sequence, averaged over its pixels.

    Welch's method with Hann windows that overlap by half. A segment of fixed duration puts
    sequences of different length on the same frequencies, and averaging over segments smooths out
    the firing times of a few motor units, which characterise one sequence and not its domain. 0.5 s
    resolves 2 Hz. A sequence shorter than a segment is a single segment. Frequency 0 is left out,
    since the mean of each segment is subtracted.

    Parameters
    ----------
    velocity : numpy.ndarray
        One sequence `(time, depth, lateral)`, in any unit.
    frame_rate : float
        Frame rate [Hz].
    segment : float
        Duration of a segment [s].

    Returns
    -------
    frequency : numpy.ndarray
        `(frequency,)` [Hz].
    log_psd : numpy.ndarray
        log10 of the density in (unit of velocity)^2/Hz, `(frequency,)` [decades], at least
        `PSD_FLOOR` times its peak.

    Raises
    ------
    ValueError
        The array is not a sequence or is constant, it or a segment has fewer than 8 frames, or
        `frame_rate` is not above 0.
    """
    sequence = as_sequence(velocity, minimum_frames=MINIMUM_FRAMES)
    require_motion(sequence)
    check_frame_rate(frame_rate)
    frames = min(round(segment * frame_rate), len(sequence))
    if frames < MINIMUM_FRAMES:
        raise ValueError(
            f"segment = {segment} s has {frames} frames; at least {MINIMUM_FRAMES} are needed"
        )
    density: Array = np.zeros(frames // 2 + 1)
    for rows in depth_blocks(sequence):
        frequency, block = signal.welch(sequence[:, rows], frame_rate, nperseg=frames, axis=0)
        density += block.sum(axis=(1, 2), dtype=np.float64)
    density = density[1:] / sequence[0].size
    return frequency[1:], np.log10(np.maximum(density, PSD_FLOOR * density.max()))


def psd_correlation(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    frequency: npt.ArrayLike,
    band: tuple[float, float] | None = None,
) -> Array:
    """Correlate log power spectral densities (Corr_PSD of Table 1).

    Over all frequencies the correlation mostly compares how the spectra fall off outside the pass
    band of the acquisition; a band such as 5 to 50 Hz compares the motion itself.

    Parameters
    ----------
    first, second : numpy.ndarray
        Log power spectral densities on the same frequencies, `(n, frequency)` and `(m, frequency)`.
    frequency : numpy.ndarray
        `(frequency,)` [Hz].
    band : tuple of float, optional
        Lowest and highest frequency to use [Hz]; all by default.

    Returns
    -------
    numpy.ndarray
        Pearson correlations `(n, m)`.

    Raises
    ------
    ValueError
        The shapes do not agree, or the band holds fewer than 3 frequencies.
    """
    frequencies = as_set(frequency, "frequency", 1)
    a, b = np.asarray(first), np.asarray(second)
    for name, densities in (("first", a), ("second", b)):
        if densities.shape[-1:] != frequencies.shape:
            raise ValueError(
                f"{name} has the shape {densities.shape}; its last axis is not {frequencies.shape}"
            )
    low, high = band or (frequencies[0], frequencies[-1])
    inside = (frequencies >= low) & (frequencies <= high)
    if inside.sum() < 3:  # through two points the correlation is always 1 or -1
        raise ValueError(
            f"band {low:g} to {high:g} Hz holds {inside.sum()} frequencies; at least 3 are needed"
        )
    return correlation_matrix(a[..., inside], b[..., inside])
