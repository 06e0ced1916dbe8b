import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.metrics.matching import match, overlap


def discs(*places, field=(40, 40)):
    depth, lateral = np.indices(field)
    return np.array(
        [(depth - y) ** 2 + (lateral - x) ** 2 <= r**2 for y, x, r in places], bool
    ).reshape(-1, *field)


def test_overlap_by_hand():
    a = np.zeros((2, 4, 4), bool)
    a[0, :2], a[1, 0, 0] = True, True
    b = np.zeros((2, 4, 4), bool)
    b[0, 1:3] = True
    np.testing.assert_allclose(overlap(a, b), [[4 / 12, 0], [0, 0]])


def test_overlapping_units_are_matched_one_to_one():
    true = discs((10, 10, 6), (13, 13, 6), (30, 30, 5))
    found = true[[2, 1]].copy()
    found[0, 30:] = False  # the lower part of the third is missed
    result = match(true, found, threshold=0.4)
    assert dict(zip(result.true, result.found, strict=True)) == {1: 1, 2: 0}
    assert (result.recall, result.precision) == (2 / 3, 1)
    lost = (true[2] & found[0]).sum() / true[2].sum()
    assert result.pixel_recall == pytest.approx((1 + lost) / 2)
    assert result.pixel_precision == 1


def test_one_more_pair_outweighs_a_better_one():
    row = np.zeros((4, 1, 20), bool)
    row[0, 0, :10] = row[1, 0, 2:12] = True  # true ones
    row[2, 0, 1:11] = row[3, 0, :7] = True  # alike to both, alike to the first alone
    similarity = overlap(row[:2], row[2:])
    assert similarity[0, 0] == similarity[1, 0] > similarity[0, 1] > 0.5 > similarity[1, 1]
    result = match(row[:2], row[2:])
    assert dict(zip(result.true, result.found, strict=True)) == {0: 1, 1: 0}


def test_one_territory_that_covers_two_units_is_one_of_them():
    true = discs((20, 18, 8), (20, 22, 8))
    result = match(true, true.any(axis=0, keepdims=True))
    assert (result.recall, result.precision) == (0.5, 1)


def test_nothing_true_or_nothing_found():
    some, none = discs((10, 10, 4)), np.zeros((0, 40, 40), bool)
    result = match(none, some)
    assert np.isnan(result.recall)
    assert result.precision == 0
    result = match(some, none)
    assert result.recall == 0
    assert np.isnan([result.precision, result.pixel_recall, result.pixel_precision]).all()


@given(order=st.permutations(range(5)))
def test_the_order_of_the_found_does_not_matter(order):
    true = discs((10, 10, 6), (12, 13, 6), (30, 30, 5), (8, 30, 4), (30, 8, 5))
    result = match(true, np.roll(true, 1, axis=2)[order])
    assert result.recall == result.precision == 1
    assert [order[found] for found in result.found] == list(result.true)


def test_wrong_masks_are_refused():
    masks = discs((10, 10, 4))
    with pytest.raises(ValueError, match=r"true: float64 of shape \(1, 40, 40\); bool"):
        match(masks.astype(float), masks)
    with pytest.raises(
        ValueError, match=r"true territories lie in \(40, 40\) pixels, found ones in \(40, 30\)"
    ):
        match(masks, masks[..., :30])
