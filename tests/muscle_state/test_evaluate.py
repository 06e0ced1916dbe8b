from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import signal
from sklearn.metrics import r2_score

from musclelib import sequences
from musclelib.muscle_state.estimator import estimate, frame_features
from musclelib.muscle_state.estimator_recipe import PAPER_3
from musclelib.muscle_state.evaluate import coherence, estimate_changes, evaluate, score
from musclelib.muscle_state.features import motion_features
from musclelib.muscle_state.trials import Trials
from musclelib.networks.feature_network import FeatureNetwork, FeatureNetworkParameters
from musclelib.networks.state_cnn import StateCnn, StateCnnParameters
from musclelib.networks.state_estimator import StateEstimator

RATE = 25.0


def _changes(seed: int, trials: int = 3, time: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(trials, time))


def test_measures_agree_with_their_definitions() -> None:
    measured = 2 * _changes(0) + 0.3
    estimated = 0.8 * measured + 0.9 * _changes(1)
    found = score(measured, estimated, 4.0, RATE)
    error = ((estimated - measured) ** 2).mean()
    assert found["mse"] == pytest.approx(error / 16)
    assert found["rmse"] == pytest.approx(np.sqrt(error))
    assert found["r2"] == pytest.approx(r2_score(measured.ravel(), estimated.ravel()))
    assert found["nrmse"] == pytest.approx(1 - np.sqrt(error) / measured.std())
    assert found["low"] < found["r2"] < found["high"]
    assert found["lost"] == 0


@pytest.mark.parametrize(
    ("r2", "nrmse"),
    [
        (0.537, 0.319),
        (0.508, 0.299),
        (0.612, 0.377),
        (0.480, 0.278),
        (0.705, 0.457),
        (0.915, 0.709),
    ],
)
def test_nrmse_and_r2_are_related_as_in_the_tables_of_paper_3(r2: float, nrmse: float) -> None:
    measured = _changes(0) / np.sqrt((_changes(0) ** 2).mean())
    noise = _changes(1) / np.sqrt((_changes(1) ** 2).mean())
    spread = measured.var()
    found = score(measured, measured + np.sqrt((1 - r2) * spread) * noise, 1.0, RATE)
    assert found["r2"] == pytest.approx(r2, abs=1e-6)
    assert found["nrmse"] == pytest.approx(nrmse, abs=2e-3)


def test_the_interval_covers_the_value_of_the_process() -> None:
    covered = 0
    for seed in range(40):
        measured = _changes(seed, 1, 4000)
        found = score(measured, measured + 0.5 * _changes(1000 + seed, 1, 4000), 1.0, RATE)
        covered += found["low"] < 0.75 < found["high"]
    assert 32 <= covered < 40


def test_changes_without_an_estimate_are_left_out_and_counted() -> None:
    measured, estimated = _changes(0), _changes(0) + _changes(1)
    estimated[0, :100] = np.nan
    found = score(measured, estimated, 1.0, RATE)
    assert found["lost"] == pytest.approx(100 / 3000)
    known = np.isfinite(estimated)
    assert found["r2"] == pytest.approx(r2_score(measured[known], estimated[known]))
    with pytest.raises(ValueError, match="no change has an estimate"):
        score(measured, np.full_like(measured, np.nan), 1.0, RATE)


def test_less_than_a_minute_has_no_interval() -> None:
    found = [
        score(part, part + 1, 1.0, RATE) for part in (_changes(0, 1, 1250), _changes(0, 2, 750))
    ]
    assert [np.isnan(one["low"]) for one in found] == [True, False]
    assert np.isfinite([one["r2"] for one in found]).all()


def test_a_signal_that_does_not_change_has_no_r2() -> None:
    found = score(np.zeros((1, 500)), _changes(0, 1, 500), 1.0, RATE)
    assert np.isnan(found["r2"])
    assert found["rmse"] > 0


def test_unrelated_signals_exceed_the_line_at_one_frequency_in_twenty() -> None:
    above = [
        (found.value[1:-1] > found.significance).mean()
        for seed in range(60)
        for found in [coherence(*_changes(seed, 2, 3000), RATE)]
    ]
    assert np.mean(above) == pytest.approx(0.05, abs=0.015)


