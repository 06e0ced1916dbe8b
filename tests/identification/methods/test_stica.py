import numpy as np
import pytest

from musclelib import simulator
from musclelib.identification.firings import firings
from musclelib.identification.methods.stica import spatiotemporal
from musclelib.metrics.firing_agreement import agreement
from musclelib.metrics.matching import match, overlap


def simulated(units, snr, index=0):
    parameters = simulator.preset("paper2", units=(units, units), noise_snr=(snr, snr))
    return simulator.simulate(parameters, 3, index)


@pytest.fixture(scope="module")
def many():
    return simulated(25, 20.0)


@pytest.fixture(scope="module")
def found(many):
    return spatiotemporal(many.velocity, 400.0)


def test_most_of_25_units_are_found_with_their_firings(many, found):
    """The field reports a recall of 75 % (Rohlén et al., 2020)."""
    result = match(many.territory.astype(bool), found.territory)
    assert result.recall > 0.85
    assert result.precision > 0.85
    assert min(result.pixel_recall, result.pixel_precision) > 0.9
    rates = [
        agreement(
            firings(many.twitch_train[true], 400), firings(found.twitch_train[unit], 400)
        ).rate
        for true, unit in zip(result.true, result.found, strict=True)
    ]
    assert np.mean(rates) > 0.9


def test_trains_have_the_sequence_s_unit(many, found):
    result = match(many.territory.astype(bool), found.territory)
    true, mine = many.twitch_train[result.true], found.twitch_train[result.found]
    slopes = (true * mine).sum(axis=1) / (true**2).sum(axis=1)
    assert np.median(slopes) == pytest.approx(1, abs=0.1)


def test_overlapping_units_keep_their_own_masks():
    depth, lateral = np.indices((40, 40))
    masks = np.stack([(depth - 20) ** 2 + (lateral - centre) ** 2 < 64 for centre in (15, 25)])
    rng = np.random.default_rng(0)
    velocity = np.einsum("ut,uij->tij", rng.laplace(size=(2, 200)), masks) + rng.standard_normal(
        (200, 40, 40)
    )
    result = match(masks, spatiotemporal(velocity, 400.0).territory)
    assert (result.recall, result.precision) == (1, 1)
    assert min(result.pixel_recall, result.pixel_precision) > 0.95


def test_neither_gain_nor_a_mirror_matters():
    velocity = simulated(5, 20.0).velocity
    first = spatiotemporal(velocity, 400.0)
    louder = spatiotemporal(np.float32(1024) * velocity, 400.0)
    np.testing.assert_array_equal(first.territory, louder.territory)
    np.testing.assert_allclose(1024 * first.twitch_train, louder.twitch_train, rtol=1e-4, atol=1e-3)
    mirrored = spatiotemporal(velocity[:, :, ::-1], 400.0).territory[:, :, ::-1]
    assert len(mirrored) == len(first.territory)
    assert overlap(first.territory, mirrored).max(axis=1).min() > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_raises_no_alarm(seed):
    noise = np.random.default_rng(seed).standard_normal((200, 48, 48))
    assert not len(spatiotemporal(noise, 400.0).territory)


def test_other_fields_rates_and_pixels():
    parameters = simulator.preset(
        "paper2",
        units=(4, 4),
        noise_snr=(20.0, 20.0),
        frames=300,
        frame_rate=250.0,
        pixels=(50, 30),
        size=(40.0, 36.0),
    )
    sequence = simulator.simulate(parameters, 3, 0)
    units = spatiotemporal(sequence.velocity, 250.0, spacing=(0.8, 1.2))
    assert units.territory.shape[1:] == (50, 30)
    assert match(sequence.territory.astype(bool), units.territory).recall >= 0.75
    # then they are too large to be units
    coarse = spatiotemporal(sequence.velocity, 250.0, spacing=(8.0, 12.0))
    assert not len(coarse.territory)
