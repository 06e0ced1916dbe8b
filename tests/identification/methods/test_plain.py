import numpy as np
import pytest

from musclelib import simulator
from musclelib.identification.firings import firings
from musclelib.identification.methods.plain import plain
from musclelib.metrics.firing_agreement import agreement
from musclelib.metrics.matching import match


def simulated(units, snr, index=0):
    parameters = simulator.preset("paper2", units=(units, units), noise_snr=(snr, snr))
    return simulator.simulate(parameters, 3, index), parameters


def test_most_of_a_few_units_are_found_with_their_firings():
    units, pixels, likeness, rates = np.zeros(3), [], [], []
    for index in range(6):
        sequence, parameters = simulated(6, 20.0, index)
        dataset = simulator.to_dataset(sequence, parameters, 3)
        true = dataset.territory.values[0].astype(bool)
        found = plain(dataset.velocity.values[0], 400.0)
        result = match(true, found.territory)
        units += len(result.true), len(true), len(found.territory)
        pixels.append(min(result.pixel_recall, result.pixel_precision))
        for one, other in zip(result.true, result.found, strict=True):
            trains = dataset.twitch_train.values[0, one], found.twitch_train[other]
            likeness.append(np.corrcoef(*trains)[0, 1])
            rates.append(agreement(*(firings(train, 400) for train in trains)).rate)
    assert units[0] / units[1] > 0.9
    assert units[0] / units[2] > 0.9
    assert min(pixels) > 0.9
    assert np.mean(likeness) > 0.9
    assert np.mean(rates) > 0.9


def test_overlapping_units_keep_their_own_masks():
    depth, lateral = np.indices((40, 40))
    masks = np.stack([(depth - 20) ** 2 + (lateral - centre) ** 2 < 64 for centre in (15, 26)])
    rng = np.random.default_rng(0)
    trains = np.cumsum(rng.standard_normal((2, 200)), axis=1)
    velocity = np.einsum("ut,uij->tij", trains, masks) + 0.1 * rng.standard_normal((200, 40, 40))
    result = match(masks, plain(velocity, 400.0).territory)
    assert (result.recall, result.precision) == (1, 1)
    assert min(result.pixel_recall, result.pixel_precision) > 0.95
    both = masks.all(axis=0)
    assert plain(velocity, 400.0).territory.all(axis=0)[both].mean() > 0.5


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_raises_no_alarm(seed):
    noise = np.random.default_rng(seed).standard_normal((200, 32, 32))
    assert not len(plain(noise, 400.0).territory)


def test_gain_does_not_matter():
    velocity = simulated(3, 20.0)[0].velocity
    np.testing.assert_array_equal(
        plain(velocity, 400.0).territory, plain(np.float32(1024) * velocity, 400.0).territory
    )
