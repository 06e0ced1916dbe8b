from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from musclelib.acquisition.feature_tracks import WINDOWS, corners, displacements

_SPECKLE = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(180, 560)), 2)


def _view(depth: float, lateral: float) -> np.ndarray:
    """A region of 120 x 496 pixels of a pattern that has moved by a number of pixels."""
    moved = ndimage.shift(_SPECKLE, (depth, lateral), order=5)[30:150, 32:528]
    return (128 + 40 * moved / _SPECKLE.std()).clip(0, 255).round().astype(np.uint8)


def test_a_region_holds_a_thousand_corners_within_its_borders() -> None:
    points = corners(_view(0, 0), 1000)
    assert points.shape == (1000, 2)
    assert points.dtype == np.float32
    assert (points >= 0).all()
    assert (points <= (119, 495)).all()
    assert len(corners(_view(0, 0), 50)) == 50


def test_a_corner_is_where_two_edges_meet() -> None:
    frame = np.zeros((60, 80), np.uint8)
    frame[20:, 50:] = 200
    np.testing.assert_allclose(corners(frame, 1), [[20, 50]], atol=1.5)


def test_a_uniform_frame_has_no_corners() -> None:
    assert corners(np.full((30, 40), 7, np.uint8)).shape == (0, 2)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.3, -0.6), (-0.25, 0.4), (2.0, 9.5)])
def test_points_follow_a_known_shift(window: int, shift: tuple[float, float]) -> None:
    points = corners(_view(0, 0), 300)
    inner = points[(points > 25).all(axis=1) & (points < (95, 470)).all(axis=1)]
    moved, found = displacements(_view(0, 0), _view(*shift), inner, window)
    assert found.mean() > 0.98
    np.testing.assert_allclose(np.median(moved[found], axis=0), shift, atol=0.02)
    assert np.abs(moved[found].mean(axis=0) - shift).max() < 0.05


def test_floats_move_as_their_rounded_grey_values_do() -> None:
    first, second = _view(0, 0), _view(1, 2)
    points = corners(first, 100)
    scaled = [frame.astype(np.float32) * 1e-3 - 4 for frame in (first, second)]
    moved, found = displacements(scaled[0], scaled[1], points)
    expected, _ = displacements(first, second, points)
    assert np.median(np.abs(moved - expected)[found]) < 0.02


def test_points_that_leave_the_frame_are_lost() -> None:
    moved, found = displacements(_view(0, 0), _view(0, 12), np.array([[60, 490], [60, 200]]), 19)
    assert found.tolist() == [False, True]
    assert not moved[0].any()


def test_no_points_have_no_displacements() -> None:
    moved, found = displacements(_view(0, 0), _view(0, 1), np.empty((0, 2)))
    assert moved.shape == (0, 2)
    assert found.shape == (0,)


@pytest.mark.parametrize(
    ("shape", "window", "message"),
    [((40, 50), 14, "odd number"), ((40, 50), 41, "from 3 to 40"), ((40, 51), 15, "must agree")],
)
def test_impossible_frames_and_windows_are_refused(
    shape: tuple[int, int], window: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        displacements(np.zeros((40, 50)), np.zeros(shape), np.zeros((1, 2)), window)


def test_grey_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        corners(np.full((20, 20), np.nan))
