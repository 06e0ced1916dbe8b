from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from musclelib.recordings.signals import (
    read_image_geometry,
    read_push_data,
    read_signals,
    sample_by_index,
    sample_by_time,
)
from musclelib.recordings.video import open_video


def _ramp(start: float = 2.0, count: int = 101) -> xr.Dataset:
    time = start + np.arange(count) / 100
    return xr.Dataset({"torque": ("time", 3 * time - 1)}, {"time": time})


@given(count=st.integers(1, 20), start=st.floats(2, 2.5), rate=st.floats(50, 200))
def test_interpolation_is_exact_on_a_ramp(count: int, start: float, rate: float) -> None:
    times = start + np.arange(count) / rate
    np.testing.assert_allclose(sample_by_time(_ramp(), times)["torque"], 3 * times - 1, rtol=1e-12)


def test_index_and_time_agree_on_samples() -> None:
    signals, index = _ramp(), [0, 3, 3, 100]
    by_index = sample_by_index(signals, index)
    by_time = sample_by_time(signals, signals["time"].values[index])
    np.testing.assert_allclose(by_index["torque"], by_time["torque"])


def test_signals_that_do_not_cover_the_video() -> None:
    with pytest.raises(ValueError, match=r"they begin 0\.5 s after its first frame$"):
        sample_by_time(_ramp(), [1.5, 2.5])
    with pytest.raises(ValueError, match=r"they end 1\.25 s before its last frame$"):
        sample_by_time(_ramp(), [2.0, 4.25])
    with pytest.raises(
        ValueError, match=r"begin 1 s after its first frame and end 1 s before its last frame"
    ):
        sample_by_time(_ramp(), [1.0, 4.0])


@pytest.mark.parametrize("rate", [100, 1000, 2000, 10_000])
def test_times_in_milliseconds_are_refused(tmp_path: Path, rate: int) -> None:
    clock = np.arange(0, 6, 1 / rate)
    table = pd.DataFrame({"time": 1000 * clock, "torque": 10 * np.sin(2 * np.pi * 0.2 * clock)})
    table.to_csv(tmp_path / "a.csv", index=False)
    frames = np.arange(300) / 60
    with pytest.raises(
        ValueError,
        match=r"last 59\d\d.* s with a sample every .* their times are likely in ms; divide",
    ):
        sample_by_time(read_signals(tmp_path / "a.csv"), frames)
    table["time"] /= 1000
    table.to_csv(tmp_path / "a.csv", index=False)
    sampled = sample_by_time(read_signals(tmp_path / "a.csv"), frames)
    np.testing.assert_allclose(sampled["torque"], 10 * np.sin(2 * np.pi * 0.2 * frames), atol=1e-3)


@pytest.mark.parametrize(
    ("rate", "lasts", "video_rate", "count"),
    [
        (100, 60, 61, 300),  # torque beside a scanner's video
        (50, 60, 61, 300),  # a little slower than the frames
        (100, 600, 200, 40),  # a clip of 0.2 s of a trial of ten minutes
        (2000, 3600, 61, 300),  # EMG of an hour
    ],
)
def test_sound_signals_are_taken(rate: int, lasts: float, video_rate: int, count: int) -> None:
    clock = np.arange(0, lasts, 1 / rate)
    frames = 20 + np.arange(count) / video_rate
    signals = xr.Dataset({"torque": ("time", 2 * clock)}, {"time": clock})
    np.testing.assert_allclose(sample_by_time(signals, frames)["torque"], 2 * frames)


def test_slow_signals_are_taken_with_a_warning() -> None:
    clock = np.arange(0, 60, 0.1)
    signals = xr.Dataset({"angle": ("time", -clock)}, {"time": clock})
    with pytest.warns(
        UserWarning, match=r"a sample every 0\.1 s, the video a frame every 0\.0164 s"
    ):
        sampled = sample_by_time(signals, np.arange(300) / 61)
    np.testing.assert_allclose(sampled["angle"], -np.arange(300) / 61, atol=1e-12)


