from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from musclelib.simulator.longitudinal.anatomy import Label, Layers, sample_anatomy
from musclelib.simulator.longitudinal.motion import Motion, motion
from musclelib.simulator.longitudinal.parameters import Anatomy
from musclelib.simulator.longitudinal.tissue import sample_tissue
from musclelib.simulator.longitudinal.truth import geometry


@pytest.fixture(scope="module")
def tissue():
    return sample_tissue(Anatomy(), (44.7, 55.42), 0, 0)


def moved(**values):
    return replace(Motion.none(), **{name: np.array([one]) for name, one in values.items()})


def rest_state(anatomy, frames=1):
    length = np.full(frames, anatomy.thickness / np.sin(np.radians(anatomy.pennation)))
    thickness = np.full(frames, anatomy.thickness)
    return SimpleNamespace(fascicle_length=length, passive_length=length, thickness=thickness)


def test_nothing_moves_in_the_neutral_state(tissue):
    lateral, depth = tissue.displaced(Motion.none().at(0))
    np.testing.assert_array_equal(lateral, tissue.lateral)
    np.testing.assert_allclose(depth, tissue.depth, atol=1e-5)


def test_glide_moves_muscle_as_a_whole_and_shear_its_deep_end(tissue):
    muscle = tissue.label == Label.MUSCLE
    lateral, _ = tissue.displaced(moved(glide=2.0, shear=-3.0).at(0))
    np.testing.assert_allclose(
        (lateral - tissue.lateral)[muscle], 2 - 3 * tissue.zeta[muscle], atol=1e-4
    )


def test_bone_stays_and_skin_hangs_on_to_the_probe(tissue):
    lateral, depth = tissue.displaced(moved(glide=4.0, shear=2.0, bulge=1.1).at(0))
    bone = tissue.label == Label.BONE
    np.testing.assert_array_equal(lateral[bone], tissue.lateral[bone])
    np.testing.assert_array_equal(depth[bone], tissue.depth[bone])
    skin = tissue.label == Label.SKIN
    assert np.abs(lateral - tissue.lateral)[skin].max() == 0


def test_borders_stay_in_place_while_tissue_glides_along_them(tissue):
    lateral, depth = tissue.displaced(moved(glide=5.0).at(0))
    layers = tissue.layers
    muscle = tissue.label == Label.MUSCLE
    zeta = (depth - layers.superficial(lateral)) / layers.thickness(lateral)
    np.testing.assert_allclose(zeta[muscle], tissue.zeta[muscle], atol=1e-4)


def test_a_bulging_muscle_is_thicker_by_that_share(tissue):
    true = geometry(tissue.layers, moved(bulge=1.08))
    assert true.thickness[0] == pytest.approx(1.08 * tissue.layers.thickness(0.0), rel=1e-6)


def test_the_motion_of_the_probe_is_a_rigid_one(tissue):
    lateral, depth = tissue.displaced(
        moved(probe_angle=2.0, probe_lateral=0.5, probe_depth=0.3).at(0)
    )
    before = np.hypot(np.diff(tissue.lateral), np.diff(tissue.depth))
    np.testing.assert_allclose(np.hypot(np.diff(lateral), np.diff(depth)), before, atol=1e-3)


def test_a_rotated_probe_sees_rotated_fascicles_and_the_same_pennation():
    layers = Layers(Anatomy(), 55.42)
    still, turned = (geometry(layers, moved(probe_angle=angle)) for angle in (0.0, 3.0))
    assert turned.fascicle_angle[0] == pytest.approx(still.fascicle_angle[0] - 3, abs=1e-3)
    assert turned.pennation[0] == pytest.approx(still.pennation[0], abs=1e-3)
    assert turned.fascicle_length[0] == pytest.approx(still.fascicle_length[0], rel=1e-5)


def test_a_flat_muscle_has_the_fascicles_of_its_state():
    flat = Anatomy(superficial_tilt=0.0, deep_tilt=0.0, curvature=0.0)
    length = np.array([40.0, 45.0, 52.0])
    state = SimpleNamespace(
        fascicle_length=length, passive_length=length + 2, thickness=np.array([17.2, 17.0, 16.7])
    )
    true = geometry(Layers(flat, 55.42), motion(flat, state, 25, 0, 0, unsteady=0))
    np.testing.assert_allclose(true.fascicle_length, length, rtol=1e-5)
    np.testing.assert_allclose(true.thickness, state.thickness, rtol=1e-6)
    np.testing.assert_allclose(
        true.fascicle_angle, np.degrees(np.arcsin(state.thickness / length)), rtol=1e-4
    )


def test_passive_lengthening_moves_both_aponeuroses_the_same_way_and_contraction_opposite_ways():
    anatomy = Anatomy()
    rest = rest_state(anatomy)
    stretched = SimpleNamespace(**vars(rest))
    stretched.fascicle_length = stretched.passive_length = rest.passive_length + 4
    passive = motion(anatomy, stretched, 25, 0, 0, unsteady=0)
    assert passive.glide[0] > 0
    assert passive.glide[0] + passive.shear[0] > 0
    contracted = SimpleNamespace(**vars(rest))
    contracted.fascicle_length = rest.passive_length - 4
    active = motion(anatomy, contracted, 25, 0, 0, unsteady=0)
    assert active.glide[0] > 0 > active.glide[0] + active.shear[0]


def test_a_strapped_probe_wanders_little_and_from_where_it_was():
    anatomy = Anatomy(out_of_plane=0.0)
    moving = motion(anatomy, rest_state(anatomy, 4000), 25, 0, 0)
    again = motion(anatomy, rest_state(anatomy, 4000), 25, 0, 0)
    for part in (moving.probe_lateral, moving.probe_depth, moving.probe_angle, moving.drift):
        assert part[0] == 0
        assert 0 < np.abs(np.diff(part)).max() < 0.01
    np.testing.assert_array_equal(moving.probe_lateral, again.probe_lateral)


def test_participants_differ_and_can_be_made_again():
    first, again, other = (sample_anatomy(3, number) for number in (5, 5, 6))
    assert first == again != other
