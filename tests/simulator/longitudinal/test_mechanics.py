import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from musclelib.parameters import ParameterError
from musclelib.simulator.longitudinal.mechanics import Mechanics, equilibrium

THICKNESS, PENNATION = 19.0, 20.0
REST = THICKNESS / np.sin(np.radians(PENNATION))


def state(activation, angle, mechanics=None, thickness=THICKNESS, pennation=PENNATION):
    arrays = np.broadcast_arrays(np.atleast_1d(activation).astype(float), angle)
    return equilibrium(mechanics or Mechanics(), thickness, pennation, *arrays)


def residual(length, activation, angle, m):
    """Force along the tendon less the tendon's force at the length left to it [N].

    Written with the inverse of the tendon's curve, as another way to the same equilibrium.
    """

    def muscle(length, activation):
        sine = np.sin(np.radians(PENNATION)) * (REST / length) ** m.bulging
        x = length / (REST / m.rest_ratio)
        pull = activation * np.exp(-((x - 1) ** 2) / 0.45)
        pull += m.passive_force * np.exp(m.passive_rate * (x - 1))
        return m.maximum_force * pull * np.sqrt(1 - sine**2), length * np.sqrt(1 - sine**2)

    def tendon(length):
        strain = length / m.tendon_slack - 1
        return m.maximum_force * np.expm1(4 * strain / m.tendon_strain) / np.expm1(4)

    def tendon_length(force):
        return brentq(lambda length: tendon(length) - force, 0, 2 * m.tendon_slack, xtol=1e-12)

    rest_force, rest_run = muscle(REST, 0)
    total = rest_run + tendon_length(rest_force) + np.radians(angle) * m.moment_arm
    force, run = muscle(length, activation)
    return force - tendon(total - run)


def test_at_rest_with_a_flat_foot_the_muscle_is_as_its_anatomy():
    rest = state(0, 0)
    assert rest.thickness[0] == pytest.approx(THICKNESS)
    assert rest.pennation[0] == pytest.approx(PENNATION)
    assert rest.fascicle_length[0] == pytest.approx(REST)
    assert rest.passive_length[0] == pytest.approx(REST, rel=1e-6)


@settings(max_examples=40)
@given(st.floats(0, 1), st.floats(-15, 15), st.floats(0.5, 1.2), st.floats(0.03, 0.1))
def test_the_equilibrium_is_that_of_a_search_by_forces(activation, angle, bulging, strain):
    mechanics = Mechanics(bulging=bulging, tendon_strain=strain)
    found = state(activation, angle, mechanics).fascicle_length[0]
    above, below = (residual(found + d, activation, angle, mechanics) for d in (1e-3, -1e-3))
    assert above > 0 > below


@settings(max_examples=40)
@given(st.floats(0, 0.9), st.floats(-15, 15))
def test_contraction_shortens_and_dorsiflexion_lengthens_fascicles(activation, angle):
    less, more, turned = state(
        [activation, activation + 0.1, activation], [angle, angle, angle + 1]
    )[0]
    assert more < less < turned


def test_one_fascicle_length_occurs_with_other_activation_and_angle():
    mechanics = Mechanics()
    relaxed = state(0, -6).fascicle_length[0]
    level = brentq(lambda a: state(a, 0).fascicle_length[0] - relaxed, 0, 1)
    contracted, rotated = state(level, 0, mechanics), state(0, -6, mechanics)
    assert level > 0.05
    assert contracted.fascicle_length == pytest.approx(rotated.fascicle_length)
    # what tells them apart
    assert contracted.passive_length[0] - rotated.passive_length[0] > 2
    assert contracted.torque[0] - rotated.torque[0] > 10


@given(st.floats(0, 1), st.floats(-15, 15), st.floats(0, 1))
def test_fascicles_keep_their_volume(activation, angle, bulging):
    found = state(activation, angle, Mechanics(bulging=bulging))
    sine = np.sin(np.radians(found.pennation))
    shortened = found.fascicle_length / REST
    in_plane = sine / np.sin(np.radians(PENNATION))  # with aponeuroses of constant length
    width = shortened ** (bulging - 1)
    assert shortened * in_plane * width == pytest.approx(1)
    assert found.thickness == pytest.approx(found.fascicle_length * sine)


