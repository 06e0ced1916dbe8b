from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musclelib.muscle_state.estimator import (
    Features,
    check_video,
    estimate,
    frame_features,
    fuse,
)
from musclelib.muscle_state.estimator_recipe import TRAINING, train_estimators
from musclelib.muscle_state.state_windows import KnownSequence
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters

_SHAPE = (72, 144)


def _tissue() -> np.ndarray:
    pattern = np.random.default_rng(0).integers(0, 255, (30, 60))
    return np.kron(pattern, np.ones((4, 4)))


def _frames(shift: np.ndarray) -> list[np.ndarray]:
    """Return frames of tissue that has moved along lateral by whole pixels."""
    tissue, (height, width) = _tissue(), _SHAPE
    starts = 60 - np.asarray(shift).astype(int)
    return [tissue[20 : 20 + height, s : s + width].astype(np.uint8) for s in starts]


def _shift(seed: int, frames: int = 60) -> np.ndarray:
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    return np.round(20 * np.sin(2 * np.pi * np.arange(frames) / 40 + phase))


def _sequence(seed: int) -> KnownSequence:
    shift = _shift(seed)
    state = np.stack([2 * shift, 10 - shift], axis=1).astype(np.float32)
    return KnownSequence(frame_features(_frames(shift)), state)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[StateEstimator]:
    folder: Path = tmp_path_factory.mktemp("runs")
    settings = StateEstimatorParameters(
        shape=_SHAPE,
        pixel_size=(0.1, 0.1),
        frame_rate=25.0,
        appearance=912,
        motion=144,
        signals=("torque", "angle"),
        components=(10, 4),
        features=16,
        dilations=(1, 2),
    )
    short = TRAINING.changed(steps=200, batch=8)
    return train_estimators([_sequence(n) for n in range(6)], settings, folder, 2, short)


def test_motion_features_are_the_known_shift_and_the_first_row_is_zero() -> None:
    features = frame_features(_frames(np.array([0, 1, 3, 3])))
    assert features.appearance.shape == (4, 912)
    assert np.all(features.motion[0] == 0)
    lateral = np.median(features.motion[:, 72:], axis=1)
    np.testing.assert_allclose(lateral, [0, 1, 2, 0], atol=0.1)
    np.testing.assert_allclose(np.median(features.motion[:, :72], axis=1), 0, atol=0.05)


@pytest.mark.parametrize("angle", [-35.0, -10.0, 20.0, 45.0])
def test_orientation_features_have_twice_the_angle_of_the_gradients(angle: float) -> None:
    depth, lateral = np.mgrid[:72, :144]
    across = lateral * np.cos(np.radians(angle)) + depth * np.sin(np.radians(angle))
    frame = (127 + 100 * np.sin(across / 2)).astype(np.uint8)
    cosine, sine = frame_features([frame]).appearance[0, 768:].reshape(2, 6, 12)
    found = np.degrees(np.arctan2(sine, cosine)) / 2
    np.testing.assert_allclose(found[1:-1, 1:-1], angle, atol=1.5)


def test_signals_of_an_unseen_sequence_are_found_with_their_changes(networks) -> None:
    features, true = _sequence(77)
    found = estimate(features, networks)
    for signal in range(2):
        assert np.corrcoef(found.state[:, signal], true[:, signal])[0, 1] > 0.98
        change = np.corrcoef(found.change[1:, signal], np.diff(true[:, signal]))[0, 1]
        assert change > 0.9
    # the error does not grow: its last half is no larger than its first
    error = np.abs(found.state - true).mean(axis=1)
    assert error[30:].mean() < 2 * error[:30].mean() + 1


def test_a_clip_without_motion_has_a_constant_state(networks) -> None:
    found = estimate(frame_features(_frames(np.full(30, 8))), networks)
    assert np.ptp(found.state, axis=0).max() < 1
    assert np.abs(found.state.mean(axis=0) - [16, 2]).max() < 6


def test_a_corrupt_frame_is_stated_and_bridged(networks) -> None:
    shift = _shift(78)
    frames = _frames(shift)
    whole = estimate(frame_features(frames), networks)
    frames[30] = np.random.default_rng(1).integers(0, 255, _SHAPE).astype(np.uint8)
    found = estimate(frame_features(frames), networks)
    assert found.confidence[30] < 0.5 * whole.confidence[30]
    assert found.state_sd[30, 0] > 2 * whole.state_sd[30, 0]
    # the frames around it are not misled: the signals range over 80 and 40
    assert np.abs(found.state - whole.state).max(axis=0)[0] < 8
    assert np.abs(found.state - whole.state).max(axis=0)[1] < 4


def test_a_muscle_that_leaves_the_view_has_a_low_confidence(networks) -> None:
    frames = _frames(_shift(79))
    empty = [np.full(_SHAPE, 3, np.uint8)] * 20
    found = estimate(frame_features(frames[:30] + empty), networks)
    assert found.confidence[31:].max() < 0.1
    assert found.confidence[:28].min() > 0.2
    assert np.isfinite(found.state).all()


def test_the_path_of_least_squares_is_that_of_the_normal_equations() -> None:
    rng = np.random.default_rng(0)
    state, change = rng.normal(size=(2, 12, 1))
    state_sd, change_sd = rng.uniform(0.5, 2, size=(2, 12, 1))
    rows = np.diff(np.eye(12), axis=0) / (np.sqrt(10) * change_sd[1:])
    matrix = np.concatenate([np.eye(12) / state_sd, rows])
    wanted = np.concatenate([state / state_sd, change[1:] / (np.sqrt(10) * change_sd[1:])])
    expected = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
    np.testing.assert_allclose(fuse(state, state_sd, change, change_sd), expected, atol=1e-9)


def test_other_features_and_other_videos_are_refused(networks) -> None:
    good = frame_features(_frames(np.zeros(3)))
    with pytest.raises(ValueError, match=r"motion of shape \(3, 10\): the network takes"):
        estimate(Features(good.appearance, good.motion[:, :10]), networks)
    with pytest.raises(ValueError, match="none is given"):
        estimate(good, [])
    check_video(networks[0].settings, _SHAPE, (0.1, 0.1), 25.0)
    with pytest.raises(ValueError, match="frames of"):
        check_video(networks[0].settings, (10, 10), (0.1, 0.1), 25.0)
    with pytest.raises(ValueError, match="pixels of"):
        check_video(networks[0].settings, _SHAPE, (0.01, 0.01), 25.0)
    with pytest.raises(ValueError, match="frame rate of 61 Hz: the estimator was trained at 25"):
        check_video(networks[0].settings, _SHAPE, (0.1, 0.1), 61.0)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "the video has no frames"),
        ([np.zeros(_SHAPE)], "frame 0 is float64"),
        ([np.zeros(_SHAPE, np.uint8), np.zeros((9, 9), np.uint8)], r"frame 1 is uint8 of shape"),
    ],
)
def test_frames_that_cannot_be_used_are_refused(frames: list[np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frame_features(frames)
