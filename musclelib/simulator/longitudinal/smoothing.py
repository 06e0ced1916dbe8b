"""Slow responses and slow random fluctuations of evenly sampled signals."""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import lfilter


def respond(values: np.ndarray, constant: float, rate: float) -> np.ndarray:
    """Return the response of a critically damped second-order system of unit gain.

    Its impulse response is `t exp(-t / constant)`: it peaks after `constant`, and slow signals lag
    by twice `constant`. The system starts at rest at the first value.

    Parameters
    ----------
    values : numpy.ndarray
        Input `(time,)`.
    constant : float
        Time constant [s].
    rate : float
        Sampling rate [Hz].
    """
    keep = math.exp(-1 / (constant * rate))
    response = lfilter([(1 - keep) ** 2], [1, -2 * keep, keep**2], values - values[0])
    return response + values[0]


def wander(rng: np.random.Generator, count: int, constant: float, rate: float) -> np.ndarray:
    """Return stationary random fluctuations of mean 0 and SD 1.

    Their autocorrelation falls exponentially with the time constant (a first-order autoregression).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    count : int
        Number of samples.
    constant : float
        Time constant of the autocorrelation [s].
    rate : float
        Sampling rate [Hz].
    """
    keep = math.exp(-1 / (constant * rate))
    steps = rng.standard_normal(count) * math.sqrt(1 - keep**2)
    steps[0] /= math.sqrt(1 - keep**2)  # the first sample is drawn with the stationary SD
    return lfilter([1], [1, -keep], steps)
