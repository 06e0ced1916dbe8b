import numpy as np
import pytest

from musclelib.identification.separation.lobes import contrast, largest_lobe


def test_the_lobe_with_most_energy_is_kept_whole():
    image = np.zeros((20, 20))
    image[2:8, 2:8] = 2.0
    image[4, 4] = 0.0  # a hole
    image[12:19, 12:19] = 1.5  # larger, but weaker
    image[12:14, 2:4] = -9.0  # below 0 there is no territory
    lobe = largest_lobe(image)
    expected = np.zeros((20, 20), bool)
    expected[2:8, 2:8] = True
    np.testing.assert_array_equal(lobe, expected)
    np.testing.assert_array_equal(largest_lobe(image[:, ::-1]), expected[:, ::-1])
    np.testing.assert_array_equal(largest_lobe(7 * image), expected)


def test_contrast_is_the_share_of_variance_that_two_levels_explain():
    mask = np.arange(100).reshape(10, 10) < 30
    assert contrast(np.where(mask, 3.0, -1.0), mask) == pytest.approx(1)
    noise = np.random.default_rng(0).standard_normal((10, 10))
    both = np.where(mask, 3.0, -1.0) + noise
    levels = np.where(mask, both[mask].mean(), both[~mask].mean())
    assert contrast(both, mask) == pytest.approx(levels.var() / both.var())
    assert contrast(noise, mask) < 0.1
    assert contrast(noise, np.zeros_like(mask)) == contrast(np.ones((10, 10)), mask) == 0
