import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex

from musclelib import simulator
from musclelib.study import figures, maps


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


DEPTH, LATERAL = np.arange(24) * 0.5, np.arange(20) * 0.4 - 4


def _map(values, **attributes):
    axes = {"depth": DEPTH, "lateral": LATERAL}
    return xr.DataArray(
        np.broadcast_to(values, (24, 20)), axes, ("depth", "lateral"), "gain", attributes
    )


def _velocity():
    time = np.arange(8) / 512
    values = -(time[:, None, None] * 100 + DEPTH[:, None] * 0.1 + 0.01 * LATERAL)
    axes = {"time": time, "depth": DEPTH, "lateral": LATERAL}
    return xr.DataArray(values, axes, ("time", "depth", "lateral"), "velocity", {"units": "mm/s"})


def _pictures(figure):
    return [axes.get_images()[0] for axes in figure.axes if axes.get_images()]


def _labels(axes):
    return [axes.xaxis.get_tick_params()["labelbottom"], axes.yaxis.get_tick_params()["labelleft"]]


def test_a_map_has_the_positions_of_its_grid():
    parameters = simulator.preset("paper1", pixels=(8, 6))
    one = maps.on_grid(np.ones((8, 6)), parameters, "gain", "dB")
    np.testing.assert_array_equal(one.depth, parameters.depth)
    np.testing.assert_array_equal(one.lateral, parameters.lateral)
    assert (one.dims, one.name, one.attrs["units"]) == (("depth", "lateral"), "gain", "dB")
    assert maps.on_grid(np.ones((3, 8, 6)), parameters, "unit").dims[0] == "unit"
    with pytest.raises(ValueError, match="conflicting sizes"):
        maps.on_grid(np.ones((6, 8)), parameters, "gain")


def test_the_log_variance_is_that_of_time():
    velocity = _velocity() * np.arange(1, 21)  # wider swings to the right
    drawn = maps.log_variance(velocity)
    assert drawn.attrs["units"] == "decades"
    expected = np.log10(1 + velocity.var("time") / velocity.var("time").mean())
    np.testing.assert_allclose(drawn, expected.transpose(*drawn.dims), rtol=1e-6)


def test_maps_share_one_scale_one_colour_bar_and_the_outer_ticks():
    values = [_map(number, units="dB") for number in (1.0, 5.0, 3.0)]
    figure = maps.side_by_side(values, ["a", "b"], columns=2)
    pictures = _pictures(figure)
    assert [picture.get_clim() for picture in pictures] == [(1, 5)] * 3
    assert [picture.axes.get_title() for picture in pictures] == ["a", "b", ""]
    (bar,) = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert bar.get_ylabel() == "Gain (dB)"
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("Lateral (mm)", "Depth (mm)")
    assert [_labels(picture.axes) for picture in pictures] == [
        [False, True],
        [True, False],
        [True, True],
    ]


def test_a_map_shows_each_value_at_its_place_with_depth_downwards():
    spot = _map(0.0).copy()
    spot.loc[{"depth": 2.0, "lateral": 2.0}] = 1
    (picture,) = _pictures(maps.side_by_side([spot]))
    assert picture.origin == "upper"
    left, right, bottom, top = picture.get_extent()
    row, column = np.argwhere(np.asarray(picture.get_array()) == 1)[0]
    assert top + (row + 0.5) / 24 * (bottom - top) == pytest.approx(2.0)
    assert left + (column + 0.5) / 20 * (right - left) == pytest.approx(2.0)
    assert picture.axes.get_aspect() in ("equal", 1.0)


def test_maps_of_different_places_keep_their_own_ticks():
    wide = _map(1.0).assign_coords(lateral=LATERAL * 2)
    first, second = _pictures(maps.side_by_side([_map(0.0), wide], limits=(0, 2)))
    assert _labels(first.axes) == _labels(second.axes) == [True, True]
    assert second.get_extent()[1] == pytest.approx(2 * first.get_extent()[1])
    assert first.get_clim() == (0, 2)


def test_frames_share_limits_around_zero():
    velocity = _velocity()
    figure = maps.frames(velocity, [0.0, 3.2 / 512, 1.0], columns=2)
    pictures = _pictures(figure)
    ((low, high),) = {picture.get_clim() for picture in pictures}
    assert low == -high
    chosen = np.abs(velocity.values[[0, 3, 7]])
    assert np.quantile(chosen, 0.99) < high <= chosen.max()
    steps, signed = np.linspace(0, 1, 9), matplotlib.colormaps[figures.DIVERGING]
    for picture, nearest in zip(pictures, (0, 3, 7), strict=True):
        np.testing.assert_allclose(picture.get_cmap()(steps), signed(steps))
        np.testing.assert_array_equal(picture.get_array(), velocity[nearest])
    assert [picture.axes.get_title() for picture in pictures] == ["0 ms", "6 ms", "14 ms"]


def test_frames_of_stillness_can_be_drawn():
    (picture,) = _pictures(maps.frames(_velocity() * 0, [0.0]))
    assert picture.get_clim() == (-1, 1)


def test_an_outline_a_unit_and_none_for_padding():
    # the second is empty, as padding is; the last is cut by the edge of the image
    discs = [(5, -1, 1.5), (5, 0, 0), (8, 2, 1.2), (0, 0, 2)]
    one = _map(1.0)
    masks = xr.concat(
        [
            (one["depth"] - row) ** 2 + (one["lateral"] - column) ** 2 < radius**2
            for row, column, radius in discs
        ],
        "unit",
    )
    figure = maps.side_by_side([one, one], territories=[masks, None])
    first, second = (picture.axes for picture in _pictures(figure))
    assert not second.texts
    assert not second.collections
    place = {text.get_text(): text.get_position() for text in first.texts}
    assert list(place) == ["1", "3", "4"]  # as the units are counted elsewhere
    assert place["1"] == pytest.approx((-1, 5), abs=0.2)
    assert place["3"] == pytest.approx((2, 8), abs=0.2)
    assert len({to_hex(rim.get_edgecolor()[0]) for rim in first.collections}) == 3
    (rim,) = first.collections[0].get_paths()
    radius = np.hypot(rim.vertices[:, 0] + 1, rim.vertices[:, 1] - 5)
    assert radius.min() > 1.5 - 0.6  # within a pixel of the rim
    assert radius.max() < 1.5 + 0.6
    cut = np.concatenate([path.vertices for path in first.collections[2].get_paths()])
    np.testing.assert_allclose(cut[0], cut[-1])  # closed at the edge, where the territory goes on
