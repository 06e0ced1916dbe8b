import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from musclelib.metrics.temporal import PSD_FLOOR, log_psd, psd_correlation

seeds = st.integers(0, 2**32 - 1)


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


class TestLogPsd:
    def test_agrees_with_scipy_averaged_over_pixels(self):
        velocity = noise(0, 2000, 14, 10).astype(np.float32)  # more than one block
        expected_f, expected = signal.welch(velocity.astype(np.float64), 400.0, nperseg=200, axis=0)
        frequency, result = log_psd(velocity, 400.0)
        np.testing.assert_allclose(frequency, expected_f[1:])
        np.testing.assert_allclose(result, np.log10(expected.mean(axis=(1, 2))[1:]), atol=1e-5)

    def test_one_segment_is_the_hann_periodogram(self):
        velocity = noise(1, 60, 3, 4)
        _, expected = signal.periodogram(velocity, 512.0, window="hann", axis=0)
        np.testing.assert_allclose(
            log_psd(velocity, 512.0)[1], np.log10(expected.mean(axis=(1, 2))[1:]), atol=1e-10
        )

    def test_tone_peaks_at_its_frequency_with_its_power(self):
        time = np.arange(1024) / 512
        frequency, result = log_psd(
            3 * np.sin(2 * np.pi * 12 * time)[:, None, None] * np.ones((2, 2)), 512.0
        )
        assert frequency[result.argmax()] == 12
        assert np.sum(10**result) * (frequency[1] - frequency[0]) == pytest.approx(4.5, rel=1e-6)
        assert result.min() == pytest.approx(result.max() + np.log10(PSD_FLOOR))

    def test_length_does_not_change_the_frequencies(self):
        grids = [log_psd(noise(0, frames, 2, 2), 512.0)[0] for frames in (256, 300, 1024)]
        np.testing.assert_array_equal(grids[0], grids[1])
        np.testing.assert_array_equal(grids[0], grids[2])

    @given(seed=seeds, gain=st.floats(1e-3, 1e3), offset=st.floats(-10, 10))
    def test_gain_shifts_and_offset_and_pixel_order_do_not_matter(self, seed, gain, offset):
        velocity = noise(seed, 40, 2, 6)
        order = np.random.default_rng(seed).permutation(6)
        moved = gain * (velocity[:, :, order] + offset)
        expected = log_psd(velocity, 100.0, 0.2)[1] + 2 * np.log10(gain)
        np.testing.assert_allclose(log_psd(moved, 100.0, 0.2)[1], expected, atol=1e-8)

    @pytest.mark.parametrize("value", [0.0, 0.1, -1e6])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_constant_sequence_raises(self, value, dtype):
        with pytest.raises(ValueError, match="constant over time at every pixel"):
            log_psd(np.full((300, 3, 3), value, dtype), 512.0)

    def test_wrong_input_raises(self):
        with pytest.raises(ValueError, match="7 frames; at least 8"):
            log_psd(noise(0, 7, 2, 2), 512.0)
        with pytest.raises(ValueError, match=r"segment = 0.01 s has 5 frames; at least 8"):
            log_psd(noise(0, 64, 2, 2), 512.0, 0.01)
        for frame_rate in (0.0, -1.0, np.inf, np.nan):
            with pytest.raises(ValueError, match="frame_rate"):
                log_psd(noise(0, 64, 2, 2), frame_rate)
        with pytest.raises(ValueError, match="must be finite"):
            log_psd(np.full((64, 2, 2), np.inf), 512.0)


class TestPsdCorrelation:
    frequency = np.arange(2.0, 42.0, 2.0)

    def test_agrees_with_numpy_within_the_band(self):
        a, b = noise(0, 3, 20), noise(1, 4, 20)
        inside = slice(2, 10)  # 6 to 20 Hz, both included
        expected = np.corrcoef(a[:, inside], b[:, inside])[:3, 3:]
        np.testing.assert_allclose(
            psd_correlation(a, b, self.frequency, (6, 20)), expected, atol=1e-12
        )
        expected = np.corrcoef(a, b)[:3, 3:]
        np.testing.assert_allclose(psd_correlation(a, b, self.frequency), expected, atol=1e-12)

    def test_what_is_outside_the_band_does_not_matter(self):
        a = noise(0, 2, 20)
        b = a.copy()
        b[:, self.frequency > 20] += noise(1, 2, 10) * 5
        np.testing.assert_allclose(np.diag(psd_correlation(a, b, self.frequency, (0, 20))), 1)
        assert (np.diag(psd_correlation(a, b, self.frequency)) < 0.9).all()

    @given(seed=seeds, gain=st.floats(0.1, 10), offset=st.floats(-5, 5))
    def test_identity_symmetry_permutation_and_scale(self, seed, gain, offset):
        a, b = noise(seed, 4, 20), noise(seed + 1, 3, 20)
        order = np.random.default_rng(seed).permutation(4)
        result = psd_correlation(a, b, self.frequency)
        np.testing.assert_allclose(np.diag(psd_correlation(a, a, self.frequency)), 1)
        np.testing.assert_allclose(psd_correlation(b, a, self.frequency), result.T, atol=1e-12)
        moved = gain * a[order] + offset
        np.testing.assert_allclose(
            psd_correlation(moved, b, self.frequency), result[order], atol=1e-9
        )

    def test_wrong_input_raises(self):
        with pytest.raises(ValueError, match="band 5 to 9 Hz holds 2 frequencies"):
            psd_correlation(noise(0, 1, 20), noise(1, 1, 20), self.frequency, (5, 9))
        with pytest.raises(ValueError, match=r"second has the shape \(1, 19\)"):
            psd_correlation(noise(0, 1, 20), noise(1, 1, 19), self.frequency)
        with pytest.raises(ValueError, match="second holds a value that is not finite"):
            psd_correlation(noise(0, 1, 20), np.full((1, 20), np.nan), self.frequency)
