import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.metrics.spatial import (
    HISTOGRAM_EDGES,
    bhattacharyya_distance,
    histogram_correlation,
    kspace,
    kspace_range,
    log_variance_map,
    map_histogram,
    structural_similarity,
)

seeds = st.integers(0, 2**32 - 1)


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def histograms(seed, n, bins=24):
    return np.random.default_rng(seed).gamma(0.7, size=(n, bins))


class TestLogVarianceMap:
    def test_known_amplitudes(self):
        phase = 2 * np.pi * np.arange(64) / 16
        amplitude = np.array([[1.0, 2.0], [3.0, 4.0]])
        expected = np.log10(1 + amplitude**2 / 7.5)  # variance a^2 / 2, its mean 7.5 / 2
        np.testing.assert_allclose(
            log_variance_map(np.sin(phase)[:, None, None] * amplitude), expected, atol=1e-12
        )

    def test_constant_pixels_are_zero(self):
        velocity = noise(0, 50, 4, 5).astype(np.float32)
        velocity[:, 1, 2] = 0.1
        velocity[:, 3] = 0
        result = log_variance_map(velocity)
        still = result == 0
        assert still[1, 2]
        assert still[3].all()
        assert still.sum() == 6

    @given(seed=seeds, gain=st.floats(1e-3, 1e3), offset=st.floats(-10, 10))
    def test_gain_sign_offset_and_frame_order_do_not_matter(self, seed, gain, offset):
        velocity = noise(seed, 20, 3, 4)
        order = np.random.default_rng(seed).permutation(20)
        np.testing.assert_allclose(
            log_variance_map(-gain * (velocity[order] + offset)),
            log_variance_map(velocity),
            atol=1e-8,
        )

    def test_blocks_do_not_show(self):
        velocity = noise(3, 2048, 40, 16)  # several blocks, the last one shorter
        variance = velocity.var(axis=0)
        np.testing.assert_allclose(
            log_variance_map(velocity), np.log10(1 + variance / variance.mean()), atol=1e-12
        )

    @pytest.mark.parametrize("value", [0.0, 0.1, -1e6])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_constant_sequence_raises(self, value, dtype):
        with pytest.raises(ValueError, match="constant over time at every pixel"):
            log_variance_map(np.full((33, 4, 4), value, dtype))

    def test_wrong_input_raises(self):
        with pytest.raises(ValueError, match=r"shape \(4, 4\).*time, depth, lateral"):
            log_variance_map(np.ones((4, 4)))
        with pytest.raises(ValueError, match="1 frames; at least 2"):
            log_variance_map(np.ones((1, 4, 4)))
        velocity = noise(0, 9, 4, 5)
        velocity[7, 1, 3] = np.nan
        with pytest.raises(ValueError, match=r"nan at .* = \(7, 1, 3\); it must be finite"):
            log_variance_map(velocity)


class TestHistogram:
    def test_agrees_with_numpy_and_keeps_outliers(self):
        values = noise(1, 40, 50)
        values[0, 0], values[0, 1] = -50, 70
        z = (values - values.mean()) / values.std()
        counts, _ = np.histogram(z, HISTOGRAM_EDGES)
        assert counts.sum() == 1998
        counts[[0, -1]] += 1
        np.testing.assert_array_equal(map_histogram(values), counts / 2000)

    @given(seed=seeds, gain=st.floats(0.01, 100), offset=st.floats(-10, 10))
    def test_spread_level_and_place_do_not_matter(self, seed, gain, offset):
        values = noise(seed, 10, 12)
        moved = gain * np.random.default_rng(seed).permuted(values) + offset
        np.testing.assert_allclose(map_histogram(moved), map_histogram(values), atol=1.01 / 120)
        assert map_histogram(values).sum() == pytest.approx(1)

    @given(share=st.floats(0.05, 0.19), contrast=st.floats(3, 100))
    def test_a_still_background_lies_in_one_bin_whatever_moves(self, share, contrast):
        values = np.zeros(4000)
        moving = round(share * 4000)
        values[:moving] = np.log10(1 + contrast * np.linspace(0.5, 1, moving))
        found = map_histogram(values.reshape(40, 100))
        assert found.argmax() == np.searchsorted(HISTOGRAM_EDGES, 0) - 1
        assert round(4000 * found.max()) >= 4000 - moving

    @pytest.mark.parametrize("edges", [[0.0], [0.0, 0.0, 1.0], [1.0, 0.0]])
    def test_wrong_edges_raise(self, edges):
        with pytest.raises(ValueError, match="increasing"):
            map_histogram(noise(0, 2, 2), edges)

    def test_wrong_map_raises(self):
        with pytest.raises(ValueError, match="log_variance holds a value that is not finite"):
            map_histogram(np.full((2, 2), np.nan))
        with pytest.raises(ValueError, match="flat"):
            map_histogram(np.full((20, 20), -0.3))
        with pytest.raises(ValueError, match=r"log_variance has the shape \(4,\)"):
            map_histogram(noise(0, 4))


