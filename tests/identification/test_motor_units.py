import numpy as np
import pytest

from musclelib.identification.motor_units import MotorUnits, check


def test_the_most_certain_come_first():
    territory = np.eye(3)[:, None].astype(bool)
    units = MotorUnits.sorted(territory, np.arange(6).reshape(3, 2), np.array([0.2, 0.9, 0.2]))
    np.testing.assert_array_equal(units.twitch_train[:, 0], [2, 0, 4])
    np.testing.assert_array_equal(units.territory, territory[[1, 0, 2]])
    np.testing.assert_allclose(units.confidence, [0.9, 0.2, 0.2])


def test_no_units_have_the_shapes_of_some():
    none = MotorUnits.none(100, (8, 9))
    assert (none.territory.shape, none.twitch_train.shape, len(none.confidence)) == (
        (0, 8, 9),
        (0, 100),
        0,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v[0], r"velocity has the shape \(8, 9\)"),
        (lambda v: v[:20], "velocity has 20 frames; at least 64"),
        (
            lambda v: np.where(np.arange(9) == 2, np.nan, v),
            r"velocity is nan at \(time, depth, lateral\) = \(0, 0, 2\)",
        ),
        (lambda v: np.ones_like(v), "velocity does not change over time"),
    ],
)
def test_sequences_without_hope_are_refused(change, words):
    velocity = np.random.default_rng(0).standard_normal((100, 8, 9))
    with pytest.raises(ValueError, match=words):
        check(change(velocity))
