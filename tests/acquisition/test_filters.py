import numpy as np
import pytest
from scipy.ndimage import median_filter

from musclelib.acquisition import FilterParameters, band_pass, resample, spatial_median
from musclelib.acquisition.filters import apply_filters
from musclelib.parameters import ParameterError

RATE = 2000.0


@pytest.mark.parametrize("frequency", [1, 5, 10, 16, 20, 40, 50, 80, 200])
def test_band_pass_gain_is_the_squared_butterworth_response_in_phase(frequency):
    time = np.arange(4000) / RATE
    tone = np.cos(2 * np.pi * frequency * time)[:, None, None]
    middle = slice(1000, 3000)
    found = np.vdot(tone[middle], band_pass(tone, RATE, 5.0, 50.0)[middle]) / np.vdot(
        tone[middle], tone[middle]
    )
    # Analogue prototype at the pre-warped frequencies; both passes multiply their gains, the phase
    # cancels.
    warped, low, high = (np.tan(np.pi * f / RATE) for f in (frequency, 5.0, 50.0))
    prototype = (warped**2 - low * high) / (warped * (high - low))
    assert found == pytest.approx(1 / (1 + prototype**8), abs=0.01)


def test_band_pass_keeps_a_twitch_where_it_is():
    time = np.arange(4000) / RATE
    twitch = np.exp(-(((time - 1) / 0.01) ** 2))[:, None, None]
    assert abs(int(band_pass(twitch, RATE, 5.0, 50.0).argmax()) - 2000) <= 1


def test_band_pass_end_transients_have_died_away_after_two_periods_of_the_lower_corner():
    tone = np.cos(2 * np.pi * 20 * np.arange(4000) / RATE)[:, None, None]
    error = np.abs(band_pass(tone, RATE, 5.0, 50.0) - tone)[:, 0, 0]
    assert error[:400].max() > 0.1
    assert error[800:-800].max() < 0.01


def test_band_pass_treats_pixels_alone():
    values = np.random.default_rng(0).normal(size=(500, 3, 2))
    np.testing.assert_array_equal(
        band_pass(values, RATE, 5.0, 50.0)[:, 1:2, 1:],
        band_pass(values[:, 1:2, 1:], RATE, 5.0, 50.0),
    )


def test_band_pass_refuses_what_it_cannot_filter():
    with pytest.raises(ValueError, match=r"too short.* 400 frames"):
        band_pass(np.zeros((400, 1, 1)), RATE, 5.0, 50.0)
    with pytest.raises(ValueError, match="frames a second"):
        band_pass(np.zeros((400, 1, 1)), 90.0, 5.0, 50.0)
    with pytest.raises(ParameterError, match="low"):
        FilterParameters(low=60.0)


@pytest.mark.parametrize("spacing", [(0.3, 0.3), (0.2, 0.2), (0.1, 0.3), (0.08, 0.08), (2.0, 2.0)])
def test_median_keeps_constants_and_is_the_median(spacing):
    assert (spatial_median(np.full((2, 12, 15), 3.5, np.float32), spacing) == 3.5).all()
    values = np.random.default_rng(1).normal(size=(2, 20, 30)).astype(np.float32)
    sizes = {0.3: 3, 0.2: 5, 0.1: 9, 0.08: 13, 2.0: 1}  # nearest odd number of pixels to 1 mm
    window = (1, sizes[spacing[0]], sizes[spacing[1]])
    np.testing.assert_array_equal(
        spatial_median(values, spacing), median_filter(values, window, mode="nearest")
    )


def test_workers_change_nothing():
    values = np.random.default_rng(2).normal(size=(500, 13, 11)).astype(np.float32)
    here = np.arange(500) / RATE, np.arange(13) * 0.3, np.arange(11) * 0.3
    one, two = (
        apply_filters(values, here, RATE, FilterParameters(shape=(100, 20, 17)), workers)
        for workers in (1, 2)
    )
    np.testing.assert_array_equal(two[0], one[0])
    np.testing.assert_array_equal(
        band_pass(values, RATE, 5, 50, workers=2), band_pass(values, RATE, 5, 50)
    )
    there = one[1]["time"], one[1]["depth"], one[1]["lateral"]
    np.testing.assert_array_equal(
        resample(values, here, there, workers=2), resample(values, here, there)
    )


def test_median_removes_an_impulse_and_keeps_an_edge():
    frame = np.zeros((1, 9, 9), np.float32)
    frame[0, :, 5:] = 1
    edge = frame.copy()
    frame[0, 4, 2] = 100
    np.testing.assert_array_equal(spatial_median(frame, (0.3, 0.3)), edge)


def test_resample_recovers_a_smooth_field():
    def field(t, z, x):
        t, z, x = np.meshgrid(t, z, x, indexing="ij")
        return np.sin(2 * np.pi * 20 * t) * np.cos(z / 3) * np.sin(x / 4 + 1)

    here = np.arange(400) / RATE, np.linspace(0, 40, 125), np.linspace(-19, 19, 64)
    there = np.arange(100) / 512, np.linspace(0, 40, 128), np.linspace(-19, 19, 128)
    found = resample(field(*here).astype(np.float32), here, there)
    assert found.shape == (100, 128, 128)
    np.testing.assert_allclose(found, field(*there), atol=1e-4)


def test_resample_is_exact_for_cubics_and_on_its_own_grid():
    x = np.linspace(-1, 1, 9)
    values = (x**3 - x)[:, None] * np.ones(5)
    there = np.linspace(-1, 1, 31)
    y = np.arange(5.0)
    found = resample(values, (x, y), (there, y))
    np.testing.assert_allclose(found, np.tile((there**3 - there)[:, None], 5), atol=1e-6)


def test_resample_refuses_to_extrapolate():
    x = np.arange(6.0)
    with pytest.raises(ValueError, match="axis 1: targets from 0 to 6 leave"):
        resample(np.zeros((6, 6)), (x, x), (x, x + np.array([0, 0, 0, 0, 0, 1])))
    with pytest.raises(ValueError, match="at least 4"):
        resample(np.zeros((6, 3)), (x, x[:3]), (x, x[:3]))
