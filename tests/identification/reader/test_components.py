import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from musclelib.identification.reader.components import Components, blocks
from musclelib.identification.reader.read import read_territories
from musclelib.networks.territory_reader import TerritoryReader


@pytest.fixture
def smooth(overlapping, waving):
    masks = gaussian_filter(overlapping, (0, 3, 3))
    return waving(masks, 0.01)[0], masks


def test_images_are_of_one_scale_whatever_the_gain(smooth):
    one, other = (Components.of(gain * smooth[0], 400, (0.625, 0.625)) for gain in (1, 100))
    np.testing.assert_allclose(one.images, other.images, atol=2e-3)
    np.testing.assert_allclose(100 * one.trains, other.trains, rtol=1e-2, atol=1e-2)
    assert one.images[:, 1].max() == pytest.approx(1)
    assert np.abs(one.images[:, 1:3]).max() < 1.001
    np.testing.assert_allclose(
        np.sign(one.images[:, 0]) * one.images[:, 0] ** 2, one.images[:, 1], atol=1e-6
    )


def test_every_unit_has_a_component(smooth):
    velocity, masks = smooth
    found = Components.of(velocity, 400, (0.625, 0.625))
    maps = np.concatenate([found.images[:, 1], masks]).reshape(-1, 48 * 48)
    likeness = np.corrcoef(maps)[: len(found.images), len(found.images) :]
    assert likeness.max(axis=0).min() > 0.9


def test_fine_fields_are_read_in_blocks(smooth):
    fine = smooth[0].repeat(2, axis=1).repeat(2, axis=2)[:, :-1]
    found = Components.of(fine, 400, (0.3125, 0.3125))
    assert (found.block, found.field, found.images.shape[2:]) == (2, (95, 96), (47, 48))
    same = Components.of(smooth[0][:, :-1], 400, (0.625, 0.625))
    np.testing.assert_allclose(found.images, same.images, atol=1e-3)


def test_blocks_by_hand():
    np.testing.assert_allclose(blocks(np.arange(15.0).reshape(1, 3, 5), 2), [[[3, 5]]])


def test_noise_has_no_components():
    found = Components.of(
        np.random.default_rng(0).standard_normal((400, 48, 48)), 400, (0.625, 0.625)
    )
    assert found.images.shape == (0, 5, 48, 48)
    assert found.trains.shape == (0, 400)
    # nobody is asked
    assert not len(read_territories(found, TerritoryReader.__new__(TerritoryReader)).territory)


class Says:
    """A reader that says what it is told."""

    def __init__(self, masks, scores):
        import torch

        self.answer = torch.from_numpy(np.where(masks, 1.0, -1.0)), torch.tensor(scores)

    def parameters(self):
        return iter(self.answer)

    def __call__(self, images):
        return self.answer


def test_what_the_reader_says_becomes_units(discs):
    masks = discs((10, 10, 5), (10, 11, 5), (30, 30, 4), (30, 30, 0.5), (20, 20, 5))
    images = np.zeros((5, 5, 48, 48), np.float32)
    images[:, 1] = 0.5
    components = Components(images, np.arange(500, dtype=np.float32).reshape(5, 100), 2, (97, 96))
    units = read_territories(components, Says(masks, [2.0, 3.0, 1.0, 4.0, -1.0]))
    # the first is the second again, the fourth is too small, the last one is none
    np.testing.assert_allclose(units.confidence, 1 / (1 + np.exp([-3.0, -1.0])), rtol=1e-6)
    np.testing.assert_array_equal(
        units.territory[:, :-1], masks[[1, 2]].repeat(2, axis=1).repeat(2, axis=2) > 0
    )
    assert units.territory.shape == (2, 97, 96)
    np.testing.assert_allclose(units.twitch_train, components.trains[[1, 2]] / 2)
