"""The muscle in motion: active fascicles resist before they reach their equilibrium."""

from __future__ import annotations

import numpy as np

from musclelib.simulator.longitudinal.mechanics import Mechanics, Muscle, State, equilibrium


def contract(
    mechanics: Mechanics,
    thickness: float,
    pennation: float,
    activation: np.ndarray,
    angle: np.ndarray,
    rate: float,
) -> State:
    """Return the states of a muscle whose activation and angle change.

    Active fascicles resist their velocity, in proportion to the activation, and the tendon gives
    way instead. Linearised about the equilibrium, the fascicle length follows that of the
    equilibrium with a time constant: viscous resistance over the stiffness of fascicles and tendon.
    The muscle starts in equilibrium.

    Parameters
    ----------
    mechanics, thickness, pennation, activation, angle
        As for `equilibrium`.
    rate : float
        Sampling rate of activation and angle [Hz].

    Raises
    ------
    ParameterError
        As `equilibrium`.
    """
    still = equilibrium(mechanics, thickness, pennation, activation, angle)
    muscle = Muscle(mechanics, thickness, pennation)
    aim = still.fascicle_length
    resistance = activation * mechanics.viscosity * mechanics.maximum_force / muscle.optimum
    compliance = muscle.tendon(still.force)[1]
    slope = muscle.total_length(aim, activation)[1]
    constant = resistance * muscle.cosine(aim) * compliance / slope
    # a step of the exact solution for a constant aim
    with np.errstate(divide="ignore"):
        share = -np.expm1(-1 / (constant * rate))

    lengths, length = [], float(aim[0])
    for goal, part in zip(aim.tolist(), share.tolist(), strict=True):
        length += part * (goal - length)
        lengths.append(length)
    moved = np.array(lengths)
    force = muscle.tendon_force(muscle.total_at(angle) - moved * muscle.cosine(moved))
    return muscle.state(moved, force, still.passive_length, np.asarray(angle, float))
