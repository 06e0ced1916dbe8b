import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.simulator.motor_units.firing import (
    firing_statistics,
    pad,
    renewal_train,
    synchronise,
)


def trains(rng, count, rate=10.0, length=40.0):
    return [renewal_train(rng, rate, 0.2, 0.03, 0.0, length) for _ in range(count)]


@given(rate=st.floats(5, 20), cv=st.floats(0, 0.4), seed=st.integers(0, 10**6))
def test_intervals_have_the_set_mean_and_never_break_the_gap(rate, cv, seed):
    train = renewal_train(np.random.default_rng(seed), rate, cv, 0.02, 0.0, 100.0)
    intervals = np.diff(train)
    assert intervals.min() >= 0.02 - 1e-12
    assert train[0] >= 0
    assert train[-1] < 100
    error = 4 * max(cv, 0.01) / rate / np.sqrt(len(intervals))
    # the gap lengthens the mean a little
    assert abs(intervals.mean() - 1 / rate) < error + 0.003 * max(0, cv - 0.25)


def test_interval_cv_is_realised():
    train = renewal_train(np.random.default_rng(0), 10.0, 0.2, 0.03, 0.0, 2000.0)
    assert np.std(np.diff(train)) * 10 == pytest.approx(0.2, rel=0.03)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.3])
def test_synchronisation_is_realised_and_mutual(share):
    rng = np.random.default_rng(1)
    before = trains(rng, 10)
    after, flags = synchronise(rng, before, np.full(10, share), 0.002, 0.03)
    firings = sum(map(len, after))
    assert sum(map(np.sum, flags)) / firings == pytest.approx(
        share, abs=3 * np.sqrt(max(share, 1e-9) / firings) + 0.004
    )
    for unit in range(10):
        assert len(after[unit]) == len(before[unit])
        assert np.all(np.diff(after[unit]) >= 0.03 - 1e-12)
        others = np.concatenate(
            [after[other][flags[other]] for other in range(10) if other != unit]
        )
        # every synchronised firing has its partner within 5 SD
        for time in after[unit][flags[unit]]:
            assert np.abs(others - time).min() < 0.01
        unmoved = np.isin(after[unit], before[unit])
        assert np.all(flags[unit][~unmoved])  # what moved is synchronised


def test_the_gap_decides_over_a_move():
    """A match would violate unit 0's refractory period: nothing moves, and the counts stay."""
    moved, flags = synchronise(
        np.random.default_rng(0),
        [np.array([0.0, 0.05]), np.array([0.025])],
        np.array([1.0, 1.0]),
        0.0,
        0.03,
    )
    assert flags[1].sum() == flags[0].sum()
    for train in moved:
        assert np.all(np.diff(train) >= 0.03)


def test_one_unit_alone_cannot_be_synchronised():
    (train,), (flag,) = synchronise(
        np.random.default_rng(0), [np.arange(1, 9) / 9], np.array([0.5]), 0.002, 0.03
    )
    np.testing.assert_array_equal(train, np.arange(1, 9) / 9)
    assert not flag.any()


def test_statistics_of_a_known_train():
    times = pad([np.array([0.0, 0.1, 0.2, 0.3]), np.array([0.5])], 6, np.nan)
    flags = pad([np.array([True, False, False, False]), np.array([False])], 6, False)
    found = firing_statistics(times, flags)
    assert found["firing_rate"][0] == pytest.approx(10)
    assert found["interval_cv"][0] == pytest.approx(0, abs=1e-9)
    assert found["synchronisation"][0] == pytest.approx(0.25)
    assert np.isnan(found["firing_rate"][1])
