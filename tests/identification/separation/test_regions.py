import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.identification.motor_units import MotorUnits
from musclelib.identification.separation.regions import distinct, merge, regions


def test_the_grid_of_the_field_s_method():
    grid = regions((64, 64), (0.625, 0.625))
    assert len(grid) == 25
    assert {(part.stop - part.start) for region in grid for part in region} == {32}
    assert [region[1].start for region in grid[:5]] == [0, 8, 16, 24, 32]


@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.tuples(st.floats(0.1, 2), st.floats(0.1, 2)),
)
def test_any_field_is_covered_without_gaps(field, spacing):
    grid = regions(field, spacing)
    seen = np.zeros(field, bool)
    for region in grid:
        assert all(
            0 <= part.start < part.stop <= pixels
            for part, pixels in zip(region, field, strict=True)
        )
        seen[region] = True
    assert seen.all()
    assert len(grid) == len({str(region) for region in grid})


def test_a_small_field_is_one_region():
    assert regions((20, 20), (0.625, 0.625)) == [(slice(0, 20), slice(0, 20))]


def test_pixels_without_size_are_refused():
    with pytest.raises(ValueError, match=r"spacing = \(0, 1\) \[mm\]"):
        regions((20, 20), (0, 1))


def hand_made():
    """A unit, nearly the same unit, a part of it, another in its place, and its like elsewhere."""
    depth, lateral = np.indices((30, 30))
    places = [(10, 10, 6), (10, 11, 6), (10, 8, 3), (10, 10, 6), (22, 22, 5)]
    territory = np.array([(depth - y) ** 2 + (lateral - x) ** 2 <= r**2 for y, x, r in places])
    rng = np.random.default_rng(0)
    train, other = rng.standard_normal((2, 200))
    trains = np.array([train, train + 0.3 * rng.standard_normal(200), 5 * train + 2, other, train])
    return MotorUnits(territory, trains, np.array([0.9, 0.8, 0.7, 0.6, 0.5]))


def test_one_unit_that_was_found_three_times_is_kept_once():
    units = hand_made()
    np.testing.assert_array_equal(distinct(units), [0, 3, 4])
    merged = merge(units)
    np.testing.assert_array_equal(merged.territory, units.territory[[0, 3, 4]])
    np.testing.assert_allclose(merged.twitch_train, units.twitch_train[[0, 3, 4]], rtol=1e-6)
    np.testing.assert_allclose(merged.confidence, [0.9, 0.6, 0.5])


@given(order=st.permutations(range(5)), gain=st.floats(1e-3, 1e3))
def test_neither_order_nor_gain_matters(order, gain):
    units = hand_made()
    shuffled = MotorUnits(
        units.territory[order], gain * units.twitch_train[order], units.confidence[order]
    )
    np.testing.assert_array_equal(merge(shuffled).territory, merge(units).territory)


def test_nothing_changes_by_merging_again_and_nothing_is_merged_from_nothing():
    once = merge(hand_made())
    np.testing.assert_array_equal(merge(once).territory, once.territory)
    assert not len(merge(MotorUnits.none(100, (8, 8))).territory)
