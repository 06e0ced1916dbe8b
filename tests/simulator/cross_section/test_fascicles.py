import numpy as np
import pytest

from musclelib.simulator.cross_section.fascicles import fascicles

DEPTH, LATERAL = np.arange(0.05, 40, 0.1), np.arange(-19.95, 20, 0.1)


@pytest.mark.parametrize(("median", "spread"), [(1.2, 0.2), (1.6, 0.15)])
def test_diameters_are_log_normal(median, spread):
    cell, _, count = fascicles(DEPTH, LATERAL, median, spread, np.random.default_rng(0))
    size = np.bincount(cell.ravel(), minlength=count) * 0.01
    diameter = np.log(np.sqrt(4 * size[size > 0] / np.pi))
    assert np.mean(size > 0) > 0.99
    assert np.exp(np.median(diameter)) == pytest.approx(median, rel=0.05)
    assert diameter.std() == pytest.approx(spread, rel=0.25)


def test_walls_lie_between_fascicles():
    cell, distance, _ = fascicles(DEPTH, LATERAL, 1.5, 0.2, np.random.default_rng(1))
    across = cell[:, 1:] != cell[:, :-1]
    assert distance.min() >= -1e-9
    # a pixel; more only where three fascicles meet
    assert np.percentile(distance[:, 1:][across], 99) <= 0.1
    assert distance.max() > 0.4
