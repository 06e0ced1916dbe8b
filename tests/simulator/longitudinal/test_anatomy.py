import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclelib.parameters import ParameterError
from musclelib.simulator.longitudinal.anatomy import Label, Layers, sample_anatomy
from musclelib.simulator.longitudinal.parameters import Anatomy
from musclelib.simulator.longitudinal.tissue import sample_tissue


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(0, 10_000))
def test_layers_follow_one_another_in_every_leg(seed, index):
    layers = Layers(sample_anatomy(seed, index), 55.42)
    lateral = np.linspace(-27, 27, 9)
    column = layers.label(np.linspace(0, 80, 3000)[:, None], lateral)
    assert (np.diff(column.astype(int), axis=0) >= 0).all()
    assert set(np.unique(column)) == set(Label)


def test_a_leg_with_a_very_short_sheet_can_be_made():
    """The soleus of this participant has a sheet too short for a single point."""
    assert len(sample_tissue(sample_anatomy(5, 14), (44.7, 55.42), 5, 14).depth) > 10_000


def test_layers_have_the_thickness_of_the_anatomy():
    anatomy = Anatomy()
    depth = np.arange(0, 50, 0.01)
    label = Layers(anatomy, 55.42).label(depth, np.zeros_like(depth))
    for code, thickness in (
        (Label.SKIN, anatomy.skin),
        (Label.SUPERFICIAL, anatomy.aponeurosis),
        (Label.DEEP, anatomy.aponeurosis),
    ):
        assert (label == code).sum() * 0.01 == pytest.approx(thickness, abs=0.02)


def test_aponeuroses_have_the_angles_of_the_anatomy():
    layers = Layers(Anatomy(curvature=0.0, superficial_tilt=-2.0, deep_tilt=1.5), 55.42)
    rise = layers.superficial(10.0) - layers.superficial(0.0)
    deep = layers.superficial(10.0) + layers.thickness(10.0) - layers.superficial(0.0)
    assert np.degrees(np.arctan2(rise, 10)) == pytest.approx(-2, abs=1e-6)
    assert np.degrees(np.arctan2(deep - layers.thickness(0.0), 10)) == pytest.approx(1.5, abs=1e-6)


def test_fascicles_are_the_bright_points_of_the_muscle_and_lie_at_the_pennation():
    flat = Anatomy(superficial_tilt=0.0, deep_tilt=0.0, curvature=0.0, tortuosity=0.0)
    tissue = sample_tissue(flat, (44.7, 55.42), 1, 0)
    muscle = (np.abs(tissue.zeta - 0.5) < 0.4) & (np.abs(tissue.lateral) < 25)
    run = flat.thickness / np.tan(np.radians(flat.pennation))

    def unevenness(direction):
        """CV of the echoes' power over lines that run `direction` mm from border to border."""
        start = (tissue.lateral - tissue.zeta * direction)[muscle]
        power, _ = np.histogram(
            start, np.arange(-20, 0, 0.2), weights=tissue.amplitude[muscle] ** 2
        )
        return power.std() / power.mean()

    others = [unevenness(run + away) for away in (-30, 30)]
    assert unevenness(run) > 1.5 * max(others)


@pytest.mark.parametrize(("name", "value"), [("thickness", 0.4), ("pennation", 80), ("skin", -1)])
def test_impossible_legs_are_refused(name, value):
    with pytest.raises(ParameterError, match=f"{name} = {value}"):
        Anatomy(**{name: value})
