import dataclasses

import numpy as np

from musclelib.simulator.longitudinal.mechanics import Mechanics
from musclelib.simulator.longitudinal.participants import PARTICIPANTS, sample_mechanics


def test_a_participant_is_the_same_each_time_and_differs_from_others():
    assert sample_mechanics(3, 7) == sample_mechanics(3, 7)
    everyone = {sample_mechanics(seed, index) for seed in (0, 1) for index in range(PARTICIPANTS)}
    assert len(everyone) == 2 * PARTICIPANTS


def test_every_quantity_differs_about_its_default():
    drawn = [dataclasses.asdict(sample_mechanics(0, index)) for index in range(400)]
    for name, default in dataclasses.asdict(Mechanics()).items():
        values = np.array([one[name] for one in drawn])
        assert 0.01 < values.std() / default < 0.6, name
        assert abs(np.median(values) / default - 1) < 0.06, name


def test_the_electromechanical_delay_is_one_that_has_been_measured():
    delays = [sample_mechanics(0, index).delay for index in range(400)]
    assert min(delays) > 0.02
    assert max(delays) < 0.06
