import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.metrics.firing_agreement import agreement

times = st.lists(st.integers(0, 400), max_size=6, unique=True).map(
    lambda frames: np.array(frames) / 400
)


def test_the_example_of_paper_2():
    """Seven firings agree, three are of the one alone, two of the other: 0.583."""
    shared = np.arange(7) * 0.1
    true = np.concatenate([shared, [0.75, 0.85, 0.95]])
    found = np.concatenate([shared + 0.014, [0.03, 0.65 + 0.03]])
    result = agreement(true, found)
    assert (result.matched, result.missed, result.extra) == (7, 3, 2)
    assert result.rate == pytest.approx(0.583, abs=5e-4)
    assert result.lag == pytest.approx(0.014)
    assert result.error == pytest.approx(0, abs=1e-12)


@given(true=times, found=times)
def test_no_matching_has_more_pairs(true, found):
    """Against a search through all of them."""
    few, many = sorted((true, found), key=len)
    best = max(
        int((abs(few - np.array(chosen)) <= 0.015 + 1e-9).sum())
        for chosen in itertools.permutations(many, len(few))
    )
    assert agreement(true, found).matched == best


@given(true=times, found=times)
def test_agreement_is_symmetric_and_does_not_depend_on_the_clock(true, found):
    forth = agreement(true, found)
    back = agreement(found, true)
    later = agreement(true + 5, found + 5)
    assert (forth.matched, forth.missed, forth.extra) == (back.matched, back.extra, back.missed)
    assert forth.matched == later.matched
    np.testing.assert_allclose([forth.lag, forth.error], [-back.lag, back.error])


def test_no_firings_at_all():
    assert np.isnan(agreement(np.array([]), np.array([])).rate)
    assert agreement(np.array([0.1]), np.array([])).rate == 0
