import numpy as np
import pytest

from musclelib import simulator
from musclelib.identification.evaluate import confidence_intervals, evaluate, score
from musclelib.identification.motor_units import MotorUnits

PARAMETERS = simulator.preset("paper2", units=(6, 6), noise_snr=(20.0, 20.0))


def examples(count=3):
    return [simulator.sequence_dataset(PARAMETERS, 4, index) for index in range(count)]


class Oracle:
    """Knows the truth of the sequences in the order in which it is asked, and tells some of it."""

    def __init__(self, sequences, told, shift=0):
        self.sequences, self.told, self.shift = iter(sequences), told, shift

    def __call__(self, velocity, frame_rate, spacing, seed=0):
        assert frame_rate == 400
        assert spacing == pytest.approx((0.625, 0.625))
        true = next(self.sequences).isel(sequence=0, unit=self.told)
        trains = np.roll(true.twitch_train.values, self.shift, axis=1)
        return MotorUnits.sorted(
            true.territory.values.astype(bool), trains, np.ones(len(self.told))
        )


def test_the_truth_is_found_to_be_true():
    table = evaluate(Oracle(examples(), range(6)), examples())
    found = confidence_intervals(table)
    for measure in (
        "recall",
        "precision",
        "F",
        "pixel recall",
        "pixel precision",
        "agreement",
        "correlation",
    ):
        np.testing.assert_allclose(found.loc[measure], 1, atol=1e-6)
    assert found.value["firing error"] < 5  # jitter of the twitch's form from firing to firing
    assert (table.units == 6).all()


def test_half_of_the_truth():
    found = confidence_intervals(evaluate(Oracle(examples(), [0, 1, 2]), examples()))
    assert (found.value.recall, found.value.precision) == (0.5, 1)
    assert pytest.approx(2 / 3) == found.value.F


def test_late_trains_agree_less():
    at_once, late = (
        confidence_intervals(evaluate(Oracle(examples(), range(6), shift), examples())).value
        for shift in (0, 10)
    )
    assert late.agreement < 0.5
    assert late.correlation < 0.5
    # a constant lag is no error
    assert late["firing error"] == pytest.approx(at_once["firing error"], abs=1.5)


def test_nothing_found():
    one = examples(1)[0].isel(sequence=0)
    times = [fired[np.isfinite(fired)] for fired in one.firing_time.values]
    row = score(
        MotorUnits.none(400, (64, 64)),
        one.territory.values.astype(bool),
        one.twitch_train.values,
        times,
        400,
    )
    assert (row["units"], row["found"], row["matched"]) == (6, 0, 0)
    assert np.isnan([row["agreement"], row["firing error"], row["pixel recall"]]).all()


def test_sequences_without_units_have_false_alarms_only():
    table = evaluate(Oracle(examples(2), [0, 1]), examples(2)).assign(
        units=0, matched=0, agreement=np.nan
    )
    found = confidence_intervals(table)
    assert np.isnan(found.loc[["recall", "agreement"]]).all(axis=None)
    np.testing.assert_array_equal(found.loc["precision"], 0)


def test_a_unit_that_never_fires_leaves_the_others_measured():
    one = examples(1)[0].isel(sequence=0)
    trains = one.twitch_train.values.copy()
    trains[0] = 0
    units = MotorUnits.sorted(
        one.territory.values.astype(bool), one.twitch_train.values, np.ones(6)
    )
    times = [fired[np.isfinite(fired)] for fired in one.firing_time.values]
    row = score(units, one.territory.values.astype(bool), trains, times, 400)
    assert row["correlation"] == pytest.approx(1)
    assert 0.8 < row["agreement"] < 1


def test_intervals_hold_the_value_and_narrow_with_more_sequences():
    rng = np.random.default_rng(0)
    tables = []
    for count in (10, 1000):
        table = (
            evaluate(Oracle(examples(1), range(6)), examples(1))
            .loc[[0] * count]
            .reset_index(drop=True)
        )
        table["matched"] = rng.binomial(6, 0.7, count)
        tables.append(confidence_intervals(table).loc["recall"])
    few, many = tables
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.2 * (few.high - few.low)
    assert many.value == pytest.approx(0.7, abs=0.03)
