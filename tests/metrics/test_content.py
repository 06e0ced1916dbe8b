import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from musclelib.metrics.content import (
    cross_correlation,
    difference_map,
    similarity_map,
    similarity_profile,
    unit_correlation,
)

seeds = st.integers(0, 2**32 - 1)


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def burst(seed, frames=80, pad=30):
    """A sequence that is silent at both ends, so that a shift loses nothing."""
    values = noise(seed, frames, 3, 4)
    return np.pad(values - values.mean(axis=0), ((pad, pad), (0, 0), (0, 0)))


class TestCrossCorrelation:
    @given(seed=seeds, shift=st.integers(-30, 30))
    def test_known_shift_gives_the_known_lag(self, seed, shift):
        first = burst(seed)
        correlation, lag = cross_correlation(first, np.roll(first, shift, axis=0), 500.0)
        # positive where the second is later
        np.testing.assert_allclose(lag, 2.0 * shift, atol=1e-4)
        np.testing.assert_allclose(correlation, 1, atol=1e-5)

    @given(seed=seeds)
    def test_agrees_with_scipy(self, seed):
        first, second = noise(seed, 50, 2, 3), noise(seed + 1, 50, 2, 3)
        correlation, lag = cross_correlation(first, second, 1000.0, max_lag=20.0)
        lags = signal.correlation_lags(50, 50)
        within = np.abs(lags) <= 20
        for pixel in np.ndindex(2, 3):
            x, y = (s[:, *pixel] - s[:, *pixel].mean() for s in (first, second))
            values = signal.correlate(y, x, method="direct") / np.linalg.norm(x) / np.linalg.norm(y)
            assert correlation[pixel] == pytest.approx(values[within].max(), abs=1e-5)
            assert values[lags == round(lag[pixel])] == pytest.approx(
                values[within].max(), abs=1e-5
            )

    @given(seed=seeds, gain=st.floats(1e-3, 1e3), offset=st.floats(-10, 10))
    def test_swap_negates_the_lag_and_gain_and_offset_do_not_matter(self, seed, gain, offset):
        first, second = burst(seed), burst(seed) + 0.5 * burst(seed + 1)
        correlation, lag = cross_correlation(first, second, 512.0)
        swapped, opposite = cross_correlation(gain * second + offset, first, 512.0)
        np.testing.assert_allclose(swapped, correlation, atol=1e-5)
        np.testing.assert_allclose(opposite, -lag, atol=1e-4)

    def test_itself(self):
        first = noise(0, 300, 40, 30)  # several blocks
        correlation, lag = cross_correlation(first, first, 512.0)
        np.testing.assert_allclose(correlation, 1, atol=1e-5)
        np.testing.assert_array_equal(lag, 0)

    def test_large_offset_does_not_drown_the_signal(self):
        first = noise(0, 100, 2, 2)
        correlation, _ = cross_correlation(first + 1e6, first, 512.0)
        np.testing.assert_allclose(correlation, 1, atol=1e-5)

    def test_inverted_translation_is_not_consistent(self):
        correlation, _ = cross_correlation(burst(0), -burst(0), 512.0)
        assert (correlation < 0.5).all()

    def test_lag_stays_within_the_limit(self):
        first = burst(0)
        second = np.roll(first, 20, axis=0)
        correlation, lag = cross_correlation(first, second, 1000.0, max_lag=20.0)
        np.testing.assert_allclose(lag, 20)
        correlation, lag = cross_correlation(first, second, 1000.0, max_lag=19.0)
        assert (np.abs(lag) <= 19).all()
        assert (correlation < 0.9).all()
        correlation, lag = cross_correlation(first, second, 1000.0, max_lag=0.0)
        np.testing.assert_array_equal(lag, 0)

    def test_limit_beyond_the_sequence_looks_at_all_lags(self):
        first, second = noise(0, 20, 2, 2), noise(1, 20, 2, 2)
        wide = cross_correlation(first, second, 1000.0, max_lag=1e4)
        np.testing.assert_array_equal(wide, cross_correlation(first, second, 1000.0, max_lag=19.0))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_constant_pixels_are_nan(self, dtype):
        first, second = noise(0, 1000, 2, 3).astype(dtype), noise(1, 1000, 2, 3).astype(dtype)
        first[:, 0, 1] = 0.1
        second[:, 1, 2] = 0
        for result in cross_correlation(first, second, 512.0):
            np.testing.assert_array_equal(
                np.isnan(result), [[False, True, False], [False, False, True]]
            )

    def test_wrong_input_raises(self):
        good = noise(0, 20, 2, 2)
        with pytest.raises(
            ValueError, match=r"first has the shape \(20, 2, 2\), second \(19, 2, 2\)"
        ):
            cross_correlation(good, good[1:], 512.0)
        with pytest.raises(ValueError, match="second has 1 frames"):
            cross_correlation(good, good[:1], 512.0)
        with pytest.raises(ValueError, match=r"first is nan"):
            cross_correlation(good * np.nan, good, 512.0)
        with pytest.raises(ValueError, match="frame_rate = 0"):
            cross_correlation(good, good, 0)
        with pytest.raises(ValueError, match="max_lag = -1"):
            cross_correlation(good, good, 512.0, -1)


