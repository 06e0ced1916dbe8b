import numpy as np
import pytest

from musclelib.identification.separation.band import Band
from musclelib.identification.separation.common_motion import common_motion

RATE = 400.0
TIME = np.arange(400) / RATE
PLANES = np.stack([np.ones((48, 48)), *np.meshgrid(*[np.linspace(-1, 1, 48)] * 2, indexing="ij")])


def told(velocity):
    return common_motion(velocity, Band.of(velocity, RATE))


@pytest.fixture
def units(overlapping, waving):
    return waving(overlapping, noise=0.1)[0]


@pytest.fixture
def shaking():
    """Mean and slopes of a plane `(time, 3)`: tremor, a tilt of another frequency, breathing."""
    return np.stack(
        [3 * np.sin(57 * TIME), 2 * np.sin(80 * TIME + 1), 5 * np.sin(2 * TIME)], axis=1
    )


def test_the_plane_is_told_and_the_units_are_left(units, shaking):
    found = told(units + np.tensordot(shaking, PLANES, 1).astype(np.float32))
    np.testing.assert_allclose(found.course, shaking, atol=0.05)
    left = found.rest - units
    assert np.abs(left).max() < 0.1
    assert found.deviation == pytest.approx(
        np.tensordot(shaking - shaking.mean(axis=0), PLANES, 1).std(), rel=0.01
    )


def test_units_alone_are_no_common_motion(units):
    """Least squares would take a fifth of their SD for one."""
    squares = units.reshape(400, -1) @ np.linalg.pinv(PLANES.reshape(3, -1))
    assert np.tensordot(squares, PLANES, 1).std() > 0.2 * units.std()
    found = told(units)
    assert found.deviation == 0
    np.testing.assert_array_equal(found.rest, units)


def test_a_unit_alone_in_a_field_without_noise_is_no_common_motion(discs, waving):
    alone = waving(discs((24, 24, 9)))[0]
    assert told(alone).deviation == 0


def test_without_noise_what_all_pixels_share_goes_to_the_last_digit(overlapping, waving, shaking):
    still = waving(overlapping)[0]
    found = told(still + np.tensordot(shaking, PLANES, 1).astype(np.float32))
    assert np.abs(found.rest - still).max() < 1e-4 * np.abs(shaking).max()


def test_its_size_follows_the_gain(units, shaking):
    moved = units + np.tensordot(shaking, PLANES, 1).astype(np.float32)
    one, other = told(moved), told(1024 * moved)
    assert other.deviation == pytest.approx(1024 * one.deviation, rel=1e-5)
    np.testing.assert_allclose(other.rest, 1024 * one.rest, rtol=1e-3, atol=1e-2)


def test_pixels_beyond_the_image_stay_still(units, shaking):
    moved = units + np.tensordot(shaking, PLANES, 1).astype(np.float32)
    moved[:, :5] = 0
    found = told(moved)
    assert not found.rest[:, :5].any()
    np.testing.assert_allclose(found.course, shaking, atol=0.1)


@pytest.mark.parametrize("field", [(1, 1), (1, 9), (9, 1)])
def test_fields_without_a_slope_have_a_mean(field):
    wave = np.sin(60 * TIME).astype(np.float32)[:, None, None]
    found = told(np.broadcast_to(wave, (400, *field)).copy())
    np.testing.assert_allclose(found.course[:, 0], wave[:, 0, 0], atol=1e-5)
    assert np.abs(found.rest).max() < 1e-5
