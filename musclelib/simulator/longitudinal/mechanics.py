"""Muscle-tendon mechanics of the medial gastrocnemius: fascicle length, force and ankle torque.

The muscle contracts against its tendon and aponeurosis. In equilibrium, activation and joint angle
together determine the state; `dynamics.py` lets the muscle resist while it moves. Its mass is left
out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclelib.parameters import ParameterError, Parameters, quantity

_WIDTH = 0.45  # width of the force-length curve, exp(-(l - 1)^2 / width) (Thelen, 2003)
_TOE = 4.0  # curvature of the exponential force curve of tendon and aponeurosis
_SHORTEST, _LONGEST = 0.3, 1.8  # fascicle lengths between which an equilibrium is sought [optimum]
_STEEPEST = 0.98  # largest sine of the pennation angle
_TOLERANCE = 1e-7  # accuracy of the fascicle length [mm]


@dataclass(frozen=True)
class Mechanics(Parameters):
    """Mechanics and neural drive of one participant; the image's anatomy is held elsewhere."""

    maximum_force: float = quantity(
        660.0, "N", "isometric force of the fascicles at optimum length: 55 cm2 (Fukunaga et al.,"
        " 1992) at 12 N/cm2 (Maganaris et al., 2001)", low=50, high=3000,
    )  # fmt: skip
    rest_ratio: float = quantity(
        0.98, "1", "fascicle length at rest at the neutral angle, relative to the optimum", low=0.7,
        high=1.3,
    )  # fmt: skip
    tendon_slack: float = quantity(
        220.0, "mm", "slack length of tendon and aponeurosis in series", low=50, high=500
    )
    tendon_strain: float = quantity(
        0.085, "1", "strain of tendon and aponeurosis at maximum force: some 0.06 of the tendon"
        " (Arampatzis et al., 2005), and what the heel adds as it rises a little from its pedal",
        low=0.01, high=0.2,
    )  # fmt: skip
    passive_force: float = quantity(
        0.04, "1", "passive force at optimum length, relative to the maximum (Hoang et al., 2005)",
        low=0.001, high=0.3,
    )  # fmt: skip
    passive_rate: float = quantity(
        10.0, "1", "exponential rate of the passive force, by optimum lengths", low=1, high=30
    )
    bulging: float = quantity(
        0.9, "1", "share of bulging in the image plane: 1 keeps area and thickness, 0 sends all of"
        " it into the width", low=0, high=1.3,
    )  # fmt: skip
    moment_arm: float = quantity(
        50.0, "mm", "moment arm of the Achilles tendon (Maganaris et al., 1998)", low=20, high=80
    )
    share: float = quantity(
        0.21, "1", "share of the muscle in the plantarflexors' torque, as of their cross-section"
        " (Fukunaga et al., 1992)", low=0.05, high=1,
    )  # fmt: skip
    viscosity: float = quantity(
        2.4, "s", "resistance of active fascicles: increase of force, relative to that at the"
        " optimum length, when they lengthen by one optimum length a second. It stands for the"
        " short-range stiffness of cross-bridges as well, which yields under longer movements, and"
        " gives the active ankle its stiffness (Kearney and Hunter, 1990)", low=0, high=10,
    )  # fmt: skip
    standing_torque: float = quantity(
        10.0, "N m", "torque of the strapped body's weight on the pedals", low=-50, high=100
    )
    joint_stiffness: float = quantity(
        0.45, "N m/deg", "stiffness of the joint without the plantarflexors", low=0, high=5
    )
    activation_time: float = quantity(
        0.045, "s", "time constant of activation; the muscle's viscosity prolongs a twitch to the"
        " 0.1 s of its peak (Vandervoort and McComas, 1983)", low=0.01, high=0.3,
    )  # fmt: skip
    delay: float = quantity(
        0.04, "s", "electromechanical delay from EMG to the start of activation", low=0.01, high=0.1
    )
    emg_gain: float = quantity(
        0.099, "V", "mean rectified EMG, after its amplifier, at full activation", above=0, high=5
    )
    emg_noise: float = quantity(
        0.0015, "V", "mean rectified noise of the EMG at rest", low=0, high=0.1
    )
    peak: float = quantity(
        0.25, "1", "activation at the upper end of the dot's path", above=0, high=1
    )
    lag: float = quantity(0.25, "s", "lag behind the dot", low=0.01, high=1)
    error: float = quantity(
        0.08, "1", "SD of the error in following the dot, relative to the peak", low=0, high=0.5
    )
    leak: float = quantity(
        0.02, "1", "activation that remains at rest, relative to the peak", low=0, high=0.2
    )