class TestHistogramComparison:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (histogram_correlation, cv2.HISTCMP_CORREL),
            (bhattacharyya_distance, cv2.HISTCMP_BHATTACHARYYA),
        ],
    )
    def test_agrees_with_opencv(self, ours, theirs):
        a, b = (histograms(s, n).astype(np.float32) for s, n in ((0, 5), (1, 4)))
        reference = [[cv2.compareHist(x, y, theirs) for y in b] for x in a]
        np.testing.assert_allclose(ours(a, b), reference, atol=1e-6)

    @given(seed=seeds)
    def test_identity_symmetry_permutation_and_scale(self, seed):
        a, b = histograms(seed, 4), histograms(seed + 1, 5)
        order = np.random.default_rng(seed).permutation(4)
        for metric, perfect in ((histogram_correlation, 1), (bhattacharyya_distance, 0)):
            np.testing.assert_allclose(np.diag(metric(a, a)), perfect, atol=1e-7)
            np.testing.assert_allclose(metric(a, b), metric(b, a).T, atol=1e-12)
            np.testing.assert_allclose(metric(a[order], b), metric(a, b)[order], atol=1e-12)
            np.testing.assert_allclose(metric(7 * a, b), metric(a, b), atol=1e-7)

    @given(seed=seeds)
    def test_distance_is_a_metric(self, seed):
        d = bhattacharyya_distance(*[histograms(seed, 6)] * 2)
        assert (d >= 0).all()
        assert (d <= 1).all()
        # d(i, j) <= d(i, k) + d(k, j)
        assert (d[:, :, None] <= d[:, None, :] + d.T[None] + 1e-7).all()

    def test_known_values(self):
        assert bhattacharyya_distance([[1, 0]], [[0, 1]]) == 1
        assert bhattacharyya_distance([[1, 0]], [[1, 1]]) == pytest.approx(
            np.sqrt(1 - np.sqrt(0.5))
        )
        assert histogram_correlation([[1, 2, 3]], [[3, 2, 1]]) == pytest.approx(-1)

    def test_wrong_input_raises(self):
        with pytest.raises(ValueError, match=r"shape \(3,\), of second \(4,\)"):
            bhattacharyya_distance(np.ones((1, 3)), np.ones((1, 4)))
        with pytest.raises(ValueError, match="histogram 1 of second is negative or empty"):
            bhattacharyya_distance([[1, 2]], [[1, 2], [0, 0]])
        with pytest.raises(ValueError, match="histogram 0 of first is negative"):
            histogram_correlation([[1, -2]], [[1, 2]])
        with pytest.raises(ValueError, match="item 0 of first is constant"):
            histogram_correlation([[2, 2]], [[1, 2]])
        with pytest.raises(ValueError, match="2 filled dimensions"):
            histogram_correlation([1, 2], [[1, 2]])


