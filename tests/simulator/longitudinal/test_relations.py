import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from musclelib.parameters import ParameterError
from musclelib.recordings import fetch, read_tibialis
from musclelib.simulator.longitudinal.participants import sample_mechanics
from musclelib.simulator.longitudinal.relations import relations
from musclelib.simulator.longitudinal.trial import simulate_trial


def recorded(name):
    """Relations of a real trial of the tibialis anterior, by its deep region."""
    folder = "ta_torque_angle_emg"
    trial = read_tibialis(
        fetch(f"{folder}/{name}.mat"), fetch(f"{folder}/US_Data/Fas_Data/{name}.mat")
    )
    envelope = sosfiltfilt(
        butter(2, 3, fs=2000, output="sos"), np.abs(trial.emg - trial.emg.mean())
    )
    at = trial.assign(emg=("time", envelope)).interp(time=trial.frame_time.values)
    return relations(
        trial.fascicle_length[0].values, at.torque.values, at.emg.values, at.angle.values
    )


def simulated(task):
    """Relations of seven simulated participants, one row each."""
    rows = []
    for index in range(7):
        trial = simulate_trial(sample_mechanics(0, index), 19.0, 20.0, task, 0, index)
        signals = (values[::40] for values in (trial.torque, trial.emg, trial.angle))
        rows.append(relations(trial.state.fascicle_length, *signals))
    return np.array(rows)


def test_relations_of_known_signals():
    time = np.linspace(0, 1, 101)
    found = relations(50 - 8 * time, time, np.zeros(101), 20 * (time - 0.5) ** 2)
    assert found.range == pytest.approx(8)
    assert found.torque == pytest.approx(-1)
    assert np.isnan(found.emg)
    assert found.angle == pytest.approx(0, abs=1e-9)


def test_the_noise_of_an_angle_that_is_held_is_not_correlated():
    time = np.linspace(0, 1, 101)
    assert np.isnan(relations(time, time, time, 0.1 * time).angle)


def test_arrays_of_other_shapes_are_refused():
    time = np.arange(10.0)
    with pytest.raises(ParameterError, match=r"emg of shape \(9,\): 10 finite values"):
        relations(time, time, time[:9], time)
    with pytest.raises(ParameterError, match="angle of shape"):
        relations(time, time, time, np.full(10, np.nan))


@pytest.mark.usefixtures("data_mirror")
def test_a_simulated_contraction_goes_as_a_recorded_one():
    real = np.mean([recorded(f"Ref_Long_0{number}") for number in (1, 2)], axis=0)
    made = np.median(simulated("isometric"), axis=0)
    assert made[0] == pytest.approx(real[0], abs=2)  # [mm]
    assert made[1] == pytest.approx(real[1], abs=0.03)
    assert made[2] == pytest.approx(real[2], abs=0.06)


@pytest.mark.usefixtures("data_mirror")
def test_in_rotation_length_follows_angle_and_hardly_torque():
    trials = ("PL_0_01", "PL_0_02", "PL_50_01", "PL_50_02", "PL_50_03", "PL_100_01", "PL_100_02")
    real = np.mean([recorded(name) for name in trials], axis=0)
    made = np.median(simulated("combined"), axis=0)
    assert made[3] == pytest.approx(real[3], abs=0.05)
    assert abs(made[1]) < 0.6
    assert abs(real[1]) < 0.6
