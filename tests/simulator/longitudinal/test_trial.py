import numpy as np
import pytest

from musclelib.parameters import ParameterError
from musclelib.simulator.longitudinal.mechanics import Mechanics, equilibrium
from musclelib.simulator.longitudinal.participants import PARTICIPANTS, sample_mechanics
from musclelib.simulator.longitudinal.tasks import Task
from musclelib.simulator.longitudinal.trial import simulate_trial


def trial(task, seed=0, index=0, mechanics=None, **options):
    return simulate_trial(mechanics or Mechanics(), 19.0, 20.0, task, seed, index, **options)


@pytest.fixture(scope="module")
def trials():
    """All trials of 19 participants."""
    people = [sample_mechanics(0, index) for index in range(PARTICIPANTS)]
    return {
        task: [trial(task, index=index, mechanics=person) for index, person in enumerate(people)]
        for task in Task
    }


def correlation(first, second):
    return np.corrcoef(first, second)[0, 1]


def test_a_trial_has_the_lengths_of_the_paper(trials):
    for one in (trials[task][0] for task in Task):
        signals = (one.time, one.emg_raw, one.emg, one.torque, one.angle, one.activation)
        assert {len(signal) for signal in signals} == {190_000}
        assert {len(values) for values in (one.frame_time, *one.state)} == {4750}
        assert all(np.isfinite(values).all() for values in (*signals, *one.state))
        np.testing.assert_allclose(one.frame_time, np.arange(4750) / 25)


def test_a_trial_is_made_again_by_its_numbers():
    short = {"neutral": 1.0, "duration": 4.0}
    first, again = trial("combined", 4, 2, **short), trial("combined", 4, 2, **short)
    np.testing.assert_array_equal(first.emg_raw, again.emg_raw)
    np.testing.assert_array_equal(first.torque, again.torque)
    for other in (
        trial("combined", 4, 3, **short),
        trial("combined", 5, 2, **short),
        trial("isometric", 4, 2, **short),
    ):
        assert abs(correlation(first.emg_raw, other.emg_raw)) < 0.1


def test_states_belong_to_the_signals_at_the_same_time():
    one = trial("passive", mechanics=Mechanics(leak=0.0), duration=30.0)
    still = equilibrium(Mechanics(), 19.0, 20.0, np.zeros(1000), one.angle[::40])
    # but for the noise of the angle's sensor
    np.testing.assert_allclose(still.fascicle_length, one.state.fascicle_length, atol=0.02)
    np.testing.assert_allclose(still.torque + 10, one.torque[::40], atol=4)  # and for sway


def test_signals_span_the_ranges_of_the_paper(trials):
    """Ranges over all participants: 0.0481 V, 100.2 N m, 12.4 degrees."""
    everything = [one for task in Task for one in trials[task]]

    def span(name):
        values = [getattr(one, name) for one in everything]
        return max(map(np.max, values)) - min(map(np.min, values))

    assert span("emg") == pytest.approx(0.0481, rel=0.15)
    assert span("torque") == pytest.approx(100.2, rel=0.15)
    assert span("angle") == pytest.approx(12.4, abs=0.1)


def test_changes_between_frames_are_those_of_the_paper(trials):
    """RMSE over the root of the normalised MSE, in Tables 2 to 4, is the SD of all changes."""

    def deviation(name):
        changes = [np.diff(getattr(one, name)[::40]) for task in Task for one in trials[task]]
        return np.concatenate(changes).std()

    assert deviation("emg") == pytest.approx(0.0009 / np.sqrt(1.379), rel=0.15)
    assert deviation("torque") == pytest.approx(0.922 / np.sqrt(0.709), rel=0.15)
    assert deviation("angle") == pytest.approx(0.139 / np.sqrt(0.463), rel=0.05)


def test_lengths_follow_torque_or_angle_as_measured_in_people(trials):
    """Measured in `ta_torque_angle_emg`: isometric -0.99 and -0.92, rotating 0.9 and 0.1 to 0.3."""

    def median(task, name):
        return np.median(
            [
                correlation(one.state.fascicle_length, getattr(one, name)[::40])
                for one in trials[task]
            ]
        )

    assert median(Task.ISOMETRIC, "torque") < -0.95
    assert median(Task.ISOMETRIC, "emg") < -0.85
    assert median(Task.PASSIVE, "angle") > 0.99
    assert median(Task.COMBINED, "angle") > 0.85
    assert abs(median(Task.COMBINED, "torque")) < 0.6


def test_torque_follows_the_emg():
    one = trial("isometric")
    envelope, torque = (values[12_000:] for values in (np.abs(one.emg_raw), one.torque))
    envelope = np.convolve(envelope, np.ones(201) / 201, "same")
    fits = [correlation(envelope[:-lag], torque[lag:]) for lag in range(10, 600, 10)]
    # by the delay, twice the time constant of activation and the viscosity
    assert 200 < 10 * (1 + int(np.argmax(fits))) < 400


def test_an_unknown_task_is_refused():
    with pytest.raises(ParameterError, match="task = 'walk': allowed are isometric"):
        trial("walk")
