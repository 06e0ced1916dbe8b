"""Tasks of paper 3: the signals that move the dot and the pedals, and what a participant makes.

The paper prints the switching rules of its two signals and their correlation, 0.33 (Pearson) and
0.34 (Spearman), but not the clock of equation 1. The reading chosen gives both numbers: the clock
starts with the trial, 10 s of neutral standing included, the switching rules with the signals, both
correlations cover all 190 s, and +1 of the pedals is plantarflexion. A few of the several hundred
other combinations that were tried round to the same numbers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from musclelib.parameters import ParameterError
from musclelib.simulator.longitudinal.mechanics import Mechanics
from musclelib.simulator.longitudinal.smoothing import respond, wander

SIGNAL_RATE = 1000
"""Sampling rate of the signals [Hz] (paper 3, III.A)."""

NEUTRAL = 10.0
"""Duration of neutral standing before the signals start [s] (paper 3, III.A)."""

DURATION = 180.0
"""Duration of the signals [s] (paper 3, III.A)."""

DORSIFLEXION, PLANTARFLEXION = 3.1, -9.3
"""Ends of the pedals' path [deg], dorsiflexion positive (paper 3, III.A)."""

# the pedals answer so slowly that the SD of the angle from one frame to the next is the 0.255 deg
# that RMSE and R2 of Table 4 imply; to reach the printed ends, they are asked for a longer path
_SERVO, _REACH = 0.235, 1.04
_ERROR_TIME = 0.5  # correlation time of errors in following the dot [s]
_LEAK_TIME = 2.0  # correlation time of the activation at rest [s]


class Task(StrEnum):
    """Task of a trial (paper 3, III.A)."""

    ISOMETRIC = "isometric"
    """The participant follows the dot; the pedals stand still."""
    PASSIVE = "passive"
    """The participant relaxes; the pedals move."""
    COMBINED = "combined"
    """The participant follows the dot while the pedals move."""


class Drive(NamedTuple):
    """What moves a muscle in a trial; each an array `(time,)`."""

    intended: np.ndarray
    """Activation that the nerves ask for, 0 to 1; the muscle's activation follows it."""
    angle: np.ndarray
    """Angle of the pedals and the ankle [deg], dorsiflexion positive."""


def base_signals(clock: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the signals a, b and c of equation 1 of paper 3.

    Parameters
    ----------
    clock : array_like
        Time [s].
    """
    phase = np.pi * np.asarray(clock, float)
    a, b = (np.sin(rate * phase - np.pi / 2) for rate in (0.4, 0.5))
    return a, b, np.sin(30 * np.pi * np.sin(phase / 30 - np.pi / 2) - np.pi / 2)


def dot(time: ArrayLike, neutral: float = NEUTRAL) -> np.ndarray:
    """Return the signal of the dot on the screen, from -1 to 1; 0 while standing neutrally.

    Signals a and b take turns of 10 s; signal c replaces them in every second block of 30 s.

    Parameters
    ----------
    time : array_like
        Time since the start of the trial [s].
    neutral : float
        Duration of neutral standing at the start [s].
    """
    return _switched(time, neutral, 10.0, 0.0)


def pedal(time: ArrayLike, neutral: float = NEUTRAL) -> np.ndarray:
    """Return the signal of the pedals, from -1 (dorsiflexion) to 1 (plantarflexion).

    Signals a and b take turns of 20 s; signal c replaces them in every second block of 60 s. While
    standing neutrally the foot is flat, -0.5.

    Parameters
    ----------
    time : array_like
        Time since the start of the trial [s].
    neutral : float
        Duration of neutral standing at the start [s].
    """
    flat = 2 * DORSIFLEXION / (DORSIFLEXION - PLANTARFLEXION) - 1
    return _switched(time, neutral, 20.0, flat)


def pedal_angle(signal: ArrayLike) -> np.ndarray:
    """Return the pedals' angle [deg], dorsiflexion positive, at a signal from -1 to 1."""
    middle, half = (DORSIFLEXION + PLANTARFLEXION) / 2, (DORSIFLEXION - PLANTARFLEXION) / 2
    return middle - half * np.asarray(signal, float)


def drive(
    mechanics: Mechanics,
    task: Task | str,
    rng: np.random.Generator,
    *,
    neutral: float = NEUTRAL,
    duration: float = DURATION,
) -> Drive:
    """Draw what a participant and the pedals do in a trial, at 1000 Hz.

    The participant follows the dot with a lag and an error; at rest a small activation remains.

    Parameters
    ----------
    mechanics : Mechanics
        Mechanics and drive of the participant.
    task : Task or str
        Task of the trial.
    rng : numpy.random.Generator
        Source of randomness.
    neutral, duration : float
        Durations of neutral standing and of the signals [s].

    Raises
    ------
    ParameterError
        The task is unknown, or a duration is negative or too long.
    """
    if task not in list(Task):
        raise ParameterError(f"task = {task!r}: allowed are {', '.join(Task)}")
    for name, value in (("neutral", neutral), ("duration", duration)):
        if not 0 <= value <= 3600:
            raise ParameterError(f"{name} = {value!r}: allowed is 0 to 3600 [s]")
    count = round((neutral + duration) * SIGNAL_RATE)
    if not count:
        raise ParameterError("neutral + duration = 0: a trial needs a duration")
    time = np.arange(count) / SIGNAL_RATE
    error = wander(rng, count, _ERROR_TIME, SIGNAL_RATE)
    leak = wander(rng, count, _LEAK_TIME, SIGNAL_RATE)
    asked = mechanics.leak * np.maximum(1 + 0.5 * leak, 0)
    if task != Task.PASSIVE:
        # nobody is asked to contract before the signals start
        started = time >= neutral
        target = np.where(started, (1 + dot(time, neutral)) / 2, 0)
        followed = respond(target, mechanics.lag / 2, SIGNAL_RATE)
        # errors grow with the contraction, as the variability of force does
        asked = asked + started * np.maximum(
            followed + mechanics.error * (0.3 + followed) * error, 0
        )
    angle = np.zeros(count)
    if task != Task.ISOMETRIC:
        asked_angle = _REACH * pedal_angle(pedal(time, neutral))
        angle = respond(asked_angle, _SERVO, SIGNAL_RATE)
    return Drive(np.clip(mechanics.peak * asked, 0, 1), angle)


def _switched(time: ArrayLike, neutral: float, turn: float, resting: float) -> np.ndarray:
    clock = np.asarray(time, float)
    elapsed = clock - neutral + 1e-9  # a switch is not put off by rounding
    a, b, c = base_signals(clock)
    turns = np.where(elapsed // turn % 2 == 0, a, b)
    switched = np.where(elapsed // (3 * turn) % 2 == 1, c, turns)
    return np.where(elapsed < 0, resting, switched)
