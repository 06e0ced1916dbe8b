from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from musclelib.acquisition.area_average import area_average
from musclelib.recordings import downloads
from musclelib.recordings.video import open_video, read_image

COUNT, HEIGHT, WIDTH = 23, 48, 64


def _frames() -> np.ndarray:
    """Smooth grey frames that move, every one different."""
    time, row, column = np.meshgrid(
        np.arange(COUNT), np.arange(HEIGHT), np.arange(WIDTH), indexing="ij"
    )
    return (128 + 100 * np.sin(0.2 * row + 0.3 * time) * np.cos(0.15 * column)).astype(np.uint8)


def _write_video(path: Path, frames: np.ndarray, codec: str, rate: float = 25.0) -> None:
    height, width = frames.shape[1:]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (width, height))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()


def _write_gif(path: Path, frames: np.ndarray, duration: int | list[int] = 40) -> None:
    first, *others = [Image.fromarray(frame) for frame in frames]
    first.save(path, save_all=True, append_images=others, duration=duration)


def _write_folder(path: Path, frames: np.ndarray, suffix: str) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("not an image")
    for number, frame in enumerate(frames):
        # frame_10 sorts before frame_2 as text
        cv2.imwrite(str(path / f"frame_{number}{suffix}"), frame)


def _all(video: object, frames: int = 32) -> np.ndarray:
    return np.concatenate(list(video.chunks(frames)))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "codec", "error"), [("a.avi", "FFV1", 0), ("a.avi", "MJPG", 12), ("a.mp4", "mp4v", 12)]
)
def test_video_files(tmp_path: Path, name: str, codec: str, error: int) -> None:
    frames = _frames()
    _write_video(tmp_path / name, frames, codec)
    video = open_video(tmp_path / name, pixel_size=0.1)
    assert (video.frame_count, video.frame_rate, video.shape) == (COUNT, 25.0, (HEIGHT, WIDTH))
    difference = _all(video).astype(int) - frames
    assert np.abs(difference).max() <= error


def test_gif(tmp_path: Path) -> None:
    _write_gif(tmp_path / "a.gif", _frames())
    video = open_video(tmp_path / "a.gif", pixel_size=0.1)
    assert video.frame_rate == pytest.approx(25)
    np.testing.assert_array_equal(_all(video), _frames())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".bmp"])
def test_image_folder_in_natural_order(tmp_path: Path, suffix: str) -> None:
    _write_folder(tmp_path / "images", _frames(), suffix)
    video = open_video(tmp_path / "images", pixel_size=0.1, frame_rate=30.0)
    np.testing.assert_array_equal(_all(video), _frames())


@pytest.mark.parametrize("frames", [1, 7, COUNT, 100])
def test_chunks_are_bounded_and_complete(tmp_path: Path, frames: int) -> None:
    _write_gif(tmp_path / "a.gif", _frames())
    chunks = list(open_video(tmp_path / "a.gif", pixel_size=0.1).chunks(frames))
    assert max(map(len, chunks)) == min(frames, COUNT)
    np.testing.assert_array_equal(np.concatenate(chunks), _frames())


