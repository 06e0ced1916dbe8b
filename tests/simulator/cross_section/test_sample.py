import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclelib import simulator
from musclelib.simulator.cross_section import Label, TissueParameters, effects_off, sample_tissue


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.integers(0, 1000))
def test_any_tissue_can_be_made_again_alone(seed, index):
    parameters = TissueParameters(pixels=(48, 40), fascicle_size=4.0)
    pool = simulator.sample_pool(simulator.preset("paper1"), seed, index)
    first, again, other = (
        sample_tissue(parameters, pool, seed, number) for number in (index, index, index + 1)
    )
    for name in (field.name for field in dataclasses.fields(first)):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.gain, other.gain)


def test_layers_lie_where_they_should(pool):
    parameters = TissueParameters()
    label = sample_tissue(parameters, pool, 0, 0).label
    depth = parameters.depth
    for code, low, high in (
        (Label.SKIN, 0, 1.5), (Label.FAT, 1.5, 5.5), (Label.FASCIA, 5.5, 6.2), (Label.BONE, 34, 40)
    ):  # fmt: skip
        rows = depth[(label == code).any(axis=1)]
        assert rows.min() == pytest.approx(low, abs=0.16)
        assert rows.max() == pytest.approx(high, abs=0.16)


def test_territories_lie_in_the_muscle(pool):
    tissue = sample_tissue(TissueParameters(), pool, 0, 0)
    assert tissue.territory.any(axis=(1, 2)).all()
    found = np.unique(tissue.label[tissue.territory.any(axis=0)])
    assert set(found) <= {Label.MUSCLE, Label.PERIMYSIUM}


@pytest.mark.parametrize(("elongation", "bend"), [(1.0, 0.0), (2.0, 0.0), (2.0, 1.0)])
def test_territories_keep_their_area_whatever_their_shape(one_twitch, elongation, bend):
    parameters = effects_off(elongation=(elongation, elongation), bend=(bend, bend))
    mask = sample_tissue(parameters, one_twitch, 0, 0).territory[0]
    assert mask.sum() * 40 / 256 * 40 / 128 == pytest.approx(np.pi / 4 * 5**2, rel=0.03)
    z, x = np.nonzero(mask)
    spread = np.linalg.eigvalsh(np.cov(z / 256, x / 128))
    ratio = np.sqrt(spread[1] / spread[0])
    assert ratio == pytest.approx(elongation, rel=0.05) if not bend else ratio < elongation


def test_gain_of_fascicles_has_the_cv_asked_for(pool):
    parameters = effects_off(fascicle_size=1.2, fascicle_cv=0.4, wall_contrast=0.0)
    tissue = sample_tissue(parameters, pool, 0, 0)
    gain = np.array(
        [tissue.gain[tissue.fascicle == cell][0] for cell in np.unique(tissue.fascicle)]
    )
    assert gain.std() / gain.mean() == pytest.approx(0.4, rel=0.15)
    assert gain.mean() == pytest.approx(1, rel=0.1)


def test_walls_move_less(pool):
    gain = sample_tissue(
        effects_off(fascicle_size=1.4, fascicle_cv=0.0, wall_contrast=0.5), pool, 0, 0
    ).gain
    assert gain.min() == pytest.approx(0.5, abs=0.01)
    assert gain.max() == pytest.approx(1, abs=0.01)


def test_turning_an_effect_off_leaves_the_rest_as_drawn(pool):
    with_all, without = (
        sample_tissue(TissueParameters(**off), pool, 0, 0)
        for off in ({}, {"pulsation": (0.0, 0.0)})
    )
    np.testing.assert_array_equal(with_all.fascicle[without.label == with_all.label],
                                  without.fascicle[without.label == with_all.label])  # fmt: skip
    assert np.all(with_all.label[with_all.label != without.label] == Label.VESSEL)
