"""One trial of paper 3: signals at 1000 Hz, and the muscle's state at the frames of the video."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclelib.simulator.longitudinal.dynamics import contract
from musclelib.simulator.longitudinal.emg import activation, filtered_emg, raw_emg
from musclelib.simulator.longitudinal.mechanics import Mechanics, State
from musclelib.simulator.longitudinal.smoothing import wander
from musclelib.simulator.longitudinal.tasks import DURATION, NEUTRAL, SIGNAL_RATE, Task, drive
from musclelib.streams import Purpose, stream

FRAME_RATE = 25
"""Frame rate of the video [Hz] (paper 3, III.A)."""

_SWAY = 0.7  # SD of the torque by which the strapped body sways [N m]
_SWAY_TIME = 1.0  # its correlation time [s]
_SYNERGISTS = 0.03  # relative SD of the torque of the other plantarflexors, which share the work
_SYNERGIST_TIME = 3.0  # its correlation time [s]
_ANGLE_NOISE = 0.003  # SD of the angle's sensor [deg]


class Trial(NamedTuple):
    """Signals and muscle states of one trial."""

    time: np.ndarray
    """Times of the signals [s], at 1000 Hz."""
    emg_raw: np.ndarray
    """Raw EMG [V], at 1000 Hz."""
    emg: np.ndarray
    """Filtered EMG [V], at 1000 Hz."""
    torque: np.ndarray
    """Measured torque of the ankle [N m], plantarflexion positive, at 1000 Hz."""
    angle: np.ndarray
    """Measured angle of the ankle [deg], dorsiflexion positive, at 1000 Hz."""
    activation: np.ndarray
    """Activation of the muscle, 0 to 1, at 1000 Hz."""
    frame_time: np.ndarray
    """Times of the video's frames [s], at 25 Hz."""
    state: State
    """State of the muscle at the times of the frames."""


def simulate_trial(
    mechanics: Mechanics,
    thickness: float,
    pennation: float,
    task: Task | str,
    seed: int,
    index: int,
    *,
    neutral: float = NEUTRAL,
    duration: float = DURATION,
) -> Trial:
    """Simulate one trial of a participant.

    Torque and angle are measured with what a laboratory cannot keep out: sway of the strapped body,
    other plantarflexors that share the work unevenly, noise of the sensor.

    Parameters
    ----------
    mechanics : Mechanics
        Mechanics and drive of the participant.
    thickness, pennation : float
        Thickness [mm] and pennation [deg] at rest with a flat foot.
    task : Task or str
        Task of the trial.
    seed, index : int
        Seed of the set and number of the trial; trials of one number and different tasks differ.
    neutral, duration : float
        Durations of neutral standing and of the signals [s].

    Raises
    ------
    ParameterError
        A value is out of range, or the muscle finds no equilibrium.
    """
    part = list(Task).index(Task(task)) if task in list(Task) else 0  # `drive` refuses others
    rng = stream(Purpose.TRIAL, seed, index, part)
    intended, angle = drive(mechanics, task, rng, neutral=neutral, duration=duration)
    raw = raw_emg(mechanics, intended, rng, SIGNAL_RATE)
    active = activation(mechanics, intended, SIGNAL_RATE)
    state = contract(mechanics, thickness, pennation, active, angle, SIGNAL_RATE)

    count = len(angle)
    sway = _SWAY * wander(rng, count, _SWAY_TIME, SIGNAL_RATE)
    others = _SYNERGISTS * wander(rng, count, _SYNERGIST_TIME, SIGNAL_RATE)
    time = np.arange(count) / SIGNAL_RATE
    frames = slice(None, None, SIGNAL_RATE // FRAME_RATE)
    return Trial(
        time=time,
        emg_raw=raw,
        emg=filtered_emg(raw, SIGNAL_RATE),
        torque=state.torque * (1 + others) + mechanics.standing_torque + sway,
        angle=angle + _ANGLE_NOISE * rng.standard_normal(count),
        activation=active,
        frame_time=time[frames],
        state=State(*(values[frames] for values in state)),
    )