def test_crop_grid_and_coordinates(tmp_path: Path) -> None:
    _write_gif(tmp_path / "a.gif", _frames())
    video = open_video(tmp_path / "a.gif", pixel_size=0.1, crop=(8, 4, 40, 30), shape=(10, 20))
    cropped = _frames()[:, 4:34, 8:48].astype(float)
    blocks = cropped.reshape(COUNT, 10, 3, 20, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(_all(video), blocks, atol=0.51)  # rounded to whole grey values
    assert video.pixel_size == pytest.approx((0.3, 0.2))
    np.testing.assert_allclose(video.depth[[0, -1]], [0.15, 2.85])
    np.testing.assert_allclose(video.lateral[[0, -1]], [0.1, 3.9])
    np.testing.assert_allclose(video.time[[0, -1]], [0, (COUNT - 1) / 25])


def test_colour_becomes_luminance(tmp_path: Path) -> None:
    colour = np.zeros((4, 5, 3), np.uint8)
    colour[..., 1] = 200  # green, whose weight is 0.587 (ITU-R BT.601)
    cv2.imwrite(str(tmp_path / "a.png"), colour)
    assert read_image(tmp_path / "a.png").tolist() == [[117] * 5] * 4


@given(rows=st.integers(1, 24), columns=st.integers(1, 30), level=st.integers(0, 255))
def test_area_average_keeps_mean_and_constants(rows: int, columns: int, level: int) -> None:
    values = np.random.default_rng(level).normal(size=(2, 24, 30)).astype(np.float32)
    averaged = area_average(values, (rows, columns))
    assert averaged.shape == (2, rows, columns)
    np.testing.assert_allclose(averaged.mean(axis=(1, 2)), values.mean(axis=(1, 2)), atol=1e-5)
    assert np.all(area_average(np.full((1, 24, 30), level, np.uint8), (rows, columns)) == level)


@pytest.mark.parametrize(
    "crop", [(-1, 0, 10, 10), (0, 0, WIDTH + 1, 10), (0, 40, 10, 9), (0, 0, 0, 10)]
)
def test_crop_outside_the_image(tmp_path: Path, crop: tuple[int, int, int, int]) -> None:
    _write_gif(tmp_path / "a.gif", _frames())
    with pytest.raises(ValueError, match="leaves the image of 64 x 48 px"):
        open_video(tmp_path / "a.gif", pixel_size=0.1, crop=crop)


def test_impossible_values(tmp_path: Path) -> None:
    _write_folder(tmp_path / "images", _frames(), ".png")
    with pytest.raises(ValueError, match="give frame_rate"):
        open_video(tmp_path / "images", pixel_size=0.1)
    with pytest.raises(ValueError, match="pixel_size = 0"):
        open_video(tmp_path / "images", pixel_size=0, frame_rate=30.0)
    with pytest.raises(ValueError, match="averaging only shrinks"):
        open_video(tmp_path / "images", pixel_size=0.1, frame_rate=30.0, shape=(49, 64))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mp4"):
        open_video(tmp_path / "nowhere.mp4", pixel_size=0.1)


def test_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all" * 100)
    with pytest.raises(ValueError, match="does not decode as a video"):
        open_video(tmp_path / "a.mp4", pixel_size=0.1)
    _write_video(tmp_path / "empty.avi", _frames()[:0], "MJPG")
    with pytest.raises(ValueError, match="has no frames"):
        open_video(tmp_path / "empty.avi", pixel_size=0.1)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="holds no images"):
        open_video(tmp_path / "folder", pixel_size=0.1)


def test_video_that_stops_in_the_middle(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 140, 160), dtype=np.uint8)
    path = tmp_path / "a.avi"
    _write_video(path, noise, "MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(
        UserWarning, match=r"a\.avi announces 40 frames, but \d\d decode: is it cut off\?"
    ):
        video = open_video(path, pixel_size=0.1)
    assert 10 < video.frame_count < 30
    assert len(_all(video)) == video.frame_count


def test_image_that_vanishes_after_opening(tmp_path: Path) -> None:
    _write_folder(tmp_path / "images", _frames(), ".png")
    video = open_video(tmp_path / "images", pixel_size=0.1, frame_rate=30.0)
    (tmp_path / "images" / "frame_22.png").unlink()
    with pytest.raises(ValueError, match="images stops after 22 of its 23 frames"):
        _all(video)


def test_times_of_a_gif_whose_frames_are_not_even(tmp_path: Path) -> None:
    delays = [50] * 11 + [200] * 12  # [ms]
    _write_gif(tmp_path / "a.gif", _frames(), delays)
    video = open_video(tmp_path / "a.gif", pixel_size=0.1)
    np.testing.assert_allclose(video.time, np.cumsum([0, *delays[:-1]]) / 1e3)
    assert video.frame_rate == pytest.approx(22 / 2.75)
    with pytest.raises(
        ValueError,
        match=r"a\.gif: its frames are 50 to 200 ms apart, which no frame_rate describes",
    ):
        open_video(tmp_path / "a.gif", pixel_size=0.1, frame_rate=20.0)


