"""Signals of another length, clock or unit than the video."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from musclelib.muscle_state.own_video import measure_video, open_own_video, signals_at_frames

CROP = (0, 0, 320, 240)


def write(path, start=-0.1, stop=0.5, rate=1000.0, **signals):
    """Signals by functions of time [s]."""
    time = np.arange(round((stop - start) * rate)) / rate + start
    pd.DataFrame({"time": time, **{name: f(time) for name, f in signals.items()}}).to_csv(
        path, index=False
    )
    return path


def test_signals_are_taken_to_the_frames_and_stay_with_the_measures(tmp_path, film):
    own = open_own_video(film, crop=CROP)
    path = write(tmp_path / "s.csv", start=4, stop=6, torque=lambda t: 50 * t, emg=np.zeros_like)
    signals = signals_at_frames(own, path, start=5.0)
    np.testing.assert_allclose(signals.torque, 50 * (5 + np.arange(12) / 50))
    assert (signals.torque.units, signals.emg.units) == ("N m", "V")
    both = measure_video(own, signals)
    np.testing.assert_array_equal(both.torque, signals.torque)


def test_a_range_of_time_takes_the_signals_of_its_own_frames(tmp_path, film):
    own = open_own_video(film, crop=CROP, first=0.1)
    path = write(tmp_path / "s.csv", angle=lambda t: 100 * t)
    np.testing.assert_allclose(signals_at_frames(own, path).angle, 100 * own.time)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"start": 0, "stop": 0.1}, r"end 0.12\d? s before its last frame; signals_start = 0 s"),
        ({"start": 5, "stop": 6}, "begin 5 s after its first frame"),
    ],
)
def test_signals_that_do_not_cover_the_video_are_refused(tmp_path, film, given, message):
    path = write(tmp_path / "s.csv", torque=np.zeros_like, **given)
    with pytest.raises(ValueError, match=message):
        signals_at_frames(open_own_video(film, crop=CROP), path)


def test_a_clock_in_milliseconds_is_refused(tmp_path, film):
    path = write(tmp_path / "s.csv", start=-1, stop=500, rate=1.0, torque=np.zeros_like)
    with pytest.raises(ValueError, match="their times are likely in ms"):
        signals_at_frames(open_own_video(film, crop=CROP), path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("torque", 90_000.0, "torque reaches 90000 N m.*convert it to N m"),
        ("emg", 120.0, "emg reaches 120 V"),
        ("angle", 720.0, "angle reaches 720 deg"),
    ],
)
def test_values_in_another_unit_are_refused(tmp_path, film, name, value, message):
    path = write(tmp_path / "s.csv", **{name: lambda t: np.full_like(t, value)})
    with pytest.raises(ValueError, match=message):
        signals_at_frames(open_own_video(film, crop=CROP), path)


def test_the_public_recording_maps_each_frame_to_a_sample(data_mirror):
    folder = f"{data_mirror}/gm_torque_angle"
    own = open_own_video(
        f"{folder}/p6_passive_ROM_01_push_01.mp4", crop=(215, 45, 720, 574), first=1, last=2
    )
    signals = signals_at_frames(own, f"{folder}/AGR003_push_data.mat")
    assert signals.sizes["time"] == len(own)
    assert np.ptp(signals.angle.values) > 1


def test_a_public_recording_of_another_clip_is_refused(data_mirror, film):
    with pytest.raises(ValueError, match="has no clip 'turning'; it has p6_"):
        signals_at_frames(
            open_own_video(film, crop=CROP),
            f"{data_mirror}/gm_torque_angle/AGR003_push_data.mat",
        )
