from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io
import xarray as xr

from musclelib.muscle_state import real_clips
from musclelib.muscle_state.real_clips import clip_state, read_clips

NAME = "p6_isometric_max_01_push_01"
FRAMES = 24


def _push(frames: int = FRAMES, **changed: np.ndarray) -> dict[str, np.ndarray]:
    """Signals of a push at 100 Hz, with the sample of each frame counted from 1."""
    time = np.arange(100) / 100
    index = np.round(np.arange(frames) / real_clips.FRAME_RATE * 100).astype(int) + 1
    signals = {"TOR": 80 * np.sin(time), "POS": 20 * time, "VEL": 0 * time + 20.0}
    return signals | {"time": time, "frameInds": index.astype(np.uint16)} | changed


def _folder(path: Path, push: dict[str, np.ndarray], frames: int = FRAMES) -> Path:
    """A folder as the data set has it, with one clip of a pattern that moves."""
    path.mkdir(exist_ok=True)
    clips = {"p6_isometric_max_01": {"push_01": push}}
    scipy.io.savemat(path / "AGR003_push_data.mat", {"clips": clips})
    geometry = {"ulcornerx": 4, "ulcornery": 2, "nx": 120, "ny": 100}
    params = geometry | {"px2mmX": 0.0883, "px2mmY": 0.0883}
    scipy.io.savemat(path / "p6_params.mat", {"Params": params})
    texture = np.random.default_rng(0).integers(0, 255, (40, 60)).astype(np.uint8)
    texture = cv2.resize(texture, (240, 160), interpolation=cv2.INTER_CUBIC)
    film = cv2.VideoWriter(
        str(path / f"{NAME}.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 61, (160, 120)
    )
    for shift in range(frames):
        view = texture[10 : 10 + 120, shift : shift + 160]
        film.write(cv2.cvtColor(view, cv2.COLOR_GRAY2BGR))
    film.release()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return _folder(tmp_path / "clips", _push())


def test_a_clip_has_its_signals_at_its_frames_and_the_motion_of_its_pattern(folder, tmp_path):
    (clip,) = read_clips(folder, tmp_path / "cache").values()
    assert clip.kind == "isometric"
    times = (np.round(np.arange(FRAMES) / 61 * 100)) / 100
    assert clip.sequence.state == pytest.approx(np.stack([80 * np.sin(times), 20 * times], axis=1))
    lateral = clip.sequence.features.motion[1:, 72:]
    assert np.median(lateral) == pytest.approx(-1, abs=0.2)  # the view moves to the right
    assert abs(clip.displacement[-1]) == pytest.approx((FRAMES - 1) * 0.0883, rel=0.35)


def test_features_are_made_once_and_anew_for_another_file_of_the_same_name(folder, tmp_path):
    cache = tmp_path / "cache"
    read_clips(folder, cache)
    (kept,) = cache.iterdir()
    about = kept.stat().st_mtime_ns
    read_clips(folder, cache)
    assert kept.stat().st_mtime_ns == about
    path = folder / f"{NAME}.mp4"
    path.write_bytes(path.read_bytes() + b"\0")
    read_clips(folder, cache)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    assert {file.name for file in cache.iterdir()} == {kept.name, f"{NAME}-{digest}.npz"}


def test_a_clip_and_signals_of_different_length_are_refused(tmp_path):
    folder = _folder(tmp_path / "clips", _push(FRAMES + 3))
    with pytest.raises(ValueError, match=f"{FRAMES} frames, but {FRAMES + 3} values"):
        read_clips(folder, tmp_path / "cache")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time": np.arange(100) * 10.0}, "0.06.* frames a second"),  # in ms
        ({"frameInds": np.arange(1, FRAMES + 1)}, "100 frames a second"),  # one sample a frame
        ({"frameInds": np.arange(FRAMES, 0, -1)}, "times that ascend"),
        ({"TOR": np.full(100, np.nan)}, "not finite"),
    ],
)
def test_a_clock_of_another_rate_and_values_that_are_missing_are_refused(changed, message):
    push = _push(**changed)
    names = {"torque": "TOR", "angle": "POS", "angular_velocity": "VEL"}
    signals = xr.Dataset(
        {name: ("time", push[field]) for name, field in names.items()}, {"time": push["time"]}
    ).assign(frame_index=("frame", push["frameInds"].astype(int) - 1))
    with pytest.raises(ValueError, match=f"clip {NAME}: .*{message}"):
        clip_state({NAME: signals}, NAME)


@pytest.mark.parametrize(
    ("field", "factor", "name"), [("POS", np.pi / 180, "angle"), ("TOR", 1000.0, "torque")]
)
def test_radians_and_millinewton_metres_are_refused(tmp_path, field, factor, name):
    push = _push()
    folder = _folder(tmp_path / "clips", push | {field: push[field] * factor})
    with pytest.raises(ValueError, match=f"{name} varies by .* another unit"):
        read_clips(folder, tmp_path / "cache")


def test_a_clip_that_is_missing_is_named(folder, tmp_path):
    with pytest.raises(ValueError, match="p6_passive_ROM_01_push_09: no signals"):
        read_clips(folder, tmp_path / "cache", ["p6_passive_ROM_01_push_09"])
    (folder / f"{NAME}.mp4").unlink()
    with pytest.raises(FileNotFoundError, match=NAME):
        read_clips(folder, tmp_path / "cache", [NAME])


def test_a_clip_that_is_cut_off_is_refused_and_leaves_no_features(folder, tmp_path):
    path = folder / f"{NAME}.mp4"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=NAME):
        read_clips(folder, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*"))


def test_a_folder_without_clips_or_signals_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"AGR003_push_data\.mat"):
        read_clips(tmp_path, tmp_path / "cache")
