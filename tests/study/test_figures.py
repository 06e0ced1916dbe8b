import holoviews as hv
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage

from musclelib.study import figures


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def velocity():
    """Frames `(time, depth, lateral)` that grow with time and depth, and are mostly negative."""
    time, depth, lateral = np.arange(8) / 512, np.arange(24) * 0.5, np.arange(20) * 0.4 - 4
    values = -(time[:, None, None] * 100 + depth[:, None] * 0.1 + 0.01 * lateral)
    axes = {"time": time, "depth": depth, "lateral": lateral}
    attributes = {"units": "mm/s", "long_name": "axial velocity"}
    return xr.DataArray(values, axes, ("time", "depth", "lateral"), "velocity", attributes)


def draw(element):
    return hv.render(element, backend="matplotlib")


def drawn_images(figure):
    return [
        picture
        for axes in figure.axes
        for picture in axes.get_images()
        if isinstance(picture, AxesImage)
    ]


def has_colours(picture, name):
    steps = np.linspace(0, 1, 9)
    return np.allclose(picture.get_cmap()(steps), matplotlib.colormaps[name](steps), atol=0.02)


def test_image_is_in_millimetres_with_depth_downwards(velocity):
    figure = draw(figures.image(velocity[3], title="frame"))
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Lateral (mm)", "Depth (mm)")
    assert axes.get_title() == "frame"
    assert figure.axes[1].get_ylabel() == "Velocity (mm/s)"  # of the colour bar
    bottom, top = axes.get_ylim()
    assert bottom > top  # 0 mm, at the probe, is up
    assert bottom == pytest.approx(11.75)
    assert axes.get_xlim() == pytest.approx((-4.2, 3.8))
    assert axes.get_aspect() in ("equal", 1.0)  # a millimetre is as long in depth as aside


def test_image_shows_each_value_at_its_place(velocity):
    spot = xr.zeros_like(velocity[0])
    spot.loc[{"depth": 2.0, "lateral": 2.0}] = 1
    figure = draw(figures.image(spot))
    (picture,) = drawn_images(figure)
    shown = np.asarray(picture.get_array())
    row, column = np.argwhere(shown == 1)[0]
    left, right, low, high = picture.get_extent()
    rows = shown.shape[0]
    # the row of the array that holds the spot, in data coordinates
    start, stop = (low, high) if picture.origin == "lower" else (high, low)
    assert start + (row + 0.5) / rows * (stop - start) == pytest.approx(2.0)
    assert left + (column + 0.5) / shown.shape[1] * (right - left) == pytest.approx(2.0)


def test_image_limits_and_colours(velocity):
    frame = velocity[3].copy()
    frame[0, 0] = np.nan
    (free,) = drawn_images(draw(figures.image(frame)))
    assert free.get_clim() == pytest.approx((np.nanmin(frame), np.nanmax(frame)))
    assert has_colours(free, figures.MAGNITUDE)
    assert not has_colours(free, figures.GREY)
    (fixed,) = drawn_images(
        draw(figures.image(frame, limits=(-1, 2), cmap=figures.GREY, colorbar=False))
    )
    assert fixed.get_clim() == (-1, 2)
    assert has_colours(fixed, "gray")
    assert len(fixed.figure.axes) == 1  # no colour bar


def test_a_number_without_unit_has_no_unit(velocity):
    frame = velocity[0].assign_attrs(units="1", long_name="coherence of the echoes").rename(None)
    assert draw(figures.image(frame)).axes[1].get_ylabel() == "Coherence of the echoes"


def test_curves_are_labelled_and_told_apart_without_colour():
    x = np.linspace(0, 1, 20)
    data = {f"set {number}": (x, (number + 1) * np.exp(x)) for number in range(9)}
    figure = draw(figures.curves(data, x=("Time", "s"), y=("Velocity", "mm/s"), title="courses"))
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == (
        "Time (s)",
        "Velocity (mm/s)",
        "courses",
    )
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(data)
    lines = axes.get_lines()
    assert len(lines) == 9
    assert len({(to_hex(line.get_color()), line.get_linestyle()) for line in lines}) == 9
    np.testing.assert_allclose(lines[4].get_ydata(), 5 * np.exp(x))
    few = {name: data[name] for name in ("set 0", "set 1", "set 2")}
    lines = draw(figures.curves(few, x=("Time", "s"), y=("Velocity", "mm/s"))).axes[0].get_lines()
    assert len({line.get_linestyle() for line in lines}) == 3


def test_one_curve_needs_no_legend_and_a_ratio_no_unit():
    x = np.linspace(1, 2, 5)
    (axes,) = draw(figures.curves({"a": (x, x)}, x=("Frequency", "Hz"), y=("Ratio", ""))).axes
    assert axes.get_legend() is None
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Frequency (Hz)", "Ratio")


