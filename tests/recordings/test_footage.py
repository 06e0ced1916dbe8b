from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from musclelib import sequences
from musclelib.acquisition.optical_flow import mean_displacement, tissue_velocity
from musclelib.recordings.footage import video_sequence
from musclelib.recordings.signals import (
    read_image_geometry,
    read_push_data,
    sample_by_index,
    sample_by_time,
)
from musclelib.recordings.video import Video, open_video

RATE, PIXEL, COUNT = 50.0, 0.1, 6


@pytest.fixture
def video(tmp_path: Path) -> Video:
    """A folder of images of speckle that moves 2 px deeper and 3 px to the left each frame."""
    speckle = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(160, 180)), 2.5)
    speckle = 128 + 50 * speckle / speckle.std()
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(COUNT):
        view = ndimage.shift(speckle, (2.0 * number, -3.0 * number), mode="reflect")[30:-30, 30:-30]
        cv2.imwrite(str(folder / f"{number}.png"), view.clip(0, 255).round().astype(np.uint8))
    return open_video(folder, pixel_size=PIXEL, frame_rate=RATE)


def _signals(count: int) -> xr.Dataset:
    values = np.arange(count) * 1.0
    return xr.Dataset(
        {"torque": ("time", values), "angle": ("time", -values)}, {"time": values / RATE + 3}
    )


def test_known_shift_with_signals(video: Video) -> None:
    made = video_sequence(video, _signals(COUNT), source="test, CC0")
    sequences.check(made)
    assert made["velocity"].shape == made["intensity"].shape == (1, COUNT - 1, 100, 120)
    inside = made.isel(sequence=0, depth=slice(12, -12), lateral=slice(12, -12))
    # deeper: from the probe
    assert float(inside["velocity"].median()) == pytest.approx(-2 * PIXEL * RATE, rel=0.08)
    assert float(inside["lateral_velocity"].median()) == pytest.approx(-3 * PIXEL * RATE, rel=0.08)
    frames = np.concatenate(list(video.chunks()))
    np.testing.assert_array_equal(made["intensity"][0], frames[:-1])
    assert (made["intensity"].dtype, made["intensity"].units) == (np.uint8, "1")
    assert made["torque"].values.tolist() == [[0, 1, 2, 3, 4]]
    assert made["angle"].values.tolist() == [[0, -1, -2, -3, -4]]
    assert (made["torque"].units, made["angle"].units) == ("N m", "deg")
    assert float(made["velocity_mean"][0]) == pytest.approx(
        made["velocity"].values.astype(float).mean()
    )
    assert float(made["velocity_sd"][0]) == pytest.approx(
        made["velocity"].values.astype(float).std()
    )


def test_grid_and_provenance(video: Video) -> None:
    made = video_sequence(video, None, source="test, CC0")
    assert set(made.data_vars) == {
        "intensity",
        "velocity",
        "lateral_velocity",
        "velocity_mean",
        "velocity_sd",
    }
    # of the video, whatever the signals' clock
    np.testing.assert_allclose(made["time"], np.arange(COUNT - 1) / RATE)
    np.testing.assert_allclose(made["depth"][[0, -1]], [0.05, 9.95])
    np.testing.assert_allclose(made["lateral"][[0, -1]], [0.05, 11.95])
    assert (made.attrs["domain"], made.attrs["source"]) == ("recorded", "test, CC0")
    parameters = json.loads(made.attrs["parameters"])
    assert parameters == {
        "crop": [0, 0, 120, 100],
        "frame_rate": RATE,
        "pixel_size": [PIXEL, PIXEL],
    }


def test_uneven_frames_keep_their_times_and_have_no_rate(video: Video) -> None:
    """A video that shows 50 and then 10 frames a second, with a torque that rises by 1 N m/s."""
    times = np.array([0, 0.02, 0.04, 0.06, 0.16, 0.26])
    clock = np.arange(0, 4, 0.001)
    signals = xr.Dataset({"torque": ("time", clock)}, {"time": clock})
    made = video_sequence(
        replace(video, time=times), sample_by_time(signals, times + 3), source="test"
    )
    np.testing.assert_array_equal(made["time"], times[:-1])
    np.testing.assert_allclose(made["torque"][0], times[:-1] + 3)
    inside = (
        made["velocity"]
        .isel(sequence=0, depth=slice(12, -12), lateral=slice(12, -12))
        .median(("depth", "lateral"))
    )
    np.testing.assert_allclose(inside, [-10, -10, -10, -2, -2], rtol=0.08)
    with pytest.raises(sequences.SequenceError, match="frames are not even"):
        sequences.frame_rate(made)


