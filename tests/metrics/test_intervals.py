import numpy as np
import pytest
from scipy import stats

from musclelib.metrics import mean_interval, ratio_interval

LEVELS = pytest.mark.parametrize("level", [0.5, 0.9, 0.95])


def share_that_covers(truth, intervals):
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


@LEVELS
def test_intervals_of_a_mean_cover_it_as_often_as_they_say(level):
    rng = np.random.default_rng(0)
    intervals = [mean_interval(rng.normal(3, 2, 60), level) for _ in range(600)]
    assert share_that_covers(3, intervals) == pytest.approx(level, abs=0.05)


@LEVELS
def test_intervals_of_a_ratio_cover_it_as_often_as_they_say(level):
    rng = np.random.default_rng(1)
    below = rng.integers(5, 30, (600, 60))
    above = rng.binomial(below, 0.3)
    intervals = [ratio_interval(*repeats, level) for repeats in zip(above, below, strict=True)]
    assert share_that_covers(0.3, intervals) == pytest.approx(level, abs=0.05)


def test_the_bounds_are_percentiles_as_those_of_scipy():
    rng = np.random.default_rng(2)
    below = rng.integers(5, 30, 40)
    above = rng.binomial(below, 0.3)

    def ratio(over, under, axis):
        return over.sum(axis=axis) / under.sum(axis=axis)

    theirs = stats.bootstrap(
        (above, below), ratio, paired=True, method="percentile", n_resamples=20_000, rng=rng
    ).confidence_interval
    ours = ratio_interval(above, below)
    assert ours.value == above.sum() / below.sum()
    assert ours[1:] == pytest.approx(theirs, abs=0.1 * (theirs.high - theirs.low))


def test_a_mean_leaves_out_what_is_not_known():
    values = np.array([1.0, np.nan, 3.0, 5.0, np.inf])
    assert mean_interval(values).value == 3
    assert 1 <= mean_interval(values).low < 3 < mean_interval(values).high <= 5


def test_nothing_known_gives_no_number():
    assert np.isnan(mean_interval([np.nan, np.nan])).all()
    assert np.isnan(ratio_interval([1, 2], [0, 0])).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "shapes"),
        (([1, 2], [1]), "shapes"),
        (([[1]], [[1]]), "shapes"),
        (([np.nan], [1]), "not finite"),
        (([1], [1], 1.0), "level = 1.0"),
        (([1], [1], 0), "level = 0"),
    ],
)
def test_impossible_repeats_and_levels_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ratio_interval(*arguments)
