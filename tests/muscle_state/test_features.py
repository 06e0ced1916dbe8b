from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from musclelib.muscle_state.features import integration_points, motion_features

_SPECKLE = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(180, 560)), 2)
_SPECKLE *= 40 / _SPECKLE.std()


def _grey(pattern: np.ndarray) -> np.ndarray:
    return (128 + pattern).clip(0, 255).round().astype(np.uint8)


def _shifted(depth: float, lateral: float) -> np.ndarray:
    return _grey(ndimage.shift(_SPECKLE, (depth, lateral), order=5)[30:150, 32:528])


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return integration_points([_shifted(0, 9 * number) for number in range(4)])


def test_points_are_spread_over_the_frame_and_made_again_alike(points: np.ndarray) -> None:
    frames = [_shifted(0, 9 * number) for number in range(4)]
    np.testing.assert_allclose(integration_points(frames), points, atol=1e-3)
    assert points.shape == (100, 2)
    assert (np.diff(points[:, 0]) >= 0).all()
    # each of 12 fields of 40 x 124 pixels holds about a twelfth of the points
    fields, _, _ = np.histogram2d(*points.T, bins=(3, 4), range=((0, 120), (0, 496)))
    assert (fields >= 4).all()


def test_fewer_corners_than_means_are_refused() -> None:
    with pytest.raises(ValueError, match="have 0 corners, 3 means"):
        integration_points([np.zeros((30, 40), np.uint8)], 3)


@pytest.mark.parametrize("window", [11, 15, 19])
def test_a_shifted_frame_gives_the_shift_at_every_point(points: np.ndarray, window: int) -> None:
    shift = (0.7, -1.4)
    still = motion_features([_shifted(0, 0), _shifted(0, 0)], points, window)
    moved = motion_features([_shifted(0, 0), _shifted(*shift)], points, window)
    np.testing.assert_array_equal(still, np.zeros((1, 200), np.float32))
    assert moved.dtype == np.float32
    depth, lateral = moved.reshape(2, 100)
    np.testing.assert_allclose([np.median(depth), np.median(lateral)], shift, atol=0.05)
    inner = (points > 15).all(axis=1) & (points < (105, 480)).all(axis=1)
    for part, expected in ((depth, shift[0]), (lateral, shift[1])):
        np.testing.assert_allclose(part[inner], expected, atol=0.15)


def test_shear_moves_shallow_and_deep_points_apart(points: np.ndarray) -> None:
    row, column = np.mgrid[30:150, 32:528].astype(float)
    lateral = 0.02 * (row - 90)  # 1.2 px at the borders
    sheared = ndimage.map_coordinates(_SPECKLE, [row, column - lateral], order=3)
    features = motion_features([_shifted(0, 0), _grey(sheared)], points)[0].reshape(2, 100)
    slope, offset = np.polyfit(points[:, 0] - 60, features[1], 1)
    assert slope == pytest.approx(0.02, abs=0.002)
    assert offset == pytest.approx(0, abs=0.05)
    assert np.abs(features[0]).mean() < 0.05


def test_a_point_without_corners_takes_the_motion_of_its_neighbours(points: np.ndarray) -> None:
    first, second = (_shifted(0, moved).copy() for moved in (0, 1))
    for frame in (first, second):
        frame[:, 200:300] = 128
    lateral = motion_features([first, second], points)[0, 100:]
    within = (points[:, 1] > 215) & (points[:, 1] < 285)
    assert within.sum() > 5
    assert np.median(lateral[within]) == pytest.approx(1, abs=0.25)
    assert np.median(lateral[~within]) == pytest.approx(1, abs=0.05)


def test_frames_without_structure_have_no_motion_rather_than_none(points: np.ndarray) -> None:
    features = motion_features(np.zeros((3, 120, 496), np.uint8), points)
    assert np.isnan(features).all()
    assert motion_features([_shifted(0, 0)], points).shape == (0, 200)
