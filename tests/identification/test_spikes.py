import numpy as np
import pytest

from musclelib import simulator
from musclelib.identification.firings import agreement, firings
from musclelib.identification.spikes import spikes

RATE, FRAMES = 400.0, 800


@pytest.fixture(scope="module")
def known():
    """Single trains, and when their twitches begin."""
    parameters = simulator.preset("paper2", units=(20, 20), frames=FRAMES)
    sequence = simulator.simulate(parameters, 8, 0)
    onsets = sequence.pool.firing_time + sequence.pool.lead[:, None]
    return sequence.twitch_train, [times[(times >= 0) & (times < FRAMES / RATE)] for times in onsets]


def noisy(trains, snr):
    scale = trains.std(axis=1, keepdims=True) * 10 ** (-snr / 20)
    return trains + scale * np.random.default_rng(0).standard_normal(trains.shape)


def aligned(true, found):
    """Mean rate of agreement, each unit's constant lag removed."""
    lags = np.arange(-0.06, 0.08, 0.005)
    return np.mean([max(agreement(a, b - lag).rate for lag in lags) for a, b in zip(true, found, strict=True)])


@pytest.mark.parametrize(("snr", "least"), [(np.inf, 0.93), (20.0, 0.93), (10.0, 0.88)])
def test_known_firings_are_found(known, snr, least):
    trains, onsets = known
    assert aligned(onsets, spikes(noisy(trains, snr), RATE)) > least


def test_noise_disturbs_less_than_it_does_the_maxima_of_the_train(known):
    trains, onsets = known
    hurt = noisy(trains, 10.0)
    assert aligned(onsets, spikes(hurt, RATE)) > aligned(onsets, [firings(train, RATE) for train in hurt]) + 0.05


def test_times_are_those_of_the_onset(known):
    trains, onsets = known
    rates = [agreement(a, b).rate for a, b in zip(onsets, spikes(trains, RATE), strict=True)]
    assert np.mean(rates) > 0.85  # though no lag is removed: most of it lies within the tolerance


def test_a_train_alone_is_a_train_among_others(known):
    trains, _ = known
    for one, among in zip(trains[:4], spikes(trains[:4], RATE), strict=True):
        np.testing.assert_array_equal(spikes(one, RATE), among)


def test_neither_gain_nor_offset_matters(known):
    train = known[0][3].astype(float)
    np.testing.assert_allclose(spikes(8 * train + 2, RATE), spikes(train, RATE))


def test_times_rise_and_keep_their_distance(known):
    for times in spikes(noisy(known[0], 0.0), RATE):
        assert (np.diff(times) >= 0.05 - 1e-9).all()
        assert ((times >= 0) & (times < FRAMES / RATE)).all()


def test_a_still_train_does_not_fire():
    assert not len(spikes(np.full(400, 3.0), RATE))
    assert spikes(np.zeros((0, 400)), RATE) == []


@pytest.mark.parametrize(
    ("trains", "rate", "words"),
    [
        (np.zeros(20), RATE, r"trains have shape \(20,\)"),
        (np.zeros((2, 2, 400)), RATE, r"trains have shape \(2, 2, 400\)"),
        (np.full(400, np.nan), RATE, "400 values are not finite"),
        (np.zeros(400), 0, r"frame_rate = 0 \[Hz\]"),
    ],
)
def test_impossible_trains_are_refused(trains, rate, words):
    with pytest.raises(ValueError, match=words):
        spikes(trains, rate)