def test_the_history_of_a_training_is_drawn_over_its_steps():
    table = pd.DataFrame({"step": [10, 20], "pixel": [2.0, 1.0], "score": [4.0, 3.0]})
    (axes,) = draw(figures.history(table, ["score"], y=("Share", ""), title="a run")).axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("Step", "Share", "a run")
    (line,) = axes.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), [[10, 4], [20, 3]])


def test_the_loudest_pixel_moves_most(velocity):
    velocity[:, 7, 3] += np.array([5, -5] * 4)
    velocity[:, 2, 2] += 100  # large, but still
    assert figures.loudest_pixel(velocity) == {"depth": 7, "lateral": 3}


def test_spectra_peak_at_the_frequency_of_the_signal_and_start_at_their_peak():
    time = np.arange(1024) / 512 + 3.0
    signals = {
        f"{rate} Hz": xr.DataArray(
            rate * np.sin(2 * np.pi * rate * time), {"time": time}, ("time",)
        )
        for rate in (20, 60)
    }
    flat = {"flat": (np.arange(1.0, 5.0), np.full(4, 7.0))}
    left, right = draw(figures.spectra(signals, flat, duration=0.5)).axes
    assert (left.get_xlabel(), left.get_ylabel()) == ("Time (s)", "Velocity (SD)")
    for line in left.get_lines():  # over their own SD, 0.5 s of them
        assert line.get_ydata().max() == pytest.approx(2**0.5, abs=0.02)
        assert np.ptp(line.get_xdata()) == pytest.approx(0.5, abs=0.01)
    assert right.get_xlabel() == "Frequency (Hz)"
    assert [line.get_ydata().max() for line in right.get_lines()] == [0, 0, 0]
    peaks = [line.get_xdata()[line.get_ydata().argmax()] for line in right.get_lines()]
    assert peaks[:2] == pytest.approx([20, 60], abs=1)


def test_stacked_rows_lie_below_one_another_on_one_scale():
    time = np.linspace(0, 1, 50)
    rows = np.stack([np.sin(7 * time), 2 * np.sin(7 * time), np.zeros(50)])
    marks = [[0.1, 0.5, np.nan], [0.2], []]
    figure = draw(
        figures.stacked(
            rows, time, ["MU 1", "MU 2", "MU 3"], marks, scale=(4.0, "mm/s"), title="trains"
        )
    )
    (axes,) = figure.axes
    assert axes.get_xlabel() == "Time (s)"
    assert axes.get_ylabel() == "one step = 4 mm/s"
    assert axes.get_title() == "trains"
    for number, line in enumerate(axes.get_lines()):
        np.testing.assert_allclose(line.get_ydata(), rows[number] / 4 - number)
    ticks = dict(
        zip((text.get_text() for text in axes.get_yticklabels()), axes.get_yticks(), strict=True)
    )
    assert ticks == {"MU 1": 0, "MU 2": -1, "MU 3": -2}
    firings = [np.asarray(dots.get_offsets()) for dots in axes.collections]
    # NaN is no firing
    assert [sorted(dots[:, 0]) for dots in firings if len(dots)] == [[0.1, 0.5], [0.2]]
    assert all(
        (-number - 1 < dots[:, 1]).all() and (dots[:, 1] < -number).all()
        for number, dots in enumerate(firings)
    )


def test_stacked_rows_without_marks():
    (axes,) = draw(
        figures.stacked(np.ones((2, 5)), np.arange(5), ["a", "b"], scale=(1, "mm/s"))
    ).axes
    assert len(axes.get_lines()) == 2
    assert not axes.collections


@pytest.mark.parametrize("name", [figures.MAGNITUDE, figures.GREY])
def test_maps_of_magnitude_grow_steadily_brighter(name):
    assert (np.diff(_luminance(name)) > 0).all()


def test_the_signed_map_is_brightest_at_zero_and_alike_on_both_sides():
    luminance = _luminance(figures.DIVERGING)
    assert abs(int(luminance.argmax()) - 8) <= 1
    np.testing.assert_allclose(luminance[:8], luminance[:8:-1], atol=0.1)


def _luminance(name):
    red, green, blue, _ = matplotlib.colormaps[name](np.linspace(0, 1, 17)).T ** 2.2
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_panels_of_a_grid_stand_row_by_row_without_letters():
    panels = [
        figures.curves({"a": ([0, 1], [0, number])}, x=("Time", "s"), y=(f"y{number}", "V"))
        for number in range(4)
    ]
    figure = hv.render(figures.grid(panels, 2), backend="matplotlib")
    axes = [axis for axis in figure.axes if axis.get_ylabel()]
    assert [axis.get_ylabel() for axis in axes] == [f"y{number} (V)" for number in range(4)]
    tops = [round(axis.get_position().y0, 3) for axis in axes]
    assert tops[0] == tops[1] > tops[2] == tops[3]
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert not {"A", "B", "C", "D"} & set(texts)
    plt.close(figure)
