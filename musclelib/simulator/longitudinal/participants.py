"""Participants, who differ in strength, stiffness, moment arm, EMG and drive."""

from __future__ import annotations

import dataclasses

import numpy as np

from musclelib.simulator.longitudinal.mechanics import Mechanics
from musclelib.streams import Purpose, stream

PARTICIPANTS = 19
"""Number of participants of paper 3."""

# SD between participants, relative to the mean; those of strength, tendon, moment arm and
# delay as in the sources of the fields of `Mechanics`
_SPREAD = {
    "maximum_force": 0.17,
    "rest_ratio": 0.025,
    "tendon_slack": 0.08,
    "tendon_strain": 0.15,
    "passive_force": 0.25,
    "passive_rate": 0.12,
    "bulging": 0.08,
    "moment_arm": 0.08,
    "share": 0.08,
    "viscosity": 0.2,
    "standing_torque": 0.5,
    "joint_stiffness": 0.25,
    "activation_time": 0.1,
    "delay": 0.18,
    "emg_gain": 0.4,
    "emg_noise": 0.3,
    "peak": 0.12,
    "lag": 0.2,
    "error": 0.25,
    "leak": 0.5,
}
_EXTREME = 2.0  # largest deviation that is drawn [SD]


def sample_mechanics(seed: int, index: int) -> Mechanics:
    """Draw the mechanics of one participant.

    Each quantity is log-normal about the default of its field, within two standard deviations; the
    quantities are independent of each other.

    Parameters
    ----------
    seed : int
        Seed of the set of participants.
    index : int
        Number of the participant.

    Raises
    ------
    ParameterError
        A number is negative or does not fit into 32 bits.
    """
    rng = stream(Purpose.MECHANICS, seed, index)
    means = dataclasses.asdict(Mechanics())
    values = {}
    for name, spread in _SPREAD.items():
        deviation = np.clip(rng.standard_normal(), -_EXTREME, _EXTREME)
        values[name] = float(means[name] * np.exp(np.sqrt(np.log1p(spread**2)) * deviation))
    return Mechanics(**values)
