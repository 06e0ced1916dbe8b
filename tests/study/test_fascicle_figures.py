import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from musclelib.study import fascicle_figures


@pytest.fixture
def found():
    """A muscle between rows 20 and 60 of an image of 80 x 100 pixels, fascicles at 20 degrees."""
    lateral = np.arange(100)
    return xr.Dataset(
        {
            "superficial_row": ("lateral", np.full(100, 20.0)),
            "deep_row": ("lateral", np.full(100, 60.0)),
            "fascicle_angle": 20.0,
        },
        coords={"lateral": lateral},
    )


def test_lines_lie_on_the_aponeuroses_and_along_the_fascicle(found):
    image = np.zeros((80, 100), np.uint8)
    figure = fascicle_figures.overlays([image, image], [found, found], ["a", "b"], observed=[25.0])
    first, second = figure.axes
    upper, lower, observed, fascicle = (line.get_xydata() for line in first.lines)
    assert set(upper[:, 1]) == {20.0}
    assert set(lower[:, 1]) == {60.0}
    for line, angle in ((observed, 25.0), (fascicle, 20.0)):
        across, down = line[-1] - line[0]
        assert np.degrees(np.arctan2(down, across)) == pytest.approx(angle)
        assert line[:, 1].min() >= 20
        assert line[:, 1].max() <= 60
    assert len(second.lines) == 3  # nobody observed it
    plt.close(figure)


def test_an_image_without_a_muscle_has_no_lines(found):
    lost = found.where(found["superficial_row"] < 0)
    lost["fascicle_angle"] = np.nan
    figure = fascicle_figures.overlays([np.zeros((80, 100))], [lost], ["nothing"])
    assert all(np.isnan(line.get_ydata()).all() for line in figure.axes[0].lines)
    plt.close(figure)
