import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from musclelib.parameters import ParameterError
from musclelib.simulator.longitudinal.mechanics import Mechanics
from musclelib.simulator.longitudinal.tasks import (
    Task,
    base_signals,
    dot,
    drive,
    pedal,
    pedal_angle,
)

TIME = np.arange(190_000) / 1000


def which(signal, time):
    """Letter of the base signal that a signal follows at a time."""
    values = np.array([base[0] for base in base_signals(np.array([time]))])
    return "abc"[np.abs(values - signal(np.array([time]))).argmin()]


def test_the_base_signals_have_the_values_of_equation_1():
    # by hand at t = 2.5 s: a = sin(pi / 2), b = sin(3 pi / 4); at 15 s, c = sin(-pi / 2)
    a, b, c = base_signals(np.array([2.5, 15.0]))
    assert a[0] == pytest.approx(1)
    assert b[0] == pytest.approx(np.sqrt(0.5))
    assert c[1] == pytest.approx(-1)


def test_the_dot_switches_as_printed():
    # one letter for each turn of 10 s; turns 3 to 5, 9 to 11 and 15 to 17 belong to c
    letters = "".join(which(dot, 10 + 10 * turn + 3.3) for turn in range(18))
    assert letters == "abacccabacccabaccc"


def test_the_pedals_switch_as_printed():
    letters = "".join(which(pedal, 10 + 20 * turn + 3.3) for turn in range(9))
    assert letters == "abacccaba"


def test_the_correlation_of_dot_and_pedals_is_the_printed_one():
    assert round(np.corrcoef(dot(TIME), pedal(TIME))[0, 1], 2) == 0.33
    assert round(spearmanr(dot(TIME), pedal(TIME)).statistic, 2) == 0.34


def test_a_foot_is_flat_while_standing_neutrally():
    assert pedal_angle(pedal(TIME[:10_000])) == pytest.approx(0, abs=1e-12)
    assert not dot(TIME[:10_000]).any()
    np.testing.assert_allclose(pedal_angle([-1, 1]), [3.1, -9.3])


@given(st.floats(0, 190), st.sampled_from([dot, pedal]))
def test_signals_stay_within_their_range(time, signal):
    assert -1 <= signal(time) <= 1


@pytest.mark.parametrize("task", Task)
def test_a_task_moves_only_what_it_should(task):
    intended, angle = drive(Mechanics(), task, np.random.default_rng(0), duration=60.0)
    assert angle.any() == (task != Task.ISOMETRIC)
    assert (angle <= 3.25).all()
    assert (angle >= -9.4).all()
    contracts = intended[10_000:].max() > 0.5 * Mechanics().peak
    assert contracts == (task != Task.PASSIVE)
    assert intended[:9_000].max() < 0.2 * Mechanics().peak


def test_a_participant_follows_the_dot_late_by_the_lag():
    mechanics = Mechanics(error=0.0, leak=0.0, lag=0.3)
    intended, _ = drive(mechanics, "isometric", np.random.default_rng(0))
    target = (1 + dot(TIME)) / 2
    window = slice(12_000, 40_000)  # signals a and b, which are slow
    shifts = range(0, 600, 10)
    fits = [np.corrcoef(intended[window], np.roll(target, s)[window])[0, 1] for s in shifts]
    assert shifts[int(np.argmax(fits))] == pytest.approx(300, abs=30)
    assert intended.max() <= mechanics.peak


def test_an_unknown_task_and_an_empty_trial_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ParameterError, match="'jump': allowed are isometric, passive, combined"):
        drive(Mechanics(), "jump", rng)
    with pytest.raises(ParameterError, match="duration = -1"):
        drive(Mechanics(), "passive", rng, duration=-1)
    with pytest.raises(ParameterError, match="needs a duration"):
        drive(Mechanics(), "passive", rng, neutral=0, duration=0)
