"""The mechanical twitch of a motor unit by Raikova's 4-parameter model, and its velocity."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

STEEPEST_RATIO = 2.0
"""Largest ratio of half-relaxation to contraction time; above 2.1 the velocity starts by a jump."""


def twitch_displacement(
    time: ArrayLike, amplitude: ArrayLike, contraction_time: ArrayLike, half_relaxation: ArrayLike
) -> np.ndarray:
    """Return the displacement of a twitch [unit of `amplitude`], 0 before its onset at time 0.

    It is `A (t/Tc)^m exp(-k (t - Tc))` with `m = k Tc` and `k = ln 2 / (Thr - Tc - Tc ln(Thr/Tc))`,
    which has its peak `A` at the contraction time `Tc` and half of the peak at the half-relaxation
    time `Thr`, both counted from the onset (Raikova et al. 2007). Times are in [s]; all arguments
    broadcast.
    """
    power, decay = _exponents(contraction_time, half_relaxation)
    late = np.maximum(np.asarray(time, float), 0)
    return (
        np.asarray(amplitude)
        * (late / contraction_time) ** power
        * np.exp(-decay * (late - contraction_time))
    )


def twitch_velocity(
    time: ArrayLike, amplitude: ArrayLike, contraction_time: ArrayLike, half_relaxation: ArrayLike
) -> np.ndarray:
    """Return the velocity of a twitch [unit of `amplitude` / s], the derivative of displacement.

    Arguments are those of `twitch_displacement`.
    """
    power, decay = _exponents(contraction_time, half_relaxation)
    late = np.maximum(np.asarray(time, float), 1e-9)  # keeps 1/t finite
    shape = np.exp(power * np.log(late / contraction_time) - decay * (late - contraction_time))
    return np.where(
        np.asarray(time) > 0, np.asarray(amplitude) * shape * (power / late - decay), 0.0
    )


def _exponents(
    contraction_time: ArrayLike, half_relaxation: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    rise, half = np.asarray(contraction_time, float), np.asarray(half_relaxation, float)
    decay = np.log(2) / (half - rise - rise * np.log(half / rise))
    return decay * rise, decay