def test_even_gif_whose_clock_is_coarse(tmp_path: Path) -> None:
    """30 frames a second in hundredths of a second: delays of 30 and 40 ms."""
    _write_gif(
        tmp_path / "a.gif",
        _frames(),
        np.diff(np.round(np.arange(COUNT + 1) / 0.3) * 10).astype(int).tolist(),
    )
    assert open_video(tmp_path / "a.gif", pixel_size=0.1).frame_rate == pytest.approx(30, rel=2e-3)
    given = open_video(tmp_path / "a.gif", pixel_size=0.1, frame_rate=30.0)
    np.testing.assert_array_equal(given.time, np.arange(COUNT) / 30)


@pytest.mark.skipif(
    not shutil.which("ffmpeg"), reason="OpenCV writes no B-frames and no uneven times"
)
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", ["libx264", "-bf", "3"]),
        ("a.mkv", ["libx264", "-bf", "3"]),
        ("a.avi", ["mpeg4", "-bf", "2"]),
        ("a.avi", ["libx264", "-bf", "3"]),  # states no times for its last frames
        ("a.avi", ["mjpeg"]),
        ("a.avi", ["rawvideo"]),
    ],
)
def test_containers_and_frames_out_of_order(tmp_path: Path, name: str, codec: list[str]) -> None:
    _write_folder(tmp_path / "images", _frames(), ".png")
    source = [
        "ffmpeg",
        "-v",
        "error",
        "-framerate",
        "61",
        "-i",
        str(tmp_path / "images" / "frame_%d.png"),
    ]
    coded = ["-c:v", *codec, "-pix_fmt", "yuvj420p" if codec == ["mjpeg"] else "yuv420p"]
    subprocess.run([*source, *coded, str(tmp_path / name)], check=True)
    even = open_video(tmp_path / name, pixel_size=0.1)
    assert even.frame_rate == pytest.approx(61)
    np.testing.assert_allclose(even.time, np.arange(COUNT) / 61)
    without = ["-vf", "select=not(eq(n\\,9))", "-fps_mode", "passthrough", "-enc_time_base", "1/61"]
    if name == "a.mp4":
        subprocess.run([*source, *without, *coded, str(tmp_path / "dropped.mp4")], check=True)
        dropped = open_video(tmp_path / "dropped.mp4", pixel_size=0.1)
        np.testing.assert_allclose(dropped.time, np.delete(np.arange(COUNT), 9) / 61, atol=1e-3)


def test_damaged_or_odd_image_is_named(tmp_path: Path) -> None:
    _write_folder(tmp_path / "images", _frames(), ".png")
    (tmp_path / "images" / "frame_7.png").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"frame_7\.png does not decode"):
        _all(open_video(tmp_path / "images", pixel_size=0.1, frame_rate=30.0))
    cv2.imwrite(str(tmp_path / "images" / "frame_7.png"), _frames()[7, :-1])
    with pytest.raises(ValueError, match=r"frame_7\.png is \(47, 64\) px"):
        _all(open_video(tmp_path / "images", pixel_size=0.1, frame_rate=30.0))


def test_real_images(recording: Callable[[str], Path]) -> None:
    image = read_image(recording("longitudinal_bmode/apo_images/img_00002.tif"))
    assert image.dtype == np.uint8
    assert image.ndim == 2
    assert 5 < image.mean() < 150


@pytest.mark.parametrize(("name", "step"), [("jumping", 2), ("range-of-motion", 30)])
def test_real_images_that_are_not_all_there(
    recording: Callable[[str], Path], tmp_path: Path, name: str, step: int
) -> None:
    folder = f"gastrocnemius_fascicles/lateral_gastrocnemius/{name}"
    path = downloads.fetch_folder(folder)
    with pytest.raises(
        ValueError, match=f"{name}: numbers go up by {step} .* number those that are there 0, 1, 2"
    ):
        open_video(path, pixel_size=1, frame_rate=1)
    for number, image in enumerate(sorted(path.iterdir())[:9]):
        shutil.copy(image, tmp_path / f"{number}.png")
    video = open_video(tmp_path, pixel_size=1, frame_rate=1)
    assert sum(map(len, video.chunks())) == video.frame_count == 9