class TestKSpace:
    def test_plane_wave_reaches_the_range_at_its_frequency(self):
        depth, lateral = np.mgrid[:32, :48]
        result = kspace(5 - 3 * np.cos(2 * np.pi * (4 * depth / 32 + 9 * lateral / 48)))
        assert result.shape == (15, 23)
        assert result[3, 8] == pytest.approx(kspace_range((32, 48)))  # kx and ky begin at 1
        result[3, 8] = 0
        assert result.max() < 1e-6

    @pytest.mark.parametrize(("size", "positive"), [(128, 63), (33, 16), (15, 7)])
    def test_size(self, size, positive):
        assert kspace(noise(0, size, size)).shape == (positive, positive)

    @given(
        seed=seeds, gain=st.floats(0.01, 100), offset=st.floats(-10, 10), shift=st.integers(0, 30)
    )
    def test_spread_level_shift_and_half_turn_do_not_matter(self, seed, gain, offset, shift):
        values = noise(seed, 16, 20)
        result = kspace(values)
        assert (result >= 0).all()
        assert (result <= kspace_range((16, 20))).all()
        moved = np.roll(gain * values + offset, (shift, 2 * shift), axis=(0, 1))[::-1, ::-1]
        np.testing.assert_allclose(kspace(moved), result, atol=1e-7)

    def test_wrong_input_raises(self):
        with pytest.raises(ValueError, match="flat"):
            kspace(np.full((20, 20), -0.3))
        with pytest.raises(ValueError, match=r"shape \(14, 40\); K-space needs 15 pixels"):
            kspace(noise(0, 14, 40))


class TestStructuralSimilarity:
    @pytest.mark.parametrize(("shape", "data_range"), [((9, 8), 1.0), ((7, 7), 2.5)])
    def test_it_is_the_formula_in_every_window(self, shape, data_range):
        """Equation 13 of Wang et al. 2004, written out."""
        rng = np.random.default_rng(0)
        base = rng.uniform(0, data_range, shape)
        a, b = ((base + rng.uniform(0, data_range, (n, *shape))) / 2 for n in (3, 4))
        c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2

        def window(x, y):
            (vx, cov), (_, vy) = np.cov(x.ravel(), y.ravel())
            mx, my = x.mean(), y.mean()
            return ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))

        places = [
            np.s_[i : i + 7, j : j + 7] for i in range(shape[0] - 6) for j in range(shape[1] - 6)
        ]
        wanted = [[np.mean([window(x[at], y[at]) for at in places]) for y in b] for x in a]
        np.testing.assert_allclose(structural_similarity(a, b, data_range), wanted, rtol=1e-9)

    @given(seed=seeds)
    def test_identity_symmetry_permutation_and_scale(self, seed):
        a, b = noise(seed, 3, 9, 10), noise(seed + 1, 4, 9, 10)
        order = np.random.default_rng(seed).permutation(3)
        result = structural_similarity(a, b, 4.0)
        np.testing.assert_allclose(np.diag(structural_similarity(a, a, 4.0)), 1, atol=1e-5)
        np.testing.assert_allclose(result, structural_similarity(b, a, 4.0).T, atol=1e-5)
        np.testing.assert_allclose(
            structural_similarity(a[order], b, 4.0), result[order], atol=1e-5
        )
        np.testing.assert_allclose(structural_similarity(9 * a, 9 * b, 36.0), result, atol=1e-5)
        assert (np.abs(result) <= 1).all()

    def test_constant_images_have_the_luminance_term_alone(self):
        a, b = np.full((1, 8, 8), 0.2), np.full((1, 8, 8), 0.6)
        expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
        assert structural_similarity(a, b, 1.0) == pytest.approx(expected, rel=1e-5)

    def test_wrong_input_raises(self):
        with pytest.raises(ValueError, match=r"data_range = 0"):
            structural_similarity(np.ones((1, 8, 8)), np.ones((1, 8, 8)), 0)
        with pytest.raises(ValueError, match=r"shape \(6, 8\); at least 7"):
            structural_similarity(np.ones((1, 6, 8)), np.ones((1, 6, 8)), 1)
        with pytest.raises(ValueError, match="they must agree"):
            structural_similarity(np.ones((1, 8, 8)), np.ones((1, 8, 9)), 1)