class State(NamedTuple):
    """State of muscle, tendon and joint; each an array `(time,)`."""

    fascicle_length: np.ndarray
    """Fascicle length [mm]."""
    pennation: np.ndarray
    """Angle between fascicles and aponeuroses [deg]."""
    thickness: np.ndarray
    """Distance of the aponeuroses [mm]: fascicle length times the sine of pennation."""
    passive_length: np.ndarray
    """Fascicle length at the same joint angle without activation [mm]."""
    tendon_length: np.ndarray
    """Length of tendon and aponeurosis [mm]."""
    force: np.ndarray
    """Force of the muscle along its tendon [N]."""
    torque: np.ndarray
    """Torque of the ankle, active and passive, plantarflexion positive [N m]."""


def equilibrium(
    mechanics: Mechanics,
    thickness: float,
    pennation: float,
    activation: np.ndarray,
    angle: np.ndarray,
) -> State:
    """Solve the equilibrium of muscle and tendon by Newton's method.

    Fascicles obey a Gaussian active and an exponential passive force-length curve (Thelen, 2003;
    the passive curve without a slack length); tendon and aponeurosis together an exponential one.
    Fascicles keep their volume: shortened to a fraction `x` of their length at rest, they grow
    across by `x**-bulging` in the image plane and by `x**(bulging - 1)` in width, and with
    aponeuroses of constant length the sine of the pennation grows as the former.

    Parameters
    ----------
    mechanics : Mechanics
        Mechanics of the participant.
    thickness : float
        Thickness of the muscle at rest at the neutral angle [mm].
    pennation : float
        Pennation at rest at the neutral angle [deg].
    activation : numpy.ndarray
        Activation of the muscle `(time,)`, 0 to 1.
    angle : numpy.ndarray
        Angle of the ankle `(time,)` [deg], 0 with a flat foot, dorsiflexion positive.

    Returns
    -------
    State
        The state `(time,)`; without activation at the neutral angle it has the thickness and the
        pennation given.

    Raises
    ------
    ParameterError
        A value is not finite or out of range, the shapes differ, or the fascicles would have to
        leave 0.3 to 1.8 of their optimum length.
    """
    activation, angle = np.asarray(activation, float), np.asarray(angle, float)
    _check(thickness, pennation, activation, angle)
    muscle = Muscle(mechanics, thickness, pennation)
    total = muscle.total_at(angle)

    # without activation, the state depends on the total length alone: invert its table
    table = np.linspace(muscle.shortest, muscle.longest, 20_000)
    totals = muscle.total_length(table, 0.0)[0]
    if angle.size and not totals[0] <= total.min() <= total.max() <= totals[-1]:
        raise ParameterError(
            f"angle from {angle.min():g} to {angle.max():g} [deg]: the fascicles would leave"
            f" {muscle.shortest:.1f} to {muscle.longest:.1f} mm"
        )
    passive = np.interp(total, totals, table)
    length = _solve(muscle, activation, total, passive)
    force = muscle.force(length, activation) * muscle.cosine(length)
    return muscle.state(length, force, passive, angle)