def test_coherence_shows_the_frequencies_that_two_signals_share() -> None:
    measured, noise = _changes(0, 2, 6000)
    low = signal.sosfiltfilt(signal.butter(6, 4, output="sos", fs=RATE), measured)
    found = coherence(measured, low + 0.05 * noise, RATE)
    assert found.frequency[-1] == RATE / 2
    assert (found.value[found.frequency < 3] > 0.95).all()
    assert np.mean(found.value[found.frequency > 8] > found.significance) < 0.2


@pytest.mark.parametrize(
    ("length", "value", "message"), [(200, 0.0, "at least 256"), (600, np.nan, "not finite")]
)
def test_signals_without_a_coherence_are_refused(length: int, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        coherence(np.full(length, value), np.ones(length), RATE)


def _cnn() -> StateCnn:
    torch.manual_seed(0)
    return StateCnn(StateCnnParameters("A", 2, shape=(24, 48))).eval()


def test_a_cnn_estimates_each_pair_of_a_sequence(store: Path) -> None:
    network, frames = _cnn(), Trials(store).frames(0, 0, 40)
    found = estimate_changes(network, frames)
    assert found.shape == (39, 3)
    for number in (0, 15, 16, 38):
        pair = torch.from_numpy(frames[number : number + 2])[None]
        np.testing.assert_allclose(found[number], network.changes(pair)[0].detach(), atol=1e-4)
    assert estimate_changes(network, frames[:1]).shape == (0, 3)
    rounded = estimate_changes(network, frames, half=True)
    assert 0 < np.sqrt(((rounded - found) ** 2).mean()) < 0.03 * found.std()
    with pytest.raises(ValueError, match="extract the region at that size"):
        estimate_changes(network, frames[:, :20])


def test_a_feature_network_carries_points_and_window(store: Path) -> None:
    torch.manual_seed(0)
    network = FeatureNetwork(FeatureNetworkParameters(window=11, points=4)).eval()
    network.integration_points.copy_(torch.tensor([[6, 12], [6, 36], [18, 12], [18, 36]]))
    frames = Trials(store).frames(0, 0, 5).copy()
    frames[3] = 0
    found = estimate_changes(network, frames)
    points = network.integration_points.numpy()
    features = torch.from_numpy(motion_features(frames, points, 11))
    np.testing.assert_allclose(found, network.changes(features).detach(), rtol=1e-6)
    assert np.isfinite(found[:2]).all()
    assert np.isnan(found[2:]).all()


def test_tasks_are_evaluated_apart_and_undriven_signals_have_no_r2(
    store: Path, tmp_path: Path
) -> None:
    dataset = sequences.open(store).isel(sequence=[0, 1, 2]).load()
    sequences.write(dataset.assign(task=dataset.task.copy(data=[0, 1, 2])), tmp_path / "a.zarr")
    trials, network = Trials(tmp_path / "a.zarr"), _cnn()
    found = [estimate_changes(network, trials.frames(number, 0, 121)) for number in range(3)]
    sd = np.array([0.01, 2.0, 0.5])
    table = evaluate(found, trials, [0, 1, 2], sd).set_index(["task", "signal"])
    assert list(table.index.levels[0]) == ["all", "combined", "isometric", "passive"]
    assert table.r2.isna().sum() == 2
    assert np.isnan(table.r2["passive", "emg"])
    assert np.isnan(table.r2["isometric", "angle"])
    expected = r2_score(trials.changes([2])[0, :, 1], found[2][:, 1])
    assert table.r2["combined", "torque"] == pytest.approx(expected, rel=1e-4)
    errors = (found[2][:, 1] - trials.changes([2])[0, :, 1]) / 2.0
    assert table.mse["combined", "torque"] == pytest.approx((errors**2).mean(), rel=1e-4)
    assert table.unit["all", "torque"] == "N m"


def test_estimators_give_the_changes_of_their_mixture(store: Path) -> None:
    frames = Trials(store).frames(0, 0, 30)
    settings = PAPER_3.changed(shape=(24, 48), components=(4, 4), features=8, dilations=(1,))
    networks = [StateEstimator(settings).eval() for _ in range(2)]
    found = estimate_changes(networks, frames)
    np.testing.assert_array_equal(found, estimate(frame_features(frames), networks).change[1:])
    assert found.shape == (29, 3)
