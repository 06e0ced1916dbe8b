from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musclelib import simulator
from musclelib.acquisition import band_pass
from musclelib.identification.firings import firings
from musclelib.identification.onsets import Onsets, at_rate, firing_times
from musclelib.metrics.firing_agreement import agreement
from musclelib.networks.firing_detector import RATE
from musclelib.study.made import read_table

ROOT = Path(__file__).parents[2]
BANDS = (
    (4, 6),
    (6, 8),
    (8, 10),
    (10, 12),
    (12, 14),
    (14, 16),
    (16, 18),
    (18, 20),
    (20, 22),
    (22, 25),
)


@pytest.fixture(scope="module")
def onsets():
    return Onsets.load(ROOT / "data" / "weights" / "identification")


def known(band=(8.0, 13.0), frame_rate=400.0, duration=2.0, units=20, seed=8):
    """Single trains, and when their twitches begin."""
    frames = round(duration * frame_rate)
    parameters = simulator.preset(
        "paper2",
        units=(units, units),
        frames=frames,
        frame_rate=frame_rate,
        firing_rate=band,
        pixels=(8, 8),
    )
    sequence = simulator.simulate(parameters, seed, 0)
    times = sequence.pool.firing_time + sequence.pool.lead[:, None]
    return sequence.twitch_train, [each[(each >= 0) & (each < duration)] for each in times]


def noisy(trains, snr):
    scale = trains.std(axis=1, keepdims=True) * 10 ** (-snr / 20)
    return trains + scale * np.random.default_rng(0).standard_normal(trains.shape)


def agreed(true, found):
    return np.mean([agreement(*pair).rate for pair in zip(true, found, strict=True)])


def rate(times):
    return 1 / np.diff(times).mean()


def table(onsets):
    """Ratios of found to true rates, and rates of agreement, by firing rate and noise."""
    rows = []
    for band in BANDS:
        trains, true = known(band, duration=4.0, units=40)
        row = {"Firing rate [Hz]": f"{band[0]} to {band[1]}"}
        for name, snr in (("no noise", np.inf), ("20 dB", 20.0), ("10 dB", 10.0), ("0 dB", 0.0)):
            found = onsets(noisy(trains, snr), 400.0)
            told = [rate(one) / rate(other) for one, other in zip(found, true, strict=True)]
            row |= {
                f"{name}: estimated / true mean": np.mean(told),
                f"{name}: estimated / true SD": np.std(told),
            }
            row[f"{name}: rate of agreement"] = agreed(true, found)
        rows.append(row)
    return pd.DataFrame(rows).set_index("Firing rate [Hz]")


@pytest.mark.slow
def test_rates_are_told_to_5_percent_up_to_25_hz_and_as_the_docs_say(onsets):
    found = table(onsets)
    for noise in ("no noise", "20 dB", "10 dB"):
        assert np.abs(found[f"{noise}: estimated / true mean"] - 1).max() < 0.02
        assert found[f"{noise}: estimated / true SD"].max() < 0.05
        assert found[f"{noise}: rate of agreement"].min() > 0.95
    written = read_table(ROOT / "reports" / "paper" / "tables" / "firing_rates.csv")[1]
    written = written.set_index("Firing rate [Hz]")
    pd.testing.assert_frame_equal(found, written, rtol=0.01, atol=0.005)


def test_maxima_of_the_train_tell_too_few_where_twitches_run_together(onsets):
    trains, true = known((18.0, 22.0))
    assert (
        agreed(true, onsets(trains, 400.0))
        > agreed(true, [firings(train, 400.0) for train in trains]) + 0.15
    )


def test_noise_disturbs_less_than_it_does_the_maxima_of_the_train(onsets):
    trains, true = known()
    hurt = noisy(trains, 10.0)
    assert (
        agreed(true, onsets(hurt, 400.0))
        > agreed(true, [firings(train, 400.0) for train in hurt]) + 0.1
    )


@pytest.mark.parametrize("frame_rate", [120.0, 333.3, 512.0, 2000.0])
def test_any_frame_rate(onsets, frame_rate):
    trains, true = known((8.0, 20.0), frame_rate)
    assert agreed(true, onsets(trains, frame_rate)) > 0.95


def test_a_recording_of_half_a_minute_with_a_pause(onsets):
    trains, true = known((10.0, 15.0), duration=30.0, units=4)
    silent = slice(4000, 8000)
    trains[:, silent] = 0.02 * trains.std() * np.random.default_rng(0).standard_normal((4, 4000))
    for one, other in zip(onsets(trains, 400.0), true, strict=True):
        assert not ((one > 10.3) & (one < 19.8)).any()
        kept, heard = (times[(times < 9.8) | (times > 20.4)] for times in (other, one))
        assert agreement(kept, heard).rate > 0.97


def test_the_pass_band_of_an_acquisition_makes_little_difference(onsets):
    trains, true = known((8.0, 20.0))
    passed = band_pass(trains.T[:, :, None], 400.0, 5.0, 50.0)[:, :, 0].T
    assert agreed(true, onsets(passed, 400.0)) > 0.93


def test_a_train_alone_is_a_train_among_others(onsets):
    trains, _ = known(units=6)
    for index, among in enumerate(onsets(trains, 400.0)):
        np.testing.assert_allclose(onsets(trains[[index]], 400.0)[0], among, atol=1e-3)


def test_neither_gain_nor_offset_matters(onsets):
    trains, _ = known(units=2)
    for one, other in zip(
        onsets(trains, 400.0), onsets(8 * trains.astype(float) + 2, 400.0), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_still_train_does_not_fire(onsets):
    first, second = onsets(np.stack([np.full(400, 3.0), known(duration=1.0, units=1)[0][0]]), 400.0)
    assert not len(first)
    assert len(second) > 5
    assert onsets(np.zeros((0, 400)), 400.0) == []


@pytest.mark.parametrize(
    ("trains", "frame_rate", "words"),
    [
        (np.zeros((2, 20)), 400.0, r"trains have shape \(2, 20\)"),
        (np.zeros(400), 400.0, r"trains have shape \(400,\)"),
        (np.full((1, 400), np.nan), 400.0, "400 values are not finite"),
        (np.zeros((1, 400)), 0.0, r"frame_rate = 0\.0 \[Hz\]"),
    ],
)
def test_impossible_trains_are_refused(onsets, trains, frame_rate, words):
    with pytest.raises(ValueError, match=words):
        onsets(trains, frame_rate)


def test_trains_keep_their_waves_at_another_frame_rate():
    def wave(frame_rate):
        middle = (np.arange(round(2 * frame_rate)) + 0.5) / frame_rate
        return np.cos(2 * np.pi * 8 * middle)[None] + np.cos(2 * np.pi * 23 * middle)

    for frame_rate in (130.0, 400.0, 2000.0):
        np.testing.assert_allclose(at_rate(wave(frame_rate), frame_rate), wave(RATE), atol=1e-6)
    assert (
        np.abs(at_rate(np.cos(2 * np.pi * 80 * (np.arange(800) + 0.5) / 400)[None], 400.0)).max()
        < 1e-6
    )


def test_a_peak_is_as_many_firings_as_are_expected_in_it():
    expected = np.zeros(100)
    expected[20] = 1.0  # sure
    expected[38:43] = 0.2  # one, some frames wide
    expected[60] = 0.3  # hardly
    expected[80], expected[81] = 1.0, 1.0  # two, too near for two peaks
    np.testing.assert_allclose(firing_times(expected) * RATE, [20, 40, 80, 81], atol=0.5)
    assert not len(firing_times(np.zeros(50)))