@given(place=st.integers(150, 360), missing=st.integers(6, 100))
def test_a_gap_within_the_video_is_refused(place: int, missing: int) -> None:
    clock = np.arange(0, 10, 0.01)
    clock = np.delete(clock, np.arange(place, place + missing))
    signals = xr.Dataset({"torque": ("time", clock)}, {"time": clock})
    frames = np.arange(61 * 3) / 61
    size, at = f"{(missing + 1) / 100:.3g}", f"{(place - 1) / 100:.6g}"
    with pytest.raises(
        ValueError,
        match=f"a gap of {size} s at {at} s, within the video, where samples come every 0.01",
    ):
        sample_by_time(signals, 1 + frames)
    # another part
    np.testing.assert_allclose(sample_by_time(signals, 6 + frames)["torque"], 6 + frames)


def test_a_few_lost_samples_are_no_gap() -> None:
    clock = np.delete(np.arange(0, 10, 0.01), [200, 201, 202, 500])
    signals = xr.Dataset({"torque": ("time", clock)}, {"time": clock})
    frames = 1 + np.arange(300) / 61
    np.testing.assert_allclose(sample_by_time(signals, frames)["torque"], frames)


def test_clock_must_ascend() -> None:
    with pytest.raises(ValueError, match="do not ascend"):
        sample_by_time(_ramp().isel(time=slice(None, None, -1)), [2.5])


