import numpy as np
import pytest

from musclelib.identification.separation.band import Band
from musclelib.identification.separation.flat import Flat
from musclelib.metrics.matching import match


def twitches(count, seed=0):
    """Trains that contract quickly and relax slowly, at their own times."""
    rng = np.random.default_rng(seed)
    time = np.arange(400) / 400
    trains = np.zeros((count, 400))
    for train in trains:
        for onset in np.cumsum(rng.uniform(0.08, 0.13, 12)) - 0.05:
            after = np.maximum(time - onset, 0) / 0.02
            train += after * (2 - after) * np.exp(-after)
    return trains


def moving(masks, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    velocity = np.einsum("ut,uij->tij", twitches(len(masks), seed), masks)
    return (velocity + noise * rng.standard_normal(velocity.shape)).astype(np.float32)


def flat(velocity):
    return Flat(Band.of(velocity, 400), 16)


def images(masks):
    return masks.reshape(-1, 48, 48).astype(bool)


def test_true_masks_are_left_as_they_are(overlapping):
    solver = flat(moving(overlapping))
    truth = overlapping.reshape(5, -1)
    np.testing.assert_array_equal(solver.solve(truth), truth)


def test_every_pixel_goes_to_the_units_that_move_it(overlapping, waving):
    velocity, _ = waving(overlapping)
    solver = flat(velocity)
    own = solver.trains(overlapping.reshape(5, -1))
    wrong = np.roll(overlapping, 2, axis=2).reshape(5, -1)
    fitted = solver.assign(wrong, own @ solver.values, own @ own.T, smooth=False)
    assert (fitted != overlapping.reshape(5, -1)).mean() < 0.005


def test_trains_are_least_squares(overlapping):
    solver = flat(moving(overlapping))
    masks = overlapping.reshape(5, -1)
    expected = np.linalg.lstsq(masks.T, solver.values.T, rcond=None)[0]
    np.testing.assert_allclose(solver.trains(masks), expected, atol=1e-3)


@pytest.mark.parametrize("wrong", ["split", "twice", "difference", "invented"])
def test_what_is_no_unit_is_taken_out(discs, overlapping, wrong):
    truth = overlapping.reshape(5, -1)
    left = (np.indices((48, 48))[1] < 18).ravel()
    extra = {
        "split": np.concatenate([truth[1:], [truth[0] * left, truth[0] * ~left]]),
        "twice": np.concatenate([truth, truth[[2]]]),
        # two units, and the place where they overlap as if it were a third
        "difference": np.concatenate(
            [
                truth[2:],
                [truth[0] * (1 - truth[1]), truth[1] * (1 - truth[0])],
                [truth[0] * truth[1]],
            ]
        ),
        "invented": np.concatenate([truth, discs((40, 40, 4)).reshape(1, -1)]),
    }[wrong]
    found = flat(moving(overlapping)).solve(extra.astype(np.float32))
    result = match(overlapping.astype(bool), images(found))
    assert (result.recall, result.precision) == (1, 1)
    assert min(result.pixel_recall, result.pixel_precision) > 0.98


def test_small_units_are_found_in_what_others_leave(discs, overlapping):
    masks = np.concatenate([overlapping, discs((40, 40, 3), (6, 40, 2))])
    found = flat(moving(masks)).solve(overlapping.reshape(5, -1))
    result = match(masks.astype(bool), images(found))
    assert (result.recall, result.precision) == (1, 1)


def test_nothing_is_found_in_noise(discs):
    noise = np.random.default_rng(0).standard_normal((400, 48, 48)).astype(np.float32)
    assert not len(flat(noise).solve(np.zeros((0, 48 * 48), np.float32)))
    assert not len(flat(noise).solve(discs((20, 20, 6)).reshape(1, -1)))


def test_long_recordings_are_searched_as_short_ones_are(overlapping, discs):
    """Where a square has fewer pixels than coefficients, it is searched by its pixels."""
    masks = np.concatenate([overlapping, discs((40, 40, 3))])
    velocity = np.tile(moving(masks, 0), (4, 1, 1))
    velocity += np.random.default_rng(1).normal(0, 0.1, velocity.shape).astype(np.float32)
    solver = Flat(Band.of(velocity, 400), 8)
    assert len(solver.values) > 64
    result = match(masks.astype(bool), images(solver.solve(overlapping.reshape(5, -1))))
    assert (result.recall, result.precision) == (1, 1)
