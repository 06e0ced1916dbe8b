import holoviews as hv
import numpy as np
import panel as pn
import pytest
import xarray as xr

from musclelib.identification import store
from musclelib.identification.motor_units import MotorUnits
from musclelib.study.unit_page import territory_map, unit_page, unit_train

DEPTH, LATERAL, TIME = 0.5 * np.arange(16), 0.5 * np.arange(12), 0.1 + np.arange(80) / 100
FIRINGS = np.array([0.2, 0.5])  # from the first frame


def _units():
    """Three units in the first sequence, none in the second."""
    territory = np.zeros((3, 16, 12), bool)
    for unit in range(3):
        territory[unit, 2 + 4 * unit : 5 + 4 * unit, 3:8] = True
    trains = np.sin(2 * np.pi * np.outer([5, 8, 10], TIME)) * [[1], [2], [3]]
    found = [
        MotorUnits(territory, trains.astype(np.float32), np.array([0.9, 0.8, 0.7], np.float32)),
        MotorUnits.none(len(TIME), (16, 12)),
    ]
    axes = {"time": TIME, "depth": DEPTH, "lateral": LATERAL}
    like = xr.Dataset(coords=axes | {"sequence": np.arange(2)})
    return store.to_dataset(found, lambda trains, rate: [FIRINGS] * len(trains), like)


def _velocity():
    values = np.random.default_rng(0).standard_normal((2, 80, 16, 12)).astype(np.float32)
    axes = {"time": TIME, "depth": DEPTH, "lateral": LATERAL}
    return xr.DataArray(values, axes, ("sequence", "time", "depth", "lateral"))


@pytest.fixture
def page():
    return unit_page(_units(), _velocity())


def _facts(page):
    return next(iter(page.select(pn.pane.DataFrame))).object


def _choose(page, **values):
    for widget in page.select(pn.widgets.Widget):
        if widget.name in values:
            widget.value = values[widget.name]


def test_the_page_begins_with_the_first_unit(page):
    assert list(_facts(page)) == [1]
    assert _facts(page).loc["confidence", 1] == pytest.approx(0.9)


def test_another_unit_is_shown_where_it_is_chosen(page):
    _choose(page, unit=3)
    facts = _facts(page)
    assert facts.loc["centre depth [mm]", 3] == pytest.approx(DEPTH[10:13].mean())
    assert facts.loc["area [mm2]", 3] == pytest.approx(15 * 0.25)


def test_a_sequence_without_units_says_so(page):
    _choose(page, sequence=1)
    (text,) = page.select(pn.pane.Markdown)
    assert "No motor unit" in text.object
    assert not page.select(pn.pane.DataFrame)


def test_the_choices_go_as_far_as_there_are_sequences_and_units(page):
    ends = {widget.name: widget.end for widget in page.select(pn.widgets.Widget)}
    assert ends == {"sequence": 1, "unit": 3}


def test_the_map_has_a_rim_around_each_territory_and_a_number_in_it():
    one = _units().isel(sequence=0)
    drawn = territory_map(one, _velocity()[0].std("time"), unit=2)
    rims = [part for part in drawn.traverse(lambda part: part, [hv.Contours])]
    assert len(rims) == 3
    for number, (rim, text) in enumerate(zip(rims, drawn.traverse(None, [hv.Text]), strict=True)):
        low, high = rim.range("depth")
        assert DEPTH[1 + 4 * number] <= low < high <= DEPTH[5 + 4 * number]
        assert low < text.y < high
        assert text.text == str(number + 1)
    widths = [hv.Store.lookup_options("bokeh", rim, "style").kwargs["line_width"] for rim in rims]
    assert np.argmax(widths) == 1  # the chosen unit


def test_a_train_has_a_mark_at_each_firing_on_its_line():
    train = unit_train(_units().isel(sequence=0), unit=2)
    marks = next(iter(train.traverse(lambda part: part, [hv.Scatter])))
    np.testing.assert_allclose(marks.dimension_values("time"), FIRINGS + TIME[0])
    expected = 2 * np.sin(2 * np.pi * 8 * (FIRINGS + TIME[0]))
    np.testing.assert_allclose(marks.dimension_values("velocity"), expected, atol=1e-5)


def test_the_page_is_drawn(page):
    """By bokeh, whose errors come with the drawing alone."""
    assert page.get_root() is not None
