import numpy as np
import pytest
from sklearn.decomposition import FastICA

from musclelib.identification.separation.infomax import infomax
from musclelib.identification.separation.low_rank import low_rank


def discs(centres, field=(32, 32), radius=6):
    depth, lateral = np.indices(field)
    return np.array(
        [((depth - y) ** 2 + (lateral - x) ** 2 <= radius**2).ravel() for y, x in centres], float
    )


def likeness(first, second):
    """Absolute correlation of each of the first with the second that is most like it."""
    return np.abs(np.corrcoef(first, second)[: len(first), len(first) :]).max(axis=1)


def mixture(maps, noise=0.0):
    rng = np.random.default_rng(1)
    trains = rng.laplace(size=(len(maps), 400))
    moving = trains.T @ maps + noise * rng.standard_normal((400, maps.shape[1]))
    return moving - moving.mean(axis=0), trains


@pytest.mark.parametrize("weight", [0.5, 0.8, 1.0])
def test_overlapping_territories_are_separated_exactly(weight):
    """A known factorisation: discs that overlap, so that decorrelated maps would be wrong."""
    maps = discs([(10, 10), (12, 17), (22, 22), (20, 14)])
    moving, trains = mixture(maps)
    courses, components = low_rank(moving, 25)
    assert len(components) == 4
    found, waves = infomax(components, courses, spatial_weight=weight)
    assert likeness(maps, found).min() > 0.98
    assert likeness(trains, waves).min() > 0.97
    np.testing.assert_allclose(found.T @ waves, moving.T, atol=1e-8)
    assert (np.mean(found**3, axis=1) > 0).all()
    np.testing.assert_allclose((found**2).mean(axis=1), 1)


def test_the_other_weight_separates_in_time():
    """Maps without structure and peaked courses, which only independence in time separates."""
    rng = np.random.default_rng(2)
    trains = rng.laplace(size=(4, 4000)) ** 3
    moving = trains.T @ rng.standard_normal((4, 300))
    courses, components = low_rank(moving - moving.mean(axis=0), 25)
    assert likeness(trains, infomax(components, courses, spatial_weight=0.0)[1]).min() > 0.99
    assert likeness(trains, infomax(components, courses, spatial_weight=1.0)[1]).min() < 0.97


def test_independent_maps_are_those_of_fast_ica():
    rng = np.random.default_rng(0)
    maps = np.abs(rng.laplace(size=(5, 4000))) * (rng.random((5, 4000)) < 0.2)
    moving, _ = mixture(maps)
    courses, components = low_rank(moving, 25)
    other = (
        FastICA(5, whiten="unit-variance", random_state=0, tol=1e-6, max_iter=1000)
        .fit_transform(components.T)
        .T
    )
    assert likeness(infomax(components, courses, spatial_weight=1.0)[0], other).min() > 0.97


def test_the_first_guess_hardly_matters():
    moving, _ = mixture(discs([(10, 10), (12, 17), (22, 22), (20, 14)]), noise=0.3)
    courses, components = low_rank(moving, 25)
    first, second = (infomax(components, courses, seed)[0] for seed in (0, 1))
    assert likeness(first, second).min() > 0.99


@pytest.mark.parametrize("shape", [(400, 900), (400, 100)])
def test_a_low_rank_is_the_singular_value_decomposition(shape):
    rng = np.random.default_rng(0)
    moving = 3 * rng.standard_normal((shape[0], 4)) @ rng.standard_normal(
        (4, shape[1])
    ) + rng.standard_normal(shape)
    courses, maps = low_rank(moving, 25)
    times, strengths, fields = np.linalg.svd(moving, full_matrices=False)
    assert len(maps) == 4
    np.testing.assert_allclose(
        courses.T @ maps, (times[:, :4] * strengths[:4]) @ fields[:4], atol=1e-8
    )
    np.testing.assert_allclose(courses @ courses.T, np.eye(4), atol=1e-10)
    assert len(low_rank(moving, 2)[1]) == 2
    assert not len(low_rank(rng.standard_normal(shape), 25)[1])
