import numpy as np
import pytest

from musclelib import simulator
from musclelib.identification.firings import firings
from musclelib.identification.methods.full_field import full_field
from musclelib.metrics.firing_agreement import agreement
from musclelib.metrics.matching import match, overlap


def simulated(units, snr, index=0):
    parameters = simulator.preset("paper2", units=(units, units), noise_snr=(snr, snr))
    return simulator.simulate(parameters, 3, index)


def test_units_are_found_with_their_firings():
    sequence = simulated(15, 20.0)
    found = full_field(sequence.velocity, 400.0)
    result = match(sequence.territory.astype(bool), found.territory)
    assert result.recall > 0.85
    assert result.precision > 0.8
    assert min(result.pixel_recall, result.pixel_precision) > 0.9
    true, mine = sequence.twitch_train[result.true], found.twitch_train[result.found]
    slopes = (true * mine).sum(axis=1) / (true**2).sum(axis=1)
    assert np.median(slopes) == pytest.approx(1, abs=0.05)
    assert (
        np.mean(
            [
                agreement(firings(a, 400), firings(b, 400)).rate
                for a, b in zip(true, mine, strict=True)
            ]
        )
        > 0.9
    )


def two(noise, weak=1.0):
    depth, lateral = np.indices((40, 40))
    masks = np.stack([(depth - 20) ** 2 + (lateral - centre) ** 2 < 64 for centre in (15, 25)])
    rng = np.random.default_rng(0)
    trains = rng.laplace(size=(2, 200)) * [[1], [weak]]
    return (
        np.einsum("ut,uij->tij", trains, masks) + noise * rng.standard_normal((200, 40, 40)),
        masks,
        trains,
    )


def test_what_overlaps_does_not_leak():
    """Both trains are right, though the other unit also moves a third of each territory."""
    velocity, masks, trains = two(0.1)
    found = full_field(velocity, 400.0)
    result = match(masks, found.territory)
    assert (result.recall, result.precision) == (1, 1)
    for true, unit in zip(result.true, result.found, strict=True):
        assert np.corrcoef(trains[true], found.twitch_train[unit])[0, 1] > 0.99


def test_a_weak_unit_beside_a_strong_one_is_found():
    velocity, masks, _ = two(0.2, weak=0.1)
    result = match(masks, full_field(velocity, 400.0).territory)
    assert (result.recall, result.precision) == (1, 1)


@pytest.mark.parametrize("index", range(3))
def test_without_noise_the_rest_is_not_searched_for_rounding_errors(index):
    parameters = simulator.preset("paper2", units=(10, 10), noise_snr=None)
    sequence = simulator.simulate(parameters, 3, index)
    result = match(sequence.territory.astype(bool), full_field(sequence.velocity, 400.0).territory)
    assert result.precision == 1
    assert result.recall >= 0.9


def test_neither_gain_nor_a_mirror_nor_a_constant_matters():
    velocity = simulated(5, 20.0).velocity
    first = full_field(velocity, 400.0)
    np.testing.assert_array_equal(
        first.territory, full_field(np.float32(1024) * velocity, 400.0).territory
    )
    mirrored = full_field(velocity[:, ::-1], 400.0).territory[:, ::-1]
    assert len(mirrored) == len(first.territory)
    assert overlap(first.territory, mirrored).max(axis=1).min() > 0.9
    shifted = full_field(velocity + np.float32(0.5), 400.0)
    assert overlap(first.territory, shifted.territory).max(axis=1).min() > 0.99


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_raises_no_alarm(seed):
    noise = np.random.default_rng(seed).standard_normal((200, 32, 24))
    found = full_field(noise, 400.0)
    assert (found.territory.shape, found.twitch_train.shape) == ((0, 32, 24), (0, 200))
