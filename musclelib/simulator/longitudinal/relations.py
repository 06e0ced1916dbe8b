"""How the length of a muscle's fascicles goes with torque, EMG and angle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclelib.parameters import ParameterError

_MOTION = 3.0  # smallest range of the angle at which a correlation with it means something [deg]


class Relations(NamedTuple):
    """Range of fascicle length in a trial, and its correlation with signals."""

    range: float
    """Range of the fascicle length [mm]."""
    torque: float
    """Pearson's correlation with the torque of the muscle's own direction."""
    emg: float
    """Pearson's correlation with the filtered EMG; NaN for a silent one."""
    angle: float
    """Pearson's correlation with the angle that lengthens the muscle; NaN if the joint is fixed."""


def relations(
    length: np.ndarray, torque: np.ndarray, emg: np.ndarray, angle: np.ndarray
) -> Relations:
    """Return the relations of a trial, simulated or recorded.

    Parameters
    ----------
    length : numpy.ndarray
        Fascicle length at the frames `(frame,)` [mm].
    torque, emg, angle : numpy.ndarray
        Torque [N m], filtered EMG [V] and angle [deg] at the frames.

    Raises
    ------
    ParameterError
        The arrays differ in shape, or a value is not finite.
    """
    values = {"length": length, "torque": torque, "emg": emg, "angle": angle}
    for name, array in values.items():
        if np.shape(array) != (len(length),) or not np.isfinite(array).all():
            raise ParameterError(
                f"{name} of shape {np.shape(array)}: {len(length)} finite values are needed"
            )
    moves = np.ptp(angle) >= _MOTION
    return Relations(
        range=float(np.ptp(length)),
        torque=_correlation(length, torque),
        emg=_correlation(length, emg),
        angle=_correlation(length, angle) if moves else float("nan"),
    )


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if not np.ptp(first) or not np.ptp(second):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
