import numpy as np
import pytest

from musclelib.acquisition import L14_5
from musclelib.parameters import ParameterError
from musclelib.simulator.echo import EchoParameters, sample_scatterers

DEPTH, LATERAL = np.linspace(0, 20, 41), np.linspace(-5, 5, 21)


def sample(label_map=None, names=("muscle",), seed=0, **changes):
    return sample_scatterers(
        EchoParameters(**changes), L14_5, DEPTH, LATERAL, seed, 0, label_map, names
    )


def power(amplitude):
    return 10 * np.log10(np.mean(amplitude**2))


def test_a_resolution_cell_holds_the_set_number():
    cell = 0.294 * 1.2 * 0.308 * 1.5  # -6 dB length of the pulse times lateral width, in mm2
    assert len(sample().depth) * cell / 200 == pytest.approx(10, rel=0.01)
    assert len(sample(per_cell=20.0).depth) == pytest.approx(2 * len(sample().depth), rel=0.001)


def test_points_fill_the_cross_section_evenly():
    points = sample().position
    counts = np.histogram2d(*points.T, bins=(4, 4), range=((0, 20), (-5, 5)))[0]
    assert counts.min() > 0.85 * counts.mean()


def test_echogenicity_follows_the_label_map():
    labels = np.zeros((41, 21), int)
    labels[20:] = 1
    points = sample(labels, ("fat", "muscle"), attenuation=0.0, fat=-10.0)
    upper = points.depth < 9.5
    assert power(points.amplitude[:, upper]) == pytest.approx(-10, abs=0.3)
    assert power(points.amplitude[:, points.depth > 10]) == pytest.approx(0, abs=0.3)


def test_attenuation_is_that_of_the_round_trip():
    points = sample(attenuation=0.5)
    near, far = ((low < points.depth) & (points.depth < low + 1) for low in (0, 19))
    assert power(points.amplitude[:, near]) - power(points.amplitude[:, far]) == pytest.approx(
        2 * 0.5 * 5 * 1.9, abs=0.5
    )


def test_the_seed_makes_the_points():
    np.testing.assert_array_equal(sample(seed=4).position, sample(seed=4).position)
    assert not np.array_equal(sample(seed=4).depth, sample(seed=5).depth)


def test_wrong_input_is_named():
    labels = np.zeros((41, 21), int)
    with pytest.raises(ValueError, match="no echogenicity for tissue 'liver'"):
        sample(labels, ("liver",))
    with pytest.raises(ValueError, match="codes 0 to 0; names has 0 to -1"):
        sample(labels, ())
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        sample(labels[:3, :3])
    with pytest.raises(ParameterError, match="per_cell"):
        sample(per_cell=0.0)