@pytest.mark.parametrize(
    ("index", "message"), [([0, 101], "101 has no sample"), ([-1], "-1 has"), ([0.5], "whole")]
)
def test_impossible_frame_index(index: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample_by_index(_ramp(), index)


def test_csv_round_trip(tmp_path: Path) -> None:
    signals = _ramp()
    signals["emg"] = ("time", np.random.default_rng(0).normal(size=101) * 1e-5)
    signals.to_dataframe().to_csv(tmp_path / "a.csv")
    xr.testing.assert_allclose(read_signals(tmp_path / "a.csv"), signals, rtol=1e-14)


def test_csv_columns_in_any_order_and_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("angle,time,torque,angular_velocity\n1,0,-2,5\n3,0.5,-4,6\n")
    signals = read_signals(tmp_path / "a.csv")
    assert set(signals.data_vars) == {"angle", "torque", "angular_velocity"}
    assert signals["angle"].dims == ("time",)
    assert sample_by_time(signals, [0.25])["angle"].item() == 2
    assert sample_by_time(signals, [0.25])["torque"].item() == -3


def test_csv_with_a_comma_at_the_end_of_its_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,torque\n5,1,\n6,2,\n")
    signals = read_signals(tmp_path / "a.csv")
    assert (signals["time"].values.tolist(), signals["torque"].values.tolist()) == ([5, 6], [1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "time,force\n0,1\n",
            r"has the columns \['time', 'force'\]; needed are time and some of torque, angle",
        ),
        ("torque,angle\n0,1\n", "needed are time and some of torque, angle, angular_velocity, emg"),
        ("time\n0\n", r"has the columns \['time'\]"),
        ("time;torque\n0;1\n", "has the columns"),
        ("time,torque,torque\n0,1,2\n", "has the columns"),
        ("time,torque\n0,1,2\n1,2,3\n", "cannot be read as CSV: Length of header"),
        ("time,torque\n0,1\n1,2,3\n", "cannot be read as CSV"),
        ("time,torque\n0,1\n1,\n", "column torque holds something that is not a finite number"),
        ("time,torque\n0,1\n1,inf\n", "column torque holds something that is not a finite number"),
        ("time,torque\n0,strong\n", "column torque holds something that is not a finite number"),
        ("time,torque\n0,True\n", "column torque holds something that is not a finite number"),
        ("time,torque\nnoon,1\n", "column time holds something that is not a finite number"),
        ("time,torque\n", "holds something that is not a finite number"),
        ("", "cannot be read as CSV"),
    ],
)
def test_csv_that_is_impossible(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_signals(tmp_path / "a.csv")
    assert "a.csv" in str(error.value)


def test_csv_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*a\.csv"):
        read_signals(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(b"\x89PNG\xff\xfe\x00\x80")
    with pytest.raises(ValueError, match=r"a\.csv"):
        read_signals(tmp_path / "a.csv")


def _write_push(path: Path) -> None:
    count = 300
    push = {
        "TOR": np.arange(count) * 1.0,
        "POS": np.arange(count) * 2.0,
        "VEL": np.arange(count) * 3.0,
        "time": np.arange(count) / 100,
        "frameInds": np.array([1, 255], np.uint8),  # one more would overflow
    }
    scipy.io.savemat(path, {"clips": {"p1_test_01": {"push_01": push}}})


def test_push_data_round_trip(tmp_path: Path) -> None:
    _write_push(tmp_path / "a.mat")
    clips = read_push_data(tmp_path / "a.mat")
    assert list(clips) == ["p1_test_01_push_01"]
    signals = clips["p1_test_01_push_01"]
    taken = sample_by_index(signals, signals["frame_index"])
    assert taken["torque"].values.tolist() == [0, 254]
    assert taken["angle"].values.tolist() == [0, 508]
    assert taken["angular_velocity"].values.tolist() == [0, 762]
    assert taken["time"].values.tolist() == [0, 2.54]
    assert (taken["torque"].units, taken["angle"].units, taken["angular_velocity"].units) == (
        "N m",
        "deg",
        "deg/s",
    )


def test_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mat"):
        read_push_data(tmp_path / "nowhere.mat")
    (tmp_path / "a.mat").write_text("not a MAT file")
    with pytest.raises(ValueError, match="cannot be read as a MAT file"):
        read_push_data(tmp_path / "a.mat")
    scipy.io.savemat(tmp_path / "b.mat", {"x": 1})
    with pytest.raises(ValueError, match="has no struct 'clips'"):
        read_push_data(tmp_path / "b.mat")
    scipy.io.savemat(tmp_path / "c.mat", {"clips": {"trial": 1}, "Params": {"nx": 1}})
    with pytest.raises(ValueError, match="not laid out as clips"):
        read_push_data(tmp_path / "c.mat")
    with pytest.raises(ValueError, match="Params has no field 'ulcornerx'"):
        read_image_geometry(tmp_path / "c.mat")


def test_pixels_must_be_square(tmp_path: Path) -> None:
    params = {"ulcornerx": 1, "ulcornery": 2, "nx": 3, "ny": 4, "px2mmX": 0.1, "px2mmY": 0.2}
    scipy.io.savemat(tmp_path / "a.mat", {"Params": params})
    with pytest.raises(ValueError, match="not square"):
        read_image_geometry(tmp_path / "a.mat")


def test_real_geometry(recording: Callable[[str], Path]) -> None:
    geometry = read_image_geometry(recording("gm_torque_angle/p6_params.mat"))
    assert geometry.crop == (215, 45, 720, 574)
    assert geometry.pixel_size == pytest.approx(0.0883, abs=1e-4)


def test_real_signals_fit_their_videos(recording: Callable[[str], Path]) -> None:
    clips = read_push_data(recording("gm_torque_angle/AGR003_push_data.mat"))
    for name in (
        "p6_passive_ROM_01_push_01",
        "p6_isometric_max_01_push_02",
        "p6_isokinetic500_01_push_01",
    ):
        signals = clips[name]
        video = open_video(recording(f"gm_torque_angle/{name}.mp4"), pixel_size=1)
        assert signals.sizes["frame"] == video.frame_count
        np.testing.assert_allclose(np.diff(signals["time"]), 0.01, atol=1e-6)
        times = sample_by_index(signals, signals["frame_index"])["time"].values
        # the index map keeps the clock of the signals, 61 frames a second within the rounding to 10
        # ms
        np.testing.assert_allclose(times - times[0], video.time, atol=0.06)
    passive = clips["p6_passive_ROM_01_push_01"]
    assert passive["angle"].values[0] == pytest.approx(19.9, abs=0.1)
    assert passive["angle"].values[-1] == pytest.approx(-31.7, abs=0.1)


def test_emg_is_the_mean_rectified_value_about_each_frame() -> None:
    """The rectified mean of a 50 Hz sine, at 20 frames a second, is 2 / pi of its amplitude."""
    clock = np.arange(0, 2.0005, 0.0005)
    signals = xr.Dataset(
        {"emg": ("time", 3 * np.sin(2 * np.pi * 50 * clock)), "torque": ("time", clock)},
        {"time": clock},
    )
    frames = np.arange(0, 2.0, 0.05)
    sampled = sample_by_time(signals, frames)
    np.testing.assert_allclose(sampled["emg"][1:-1], 3 * 2 / np.pi, rtol=5e-3)
    np.testing.assert_allclose(sampled["torque"], frames, atol=1e-9)