@pytest.mark.parametrize("count", [1, COUNT - 1, COUNT + 1])
def test_signals_of_another_length(video: Video, count: int) -> None:
    with pytest.raises(
        ValueError, match=f"images: torque has {count} values for 6 frames; give one a frame"
    ):
        video_sequence(video, _signals(count), source="test")


def test_signals_that_a_sequence_does_not_know(video: Video) -> None:
    with pytest.raises(ValueError, match="unknown variable 'force'; allowed are"):
        video_sequence(video, _signals(COUNT).rename(torque="force"), source="test")


def test_one_frame_has_no_velocity(video: Video) -> None:
    for number in range(1, COUNT):
        (video.path / f"{number}.png").unlink()
    one = open_video(video.path, pixel_size=PIXEL, frame_rate=RATE)
    with pytest.raises(ValueError, match="has 1 frame; a velocity needs at least 2"):
        video_sequence(one, None, source="test")


def test_a_damaged_frame_is_named(video: Video) -> None:
    (video.path / "3.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=r"3\.png does not decode"):
        video_sequence(video, None, source="test")


def test_real_clip_with_torque_and_angle(recording: Callable[[str], Path]) -> None:
    name = "p6_isokinetic500_01_push_01"  # the shortest
    geometry = read_image_geometry(recording("gm_torque_angle/p6_params.mat"))
    signals = read_push_data(recording("gm_torque_angle/AGR003_push_data.mat"))[name]
    video = open_video(
        recording(f"gm_torque_angle/{name}.mp4"),
        pixel_size=geometry.pixel_size,
        crop=geometry.crop,
        shape=(64, 80),
    )
    at_frames = sample_by_index(signals, signals["frame_index"])
    made = video_sequence(video, at_frames, source="joshrbaxter/ultrasound_tracking")
    sequences.check(made)
    assert made["velocity"].shape == (1, video.frame_count - 1, 64, 80)
    assert {"torque", "angle", "angular_velocity"} <= set(made.data_vars)
    assert "frame_index" not in made
    np.testing.assert_array_equal(made["angle"][0], at_frames["angle"][:-1])
    flow = list(tissue_velocity(video))
    np.testing.assert_array_equal(
        made["velocity"][0], np.concatenate([part.axial for part in flow])
    )
    np.testing.assert_array_equal(
        made["lateral_velocity"][0], np.concatenate([part.lateral for part in flow])
    )
    # the muscle moves where the joint turns, and rests where it does not
    speed = np.abs(made["velocity"][0]).mean(("depth", "lateral"))
    turning = np.abs(made["angular_velocity"][0].values) > 100
    assert float(speed[turning].mean()) > 2 * float(speed[~turning].median())


@pytest.mark.parametrize(
    ("clip", "signal"),
    [("p6_passive_ROM_01_push_01", "angle"), ("p6_isometric_max_01_push_01", "torque")],
)
def test_real_muscle_moves_with_joint_and_torque(
    recording: Callable[[str], Path], clip: str, signal: str
) -> None:
    geometry = read_image_geometry(recording("gm_torque_angle/p6_params.mat"))
    signals = read_push_data(recording("gm_torque_angle/AGR003_push_data.mat"))[clip]
    video = open_video(
        recording(f"gm_torque_angle/{clip}.mp4"),
        pixel_size=geometry.pixel_size,
        crop=geometry.crop,
        shape=(287, 360),
    )
    displacement, direction = mean_displacement(video)
    at_frames = sample_by_index(signals, signals["frame_index"])
    assert np.corrcoef(displacement, at_frames[signal])[0, 1] < -0.98
    assert abs(direction[1]) > 0.95  # along the muscle
    assert 3 < np.ptp(displacement) < 15  # millimetres, as muscles do