class Muscle:
    """Curves of the muscle and the tendon of one participant."""

    def __init__(self, mechanics: Mechanics, thickness: float, pennation: float) -> None:
        self.mechanics = mechanics
        self.rest_sine = math.sin(math.radians(pennation))
        self.rest = thickness / self.rest_sine
        self.optimum = self.rest / mechanics.rest_ratio
        steepest = 0.0
        if mechanics.bulging:
            steepest = self.rest * (self.rest_sine / _STEEPEST) ** (1 / mechanics.bulging)
        self.shortest = max(_SHORTEST * self.optimum, steepest)
        self.longest = _LONGEST * self.optimum

    def sine(self, length: np.ndarray) -> np.ndarray:
        """Return the sine of the pennation at a fascicle length [mm]."""
        return self.rest_sine * (length / self.rest) ** -self.mechanics.bulging

    def cosine(self, length: np.ndarray) -> np.ndarray:
        """Return the cosine of the pennation at a fascicle length [mm]."""
        return np.sqrt(1 - self.sine(length) ** 2)

    def force(self, length: np.ndarray, activation: np.ndarray | float) -> np.ndarray:
        """Return the force along the fascicles [N] at their length [mm] and activation."""
        return self._forces(length, activation)[0]

    def _forces(
        self, length: np.ndarray, activation: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the force along the fascicles [N] and its slope [N/mm]."""
        stretch = length / self.optimum - 1
        active = activation * np.exp(-(stretch**2) / _WIDTH)
        passive = self.mechanics.passive_force * np.exp(self.mechanics.passive_rate * stretch)
        slope = self.mechanics.passive_rate * passive - 2 / _WIDTH * stretch * active
        scale = self.mechanics.maximum_force
        return scale * (active + passive), scale / self.optimum * slope

    def tendon(self, force: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the tendon's length [mm] at a force, and its compliance [mm/N]."""
        slack, strain = self.mechanics.tendon_slack, self.mechanics.tendon_strain
        gain = math.expm1(_TOE) / self.mechanics.maximum_force
        length = slack * (1 + strain / _TOE * np.log1p(gain * force))
        return length, slack * strain / _TOE * gain / (1 + gain * force)

    def tendon_force(self, length: np.ndarray) -> np.ndarray:
        """Return the tendon's force [N] at a length [mm]; a slack tendon has none."""
        strain = np.maximum(length / self.mechanics.tendon_slack - 1, 0)
        pull = np.expm1(_TOE / self.mechanics.tendon_strain * strain) / math.expm1(_TOE)
        return self.mechanics.maximum_force * pull

    def total_at(self, angle: np.ndarray) -> np.ndarray:
        """Return the length of muscle and tendon [mm] at an angle of the ankle [deg]."""
        neutral = self.total_length(self.rest, 0.0)[0]
        return neutral + np.radians(angle) * self.mechanics.moment_arm

    def state(
        self, length: np.ndarray, force: np.ndarray, passive: np.ndarray, angle: np.ndarray
    ) -> State:
        """Return the state at fascicle lengths [mm], forces of the tendon [N] and angles [deg]."""
        sine = self.sine(length)
        torque = force * self.mechanics.moment_arm * 1e-3 / self.mechanics.share
        return State(
            fascicle_length=length,
            pennation=np.degrees(np.arcsin(sine)),
            thickness=length * sine,
            passive_length=passive,
            tendon_length=self.tendon(force)[0],
            force=force,
            torque=torque + self.mechanics.joint_stiffness * angle,
        )

    def total_length(
        self, length: np.ndarray | float, activation: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the length of muscle and tendon [mm] in equilibrium, and its slope by `length`."""
        length = np.asarray(length)
        sine = self.sine(length)
        cosine = np.sqrt(1 - sine**2)
        turning = self.mechanics.bulging * sine**2 / cosine / length  # slope of the cosine
        force, slope = self._forces(length, activation)
        tendon, compliance = self.tendon(force * cosine)
        tendon_slope = compliance * (slope * cosine + force * turning)
        return length * cosine + tendon, cosine + length * turning + tendon_slope


def _solve(
    muscle: Muscle, activation: np.ndarray, total: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return the fascicle lengths at which muscle and tendon have the total length."""
    length = start
    for _ in range(60):
        value, slope = muscle.total_length(length, activation)
        # long steps could leave the range in which the curves are defined
        nearer = np.clip(length - (value - total) / slope, muscle.shortest, muscle.longest)
        change = np.abs(nearer - length).max(initial=0)
        length = nearer
        if change < _TOLERANCE:
            break
    missed = np.abs(muscle.total_length(length, activation)[0] - total).max(initial=0)
    if not missed < 1e-4:
        raise ParameterError(
            f"activation up to {activation.max():g}: muscle and tendon find no equilibrium with"
            f" fascicles of {muscle.shortest:.1f} to {muscle.longest:.1f} mm"
        )
    return length


def _check(thickness: float, pennation: float, activation: np.ndarray, angle: np.ndarray) -> None:
    for name, value, high in (("thickness", thickness, 100), ("pennation", pennation, 60)):
        if not 1 <= value <= high:
            raise ParameterError(f"{name} = {value!r}: allowed is 1 to {high}")
    if activation.ndim != 1 or activation.shape != angle.shape:
        raise ParameterError(
            f"activation {activation.shape} and angle {angle.shape}: both need the shape (time,)"
        )
    for name, values, low, high in (("activation", activation, 0, 1), ("angle", angle, -60, 60)):
        wrong = values[~((values >= low) & (values <= high))]
        if wrong.size:
            raise ParameterError(f"{name} = {wrong[0]:g}: allowed is {low} to {high}")
