import json

import numpy as np
import pytest

from musclelib import sequences
from musclelib.parameters import ParameterError
from musclelib.simulator.generate import generate
from musclelib.simulator.longitudinal.parameters import View
from musclelib.simulator.longitudinal.record import LongitudinalParameters, participant_trial
from musclelib.simulator.motor_units.superpose import sequence_dataset

SMALL = LongitudinalParameters(
    neutral=0.2, duration=1.0, view=View(pixels=(40, 96), size=(14.67, 30.0))
)


def test_a_set_is_resumed_and_its_trials_can_be_made_alone(tmp_path):
    generate(tmp_path / "set.zarr", SMALL, 4, seed=2, workers=2)
    stored = sequences.open(tmp_path / "set.zarr")
    assert stored.subject.values.tolist() == [0, 0, 0, 1]
    assert stored.task.values.tolist() == [0, 1, 2, 0]
    alone = sequence_dataset(SMALL, 2, 3)
    np.testing.assert_array_equal(stored.intensity[3], alone.intensity[0])
    np.testing.assert_array_equal(stored.torque[3], alone.torque[0])


def test_a_trial_follows_the_schema_with_its_truth():
    made = sequence_dataset(SMALL, 0, 1)
    sequences.schema.check(made)
    assert made.sizes == {"sequence": 1, "time": 30, "depth": 40, "lateral": 96}
    assert made.intensity.dtype == np.uint8
    assert np.diff(made.time) == pytest.approx(1 / 25)
    assert json.loads(made.attrs["parameters"])["device"]["frequency"] == 7.5e6
    ratio = np.sin(np.radians(made.fascicle_angle)) * made.fascicle_length / made.thickness
    np.testing.assert_allclose(ratio, 1, atol=0.1)


def test_tasks_move_what_they_should():
    isometric, passive, _ = (participant_trial(SMALL, 0, index) for index in range(3))
    assert np.ptp(isometric.trial.angle) < 0.1 < np.ptp(passive.trial.angle)


def test_a_set_without_tasks_or_with_another_is_refused():
    with pytest.raises(ParameterError, match="at least one"):
        LongitudinalParameters(tasks=())
    with pytest.raises(ParameterError, match="isometric"):
        LongitudinalParameters(tasks=("jumping",))
