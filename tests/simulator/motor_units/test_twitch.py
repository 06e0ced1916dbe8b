import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import cumulative_simpson

from musclelib.simulator.motor_units.twitch import twitch_displacement, twitch_velocity

times = st.tuples(st.floats(0.04, 0.08), st.floats(1.25, 2.0)).map(
    lambda pair: (pair[0], pair[0] * pair[1])
)


@given(times, st.floats(0.1, 100))
def test_peak_and_half_relaxation_are_where_they_are_set(pair, amplitude):
    contraction, half = pair
    assert twitch_displacement(contraction, amplitude, *pair) == pytest.approx(amplitude)
    assert twitch_displacement(half, amplitude, *pair) == pytest.approx(amplitude / 2)
    fine = np.linspace(0, 0.5, 5001)
    assert twitch_displacement(fine, amplitude, *pair).max() <= amplitude * (1 + 1e-12)


@given(times)
def test_velocity_is_the_derivative_of_displacement(pair):
    fine = np.linspace(0, 0.6, 60001)
    integral = cumulative_simpson(twitch_velocity(fine, 10.0, *pair), x=fine, initial=0)
    np.testing.assert_allclose(integral, twitch_displacement(fine, 10.0, *pair), atol=2e-4)


@given(times)
def test_velocity_is_zero_at_onset_at_the_peak_and_before(pair):
    assert twitch_velocity([-0.1, 0.0], 10.0, *pair).tolist() == [0, 0]
    assert twitch_velocity(pair[0], 10.0, *pair) == pytest.approx(0, abs=1e-9)


def test_peak_velocities_of_a_known_twitch():
    """Computed independently for 10 um: contraction 30, 50 ms.

    The field's order of 0.1 to 1 mm/s.
    """
    fine = np.linspace(0, 0.5, 50001)
    for contraction, half in ((0.05, 0.1), (0.075, 0.13)):
        numeric = np.gradient(twitch_displacement(fine, 10.0, contraction, half), fine)
        exact = twitch_velocity(fine, 10.0, contraction, half)
        assert exact.max() == pytest.approx(numeric.max(), rel=1e-3)
        assert 200 < exact.max() < 600  # um/s
        assert -400 < exact.min() < -60
