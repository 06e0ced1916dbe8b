from __future__ import annotations

import numpy as np
import xarray as xr

from musclelib.study import state_figures


def _frame() -> xr.DataArray:
    axes = {"depth": np.arange(20) * 0.1, "lateral": np.arange(40) * 0.2}
    return xr.DataArray(np.full((20, 40), 100.0), axes, ("depth", "lateral"))


def test_arrows_are_drawn_in_millimetres_and_twenty_times_as_long() -> None:
    points, moved = np.array([[5.0, 10.0]]), np.array([[1.0, -2.0]])
    figure = state_figures.motion([_frame()], points, [moved], ["a moment"])
    (axis,) = figure.axes
    arrows = axis.collections[0]
    np.testing.assert_allclose(arrows.get_offsets(), [[2.0, 0.5]])  # lateral, depth
    np.testing.assert_allclose([arrows.U[0], arrows.V[0]], [-2 * 0.2 * 20, 0.1 * 20])
    assert axis.get_title() == "a moment"


def test_pairs_show_where_only_one_frame_is_bright() -> None:
    pair = np.zeros((2, 30, 60))
    pair[0, :, :10], pair[1, :, -10:] = 1, 1
    figure = state_figures.pairs([pair], ["EMG"])
    shown = figure.axes[0].images[0].get_array()
    first, middle, last = shown[15, 5], shown[15, 30], shown[15, 55]
    assert first[2] > first[0]  # blue
    assert last[0] > last[2]  # orange
    assert np.all(middle == 0)


def test_a_film_draws_signals_below_its_pictures_up_to_the_moment() -> None:
    pictures = np.zeros((3, 40, 62, 3), np.uint8)
    pictures[:, :, :, 1] = 90
    true, estimated = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0])
    film = state_figures.film(pictures, {"torque": (true, estimated), "angle": (true, true)})
    assert film.shape == (3, 40 + 2 * 70, 62, 3)
    np.testing.assert_array_equal(film[:, :40], pictures)
    orange = [(np.abs(one.astype(int) - (213, 94, 0)).sum(-1) < 60).sum() for one in film]
    assert orange[0] < orange[1] < orange[2]
    unknown = np.full(3, np.nan)
    none = state_figures.film(pictures, {"torque": (true, unknown)})
    assert not (np.abs(none.astype(int) - (213, 94, 0)).sum(-1) < 60).any()
