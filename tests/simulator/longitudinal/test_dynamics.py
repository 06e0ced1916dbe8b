import numpy as np
import pytest

from musclelib.simulator.longitudinal.dynamics import contract
from musclelib.simulator.longitudinal.mechanics import Mechanics, equilibrium

RATE = 1000.0
TIME = np.arange(4000) / RATE


def moved(activation, angle, mechanics=None):
    arrays = (np.broadcast_to(values, TIME.shape).astype(float) for values in (activation, angle))
    return contract(mechanics or Mechanics(), 19.0, 20.0, *arrays, RATE)


def still(activation, angle, mechanics=None):
    arrays = (np.broadcast_to(values, TIME.shape).astype(float) for values in (activation, angle))
    return equilibrium(mechanics or Mechanics(), 19.0, 20.0, *arrays)


WAVES = (0.2 + 0.1 * np.sin(2 * np.pi * TIME), -3 + 6 * np.sin(3 * TIME))


def test_without_viscosity_the_muscle_is_in_equilibrium_at_each_moment():
    mechanics = Mechanics(viscosity=0.0)
    for moving, at_rest in zip(moved(*WAVES, mechanics), still(*WAVES, mechanics), strict=True):
        np.testing.assert_allclose(moving, at_rest, rtol=1e-9, atol=1e-9)


def test_a_relaxed_muscle_does_not_resist():
    for moving, at_rest in zip(moved(0, WAVES[1]), still(0, WAVES[1]), strict=True):
        np.testing.assert_allclose(moving, at_rest, rtol=1e-4, atol=1e-4)


def test_after_a_step_the_muscle_returns_to_equilibrium():
    angle = np.where(TIME < 1, 0.0, 2.0)
    moving, at_rest = moved(0.2, angle), still(0.2, angle)
    apart = np.abs(moving.torque - at_rest.torque)
    assert apart[999] == pytest.approx(0, abs=1e-6)  # before the step
    assert apart[1001] > 5
    assert apart[-1] < 0.01
    assert (np.diff(apart[1001:]) <= 1e-9).all()


def test_muscle_and_tendon_have_the_length_that_the_angle_leaves_them():
    moving = moved(*WAVES)
    total = moving.fascicle_length * np.cos(np.radians(moving.pennation)) + moving.tendon_length
    turned = total - np.radians(WAVES[1]) * Mechanics().moment_arm
    np.testing.assert_allclose(turned, turned[0], atol=1e-6)


def test_an_active_ankle_is_as_stiff_as_measured():
    """Stiffness rises with torque, by some 2 to 8 N m/rad for each N m, under slow rotation."""
    stretch = np.interp(TIME, [1, 1.3], [0, 2])  # at the speed of the pedals, some 6 deg/s
    torques, stiffnesses = [], []
    for activation in (0.05, 0.1, 0.2):
        torque = moved(activation, stretch).torque
        torques.append(torque[999])
        stiffnesses.append((torque[1300] - torque[999]) / np.radians(2))
    slope = np.polyfit(torques, stiffnesses, 1)[0]
    assert 2 < slope < 8


def test_a_contraction_resists_longer_with_more_viscosity():
    activation = np.where(TIME < 1, 0.05, 0.3)
    low, high = (moved(activation, 0, Mechanics(viscosity=v)) for v in (1.0, 3.0))
    assert (low.fascicle_length[1050:1500] < high.fascicle_length[1050:1500]).all()
    assert (low.torque[1050:1500] > high.torque[1050:1500]).all()
