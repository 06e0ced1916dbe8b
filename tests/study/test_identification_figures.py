import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musclelib.study import identification_figures as figures

RATE = 400.0


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def _scores(**columns):
    """Two sequences of 4 units each; 3 and 1 of them are found, the first with a false one."""
    measures = {
        "units": [4, 4],
        "found": [4, 1],
        "matched": [3, 1],
        "pixel recall": [0.5, 0.7],
        "pixel precision": 1.0,
        "agreement": [0.8, np.nan],
        "correlation": 0.9,
        "firing error": np.nan,
        "seconds": 2.0,
    }
    return pd.DataFrame(measures | columns)


def test_a_row_has_the_mean_and_its_interval():
    table = pd.concat([_scores(method="a"), _scores(method="b", matched=0)])
    shown = figures.interval_table(table, ["method"])
    assert list(shown.index) == ["a", "b"]
    assert shown.loc["a", ["Units", "Found"]].tolist() == [8, 5]
    assert shown.loc["a", "Recall"] == "0.50 (0.25 to 0.75)"  # 4 of 8; 1 of 4 to 3 of 4
    assert shown.loc["a", "Pixel recall"] == "0.60 (0.50 to 0.70)"
    assert shown.loc["a", "Rate of agreement"].startswith("0.80")
    assert shown.loc["b", "Recall"] == "0.00 (0.00 to 0.00)"


def test_one_sequence_has_no_interval_and_nothing_matched_is_a_dash():
    shown = figures.interval_table(
        _scores(method="a", noise=["none", "10 dB"]), ["method", "noise"], ["recall", "agreement"]
    )
    assert list(shown) == ["Units", "Found", "Recall", "Rate of agreement"]
    assert shown.loc["a, none"].tolist() == [4, 4, "0.75", "0.80"]
    assert shown.loc["a, 10 dB"].tolist() == [4, 1, "0.25", "–"]


def test_a_panel_has_a_line_for_each_method_at_its_values():
    table = pd.concat(
        [
            _scores(method=method, noise=noise, units=units, matched=matched)
            for method, matched in (("a", 2), ("b", 1))
            for noise in ("none", "10 dB")
            for units in (2, 4)
        ]
    )
    figure = figures.measures_over_units(table, ["recall", "precision"])
    axes = np.reshape(figure.axes, (2, 2))
    assert [axis.get_title() for axis in axes[0]] == ["no noise", "noise, 10 dB"]
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["Recall", "Precision"]
    lines = [bars.lines[0] for bars in axes[0, 0].containers]
    np.testing.assert_allclose([line.get_ydata() for line in lines], [[1, 0.5], [0.5, 0.25]])
    assert [bars.get_label() for bars in axes[0, 0].containers] == ["a", "b"]


def _example():
    """Two true units; the second was found, later by 5 ms, and a false one."""
    time = 0.5 + np.arange(400) / RATE
    depth = lateral = 0.5 * np.arange(20)
    masks = np.zeros((3, 20, 20), bool)
    for number, corner in enumerate((1, 8, 14)):
        masks[number, corner : corner + 5, corner : corner + 5] = True
    trains = np.sin(2 * np.pi * 8 * (time - [[0], [0], [0.005]])) * [[1], [2], [3]]
    field = ("depth", "lateral")
    return xr.Dataset(
        {
            "spread": (field, np.ones((20, 20))),
            "territory": (("unit", *field), masks[:2]),
            "twitch_train": (("unit", "time"), trains[:2]),
            "found_territory": (("found", *field), masks[[2, 1]]),
            "found_train": (("found", "time"), trains[[0, 2]]),
        },
        {"time": time, "depth": depth, "lateral": lateral},
    )


def test_units_that_match_have_one_number_and_false_ones_follow():
    true, found, trains = figures.example(_example(), "Identified").axes
    numbers = [[text.get_text() for text in axis.texts] for axis in (true, found)]
    assert numbers == [["1", "2"], ["2", "3"]]
    places = [axis.texts[which].get_position() for axis, which in ((true, 1), (found, 0))]
    assert places[0] == places[1] == (5, 5)  # of rows and columns 8 to 12
    assert [line.get_linestyle() for line in trains.lines] == [":", ":", "-"]


def test_an_example_without_identified_units_is_drawn():
    nothing = _example().isel(found=slice(0))
    true, found, trains = figures.example(nothing, "Identified").axes
    assert (len(true.texts), len(found.texts), len(trains.lines)) == (2, 0, 2)
    assert figures.agreements(nothing) == {}


def test_agreements_are_those_of_matched_units():
    (((true, found), counted),) = figures.agreements(_example()).items()
    assert (true, found) == (1, 1)
    assert (counted.matched, counted.missed, counted.extra) == (8, 0, 0)
    assert counted.lag == pytest.approx(0.005, abs=1 / RATE)


def test_the_explanation_has_a_line_at_each_firing_and_a_bar_of_the_tolerance():
    (axis,) = figures.agreement_explained(_example(), 1, 1).axes
    true, bars, found = (lines.get_segments() for lines in axis.collections)
    peaks = 0.5 + (np.arange(8) + 0.25) / 8
    np.testing.assert_allclose([line[0][0] for line in true], peaks, atol=2 / RATE)
    np.testing.assert_allclose([line[0][0] for line in found], peaks + 0.005, atol=2 / RATE)
    np.testing.assert_allclose([bar[1][0] - bar[0][0] for bar in bars], 0.03)
    assert min(line[1][1] for line in true) > 0 > max(line[0][1] for line in found)
