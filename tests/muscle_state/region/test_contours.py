import numpy as np
import pytest

from musclelib.muscle_state.region import (
    boundary_error,
    contour_from_aponeuroses,
    contour_from_curves,
    contour_from_labels,
)

ROWS, COLUMNS = 100, 200


def test_a_label_map_gives_the_edges_of_its_muscle():
    labels = np.zeros((ROWS, COLUMNS), int)
    labels[20:60] = 3
    contour = contour_from_labels(labels, 3)
    # the first muscle pixel begins half a pixel above its centre
    assert np.allclose(contour[:20, 0], 19.5)
    assert np.allclose(contour[20:, 0], 59.5)
    assert np.allclose(contour[[0, 19, 20, 39], 1], [0, COLUMNS - 1] * 2)


def test_a_muscle_that_is_hardly_seen_is_refused():
    labels = np.zeros((ROWS, COLUMNS), int)
    labels[20:60, :80] = 3
    with pytest.raises(ValueError, match="40% of the columns"):
        contour_from_labels(labels, 3)
    with pytest.raises(ValueError, match=r"\(depth, lateral\)"):
        contour_from_labels(labels[0], 3)


def test_the_muscle_lies_between_the_two_upper_aponeuroses_also_where_one_forks():
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[10:14, 20:180] = 255
    mask[50:54, 20:180] = 255
    mask[80:84] = 255  # a third aponeurosis
    mask[30:32, 60:66] = 255  # a flake
    for column in range(100, 180):  # the second one forks
        row = 54 + (column - 100) // 8
        mask[row : row + 3, column] = 255
    contour = contour_from_aponeuroses(mask)
    assert np.allclose(contour[:20, 0], 13.5)
    assert np.allclose(contour[20:, 0], 49.5)
    assert np.allclose(contour[[0, 19], 1], [20, 179])


def test_a_mask_without_two_aponeuroses_is_refused():
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[10:14] = 1
    with pytest.raises(ValueError, match="1 wide bands"):
        contour_from_aponeuroses(mask)


def test_an_error_is_perpendicular_to_the_true_boundary():
    lateral = np.arange(COLUMNS, dtype=float)
    true = contour_from_curves(20 + 0.75 * lateral, 60 + 0.75 * lateral)
    # 1 px along the unit normal (0.8, -0.6) of a slope of 3 in 4
    assert np.allclose(boundary_error(true + np.array([0.8, -0.6]), true), 1)
    # along the boundary is no error
    assert np.allclose(boundary_error(true + np.array([3, 4]), true), 0)
