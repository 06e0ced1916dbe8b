"""Electromyogram of a muscle, its processing, and the activation that follows it."""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import butter, sosfilt

from musclelib.parameters import ParameterError
from musclelib.simulator.longitudinal.mechanics import Mechanics
from musclelib.simulator.longitudinal.smoothing import respond

BAND = (20.0, 450.0)
"""Band of the raw EMG [Hz]."""

ENVELOPE_CUTOFF = 1.5
"""Cut-off frequency of the filtered EMG [Hz]."""


def raw_emg(
    mechanics: Mechanics, intended: np.ndarray, rng: np.random.Generator, rate: float = 1000.0
) -> np.ndarray:
    """Return a surface EMG `(time,)` [V]: band-limited noise, modulated by the neural drive.

    The amplitude is proportional to the drive; noise of the electrodes, in the same band, is added.

    Parameters
    ----------
    mechanics : Mechanics
        Holds the gain and the noise of the EMG, both as mean rectified values.
    intended : numpy.ndarray
        Neural drive `(time,)`, 0 to 1.
    rng : numpy.random.Generator
        Source of randomness.
    rate : float
        Sampling rate [Hz].

    Raises
    ------
    ParameterError
        The rate is too low for the band of the EMG.
    """
    interference, electrodes = (_band_noise(rng, len(intended), rate) for _ in range(2))
    return mechanics.emg_gain * intended * interference + mechanics.emg_noise * electrodes


def filtered_emg(raw: np.ndarray, rate: float = 1000.0) -> np.ndarray:
    """Return the filtered EMG `(time,)` [V]: rectified and low-pass filtered.

    Paper 3 does not state its filter. The participants saw the filtered EMG while they contracted,
    so that it must have been causal: here a Butterworth filter of second order. Two frames told
    the paper's methods half of the EMG's changes, so that the filtered EMG cannot have been far
    ahead of the muscle. At 1.5 Hz it leads the fascicles by less than two frames (by four at 3 Hz),
    and its range and the SD of its changes are still those of the paper.

    Parameters
    ----------
    raw : numpy.ndarray
        Raw EMG `(time,)` [V].
    rate : float
        Sampling rate [Hz].
    """
    low_pass = butter(2, ENVELOPE_CUTOFF, fs=rate, output="sos")
    return np.maximum(sosfilt(low_pass, np.abs(raw)), 0)


def activation(mechanics: Mechanics, intended: np.ndarray, rate: float = 1000.0) -> np.ndarray:
    """Return the activation `(time,)` of the muscle, which follows the EMG's drive.

    It starts after the electromechanical delay and responds as a critically damped second-order
    system, as twitches do (Milner-Brown et al., 1973).

    Parameters
    ----------
    mechanics : Mechanics
        Holds the delay and the time constant of activation.
    intended : numpy.ndarray
        Neural drive `(time,)`, 0 to 1.
    rate : float
        Sampling rate [Hz].
    """
    late = round(mechanics.delay * rate)
    delayed = np.concatenate([np.full(late, intended[0]), intended])[: len(intended)]
    return respond(delayed, mechanics.activation_time, rate).clip(0, 1)


def _band_noise(rng: np.random.Generator, count: int, rate: float) -> np.ndarray:
    """Return Gaussian noise in the band of the EMG whose mean rectified value is 1."""
    if rate <= 2 * BAND[1]:
        raise ParameterError(f"rate = {rate:g} Hz: an EMG needs more than {2 * BAND[1]:g} Hz")
    band_pass = butter(2, BAND, "bandpass", fs=rate, output="sos")
    # power of the filter's response to white noise, from its impulse response
    impulse = sosfilt(band_pass, np.eye(1, round(rate))[0])
    white = rng.standard_normal(count)
    return sosfilt(band_pass, white) / (np.sqrt(np.sum(impulse**2)) * math.sqrt(2 / math.pi))