class TestDifferenceAndSimilarity:
    @given(seed=seeds, gain=st.floats(1e-3, 1e3), offset=st.floats(-10, 10))
    def test_gain_and_offset_do_not_matter(self, seed, gain, offset):
        first = noise(seed, 12, 3, 4)
        np.testing.assert_allclose(difference_map(first, gain * first + offset), 0, atol=1e-8)
        np.testing.assert_allclose(similarity_map(first, gain * first + offset), 1, atol=1e-8)

    @given(seed=seeds, mix=st.floats(-2, 2))
    def test_mean_similarity_is_the_pearson_correlation(self, seed, mix):
        first = noise(seed, 12, 3, 4)
        second = noise(seed + 1, 12, 3, 4) + mix * first
        expected = np.corrcoef(first.ravel(), second.ravel())[0, 1]
        assert similarity_map(first, second).mean() == pytest.approx(expected, abs=1e-9)
        np.testing.assert_allclose(difference_map(first, second), difference_map(second, first))

    def test_agrees_with_standardised_frames(self):
        first = noise(0, 500, 60, 20).astype(np.float32)
        second = noise(1, 500, 60, 20).astype(np.float32)
        za, zb = ((s - s.mean(dtype=float)) / s.std(dtype=float) for s in (first, second))
        frames = (za - zb) ** 2
        np.testing.assert_allclose(
            difference_map(first, second), np.sqrt(frames.mean(axis=0)), rtol=1e-5
        )

    def test_inverted_sequence(self):
        first = noise(0, 30, 3, 4)
        assert np.mean(difference_map(first, -first) ** 2) == pytest.approx(4)
        assert similarity_map(first, -first).mean() == pytest.approx(-1)

    def test_profile_finds_the_layer_that_differs(self):
        first = noise(0, 200, 8, 10)
        second = first.copy()
        second[:, :2] = noise(1, 200, 2, 10)
        profile = similarity_profile(first, second)
        assert profile.shape == (8,)
        assert (profile[:2] < 0.3).all()
        assert (profile[2:] > 0.99).all()

    def test_wrong_input_raises(self):
        with pytest.raises(ValueError, match="second is constant"):
            difference_map(noise(0, 5, 2, 2), np.full((5, 2, 2), 0.1))
        with pytest.raises(ValueError, match="paired sequences need the same"):
            similarity_map(noise(0, 5, 2, 2), noise(0, 5, 2, 3))


class TestUnitCorrelation:
    def sequence(self, amplitude):
        time = np.arange(512) / 512
        trains = np.stack([np.sin(2 * np.pi * 9 * time), np.sin(2 * np.pi * 13 * time)])
        territory = np.zeros((2, 20, 20), bool)
        territory[0, 2:8, 2:8], territory[1, 12:18, 12:18] = True, True
        return np.einsum("ut,udl->tdl", amplitude * trains, territory), territory, trains

    def test_units_apart_are_read_whole_and_a_gain_does_not_matter(self):
        velocity, territory, trains = self.sequence(np.array([[1.0], [0.2]]))
        np.testing.assert_allclose(
            unit_correlation(velocity - 3, territory, trains, 512.0), 1, atol=1e-6
        )

    def test_an_inverted_unit_a_lost_one_and_an_empty_one(self):
        velocity, territory, trains = self.sequence(np.array([[-1.0], [0.0]]))
        territory = np.concatenate([territory, np.zeros((1, 20, 20), bool)])
        trains = np.concatenate([trains, trains[:1]])
        found = unit_correlation(velocity, territory, trains, 512.0)
        assert found[0] == pytest.approx(-1, abs=1e-6)
        assert np.isnan(found[1:]).all()

    def test_slow_motion_on_top_does_not_disturb(self):
        velocity, territory, trains = self.sequence(np.ones((2, 1)))
        slow = 5 * np.sin(2 * np.pi * 0.5 * np.arange(512) / 512)
        assert (
            unit_correlation(velocity + slow[:, None, None], territory, trains, 512.0) > 0.95
        ).all()

    def test_labels_of_another_sequence_are_refused(self):
        velocity, territory, trains = self.sequence(np.ones((2, 1)))
        with pytest.raises(ValueError, match="do not belong to a velocity"):
            unit_correlation(velocity, territory, trains[:, 1:], 512.0)