def test_with_all_bulging_in_the_plane_thickness_is_constant():
    found = state([0, 0.3, 1], [3, 0, -9], Mechanics(bulging=1.0))
    np.testing.assert_allclose(found.thickness, THICKNESS)


def test_muscle_and_tendon_change_together_by_the_moment_arm():
    found = state([0, 0.4, 0.4], [0, 0, -9])
    total = found.fascicle_length * np.cos(np.radians(found.pennation)) + found.tendon_length
    assert total[1] == pytest.approx(total[0])
    assert total[2] - total[0] == pytest.approx(-np.radians(9) * Mechanics().moment_arm)


def test_torque_is_the_force_at_its_moment_arm_over_the_share():
    mechanics = Mechanics(share=0.25, moment_arm=40.0, joint_stiffness=0.5)
    found = state([0.3, 0.3], [0, 2], mechanics)
    assert found.torque[0] == pytest.approx(found.force[0] * 0.04 / 0.25)
    assert found.torque[1] == pytest.approx(found.force[1] * 0.04 / 0.25 + 1)


def test_a_stiffer_tendon_leaves_fascicles_less_shortening():
    lengths = [state(0.3, 0, Mechanics(tendon_strain=s)).fascicle_length[0] for s in (0.03, 0.09)]
    assert REST > lengths[0] > lengths[1]


def test_a_gastrocnemius_contracts_as_one_that_was_measured():
    """Three observers' means of maximal isometric pushes of `gm_torque_angle`, at 36 and 150 N m.

    Fascicles of 48.4 mm at 22.3 degrees shorten to 37.3 mm at 29.9 degrees and to 22.7 mm at 48
    degrees, thickness falls from 18.3 to 17.9 and 16.8 mm. The heel rose in that dynamometer, which
    shortens them more than our strapped foot.
    """
    found = state([0, 0.25, 1], 4.4, thickness=18.33, pennation=22.3)
    shortening = 1 - found.fascicle_length / found.fascicle_length[0]
    assert found.torque[1] - found.torque[0] == pytest.approx(36, rel=0.25)
    assert 0.5 * 0.23 < shortening[1] < 0.23
    assert 0.4 * 0.53 < shortening[2] < 0.53
    # thickness falls with shortening as measured: by the power 0.1 of the length
    powers = np.log(found.thickness[1:] / found.thickness[0]) / np.log(1 - shortening[1:])
    measured = np.log([17.92 / 18.33, 16.82 / 18.33]) / np.log([37.3 / 48.4, 22.7 / 48.4])
    np.testing.assert_allclose(powers, measured, atol=0.04)


def test_long_signals_are_solved_as_single_samples():
    rng = np.random.default_rng(0)
    activation, angle = rng.uniform(0, 1, 500), rng.uniform(-9, 3, 500)
    together = state(activation, angle)
    single = state(activation[123], angle[123])
    for whole, one in zip(together, single, strict=True):
        assert whole[123] == pytest.approx(one[0], rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": 1.2}, "activation = 1.2: allowed is 0 to 1"),
        ({"activation": np.nan}, "activation = nan"),
        ({"angle": 90}, "angle = 90: allowed is -60 to 60"),
        ({"thickness": 0.019}, "thickness = 0.019: allowed is 1 to 100"),
        ({"pennation": 0.35}, "pennation = 0.35: allowed is 1 to 60"),
        ({"thickness": 8, "angle": -60}, "the fascicles would leave"),
    ],
)
def test_wrong_input_is_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        state(**({"activation": 0.1, "angle": 0} | change))


def test_signals_of_different_length_are_refused():
    with pytest.raises(ParameterError, match=r"activation \(3,\) and angle \(4,\)"):
        equilibrium(Mechanics(), THICKNESS, PENNATION, np.zeros(3), np.zeros(4))
    with pytest.raises(ParameterError, match=r"maximum_force = 0.6.*allowed"):
        Mechanics(maximum_force=0.6)
