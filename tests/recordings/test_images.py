from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from musclelib.recordings import images
from musclelib.recordings.video import open_video, read_image

COUNT, HEIGHT, WIDTH = 40, 30, 24


def _frames(bits: int = 8) -> np.ndarray:
    """Frames whose values rise by their number, the brightest at the end; no two alike."""
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    steps = (row * WIDTH + column) / (HEIGHT * WIDTH) + np.arange(COUNT)[:, None, None] / COUNT
    return np.floor(steps / steps.max() * (2**bits - 1)).astype(
        np.uint8 if bits == 8 else np.uint16
    )


def _folder(path: Path, frames: np.ndarray, suffix: str = ".png") -> Path:
    path.mkdir()
    for number, frame in enumerate(frames):
        cv2.imwrite(str(path / f"{number:03d}{suffix}"), frame)
    return path


def _stack(path: Path, frames: np.ndarray) -> Path:
    assert cv2.imwritemulti(str(path), list(frames))
    return path


def _read(path: Path, frames: int = 32) -> np.ndarray:
    return np.concatenate(list(open_video(path, pixel_size=0.1, frame_rate=20.0).chunks(frames)))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_sixteen_bits_hold_what_the_series_uses(tmp_path: Path, bits: int, suffix: str) -> None:
    frames = _frames(bits).astype(np.uint16)
    path = _folder(tmp_path / "images", frames, suffix)
    assert open_video(path, pixel_size=0.1, frame_rate=20.0).bits == bits
    # one scale, though frames differ in brightness
    np.testing.assert_array_equal(_read(path), frames >> (bits - 8))


def test_eight_bits_stay_as_they_are(tmp_path: Path) -> None:
    for name, dtype in (("narrow", np.uint8), ("wide", np.uint16)):
        dark = (_frames() // 4).astype(dtype)
        path = _folder(tmp_path / name, dark)
        assert open_video(path, pixel_size=0.1, frame_rate=20.0).bits == 8
        np.testing.assert_array_equal(_read(path), dark)


def test_one_image_has_the_scale_of_its_own_bits(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.array([[4095, 16], [0, 255]], np.uint16))
    assert read_image(tmp_path / "a.png").tolist() == [[255, 1], [0, 15]]


@pytest.mark.parametrize("bits", [8, 12])
def test_all_pages_of_stacks_are_frames_in_order(tmp_path: Path, bits: int) -> None:
    frames = _frames(bits)
    (tmp_path / "stacks").mkdir()
    # part10 comes after part9
    for part, (start, stop) in enumerate([(0, 1), (1, 22), (22, COUNT)], start=9):
        _stack(tmp_path / "stacks" / f"part{part}.tif", frames[start:stop])
    for path in (tmp_path / "stacks", _stack(tmp_path / "all.TIFF", frames)):
        video = open_video(path, pixel_size=0.1, frame_rate=20.0)
        assert (video.frame_count, video.bits) == (COUNT, bits)
        for size in (1, 7, 100):
            np.testing.assert_array_equal(_read(path, size), frames >> (bits - 8))


def test_stacks_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _stack(tmp_path / "a.tif", _frames(12))
    sizes = []
    original = cv2.imreadmulti

    def spy(
        name: str, start: int, count: int, **options: int
    ) -> tuple[bool, tuple[np.ndarray, ...]]:
        sizes.append(count)
        return original(name, start, count, **options)  # type: ignore[return-value]

    monkeypatch.setattr(cv2, "imreadmulti", spy)
    _read(path)
    assert max(sizes) == images._PAGES < COUNT


def test_compressed_and_colour_stacks(tmp_path: Path) -> None:
    first, *others = [Image.fromarray(frame) for frame in _frames()]
    first.save(tmp_path / "lzw.tif", save_all=True, append_images=others, compression="tiff_lzw")
    np.testing.assert_array_equal(_read(tmp_path / "lzw.tif"), _frames())
    colours = [image.convert("RGB") for image in (first, *others)]
    colours[0].save(tmp_path / "rgb.tif", save_all=True, append_images=colours[1:])
    np.testing.assert_array_equal(_read(tmp_path / "rgb.tif"), _frames())


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int16", "int32"])
def test_other_numbers_are_named(tmp_path: Path, dtype: str) -> None:
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "0.tif"), _frames()[0].astype(dtype))
    with pytest.raises(
        ValueError,
        match=rf"0\.tif holds {dtype} numbers; grey values are uint8 or uint16: convert it",
    ):
        open_video(tmp_path / "images", pixel_size=0.1, frame_rate=20.0)


def test_frames_in_the_planes_of_a_page_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "rgba.tif", _frames()[:4], photometric="rgb", planarconfig="separate"
    )
    with pytest.raises(
        ValueError, match=r"rgba\.tif keeps 4 planes in one page: write frames as pages"
    ):
        open_video(tmp_path / "rgba.tif", pixel_size=0.1, frame_rate=20.0)


def test_a_series_is_of_one_type_and_size(tmp_path: Path) -> None:
    path = _folder(tmp_path / "images", _frames())
    cv2.imwrite(str(path / "017.png"), _frames(12)[17])
    with pytest.raises(
        ValueError,
        match=r"017\.png is \(30, 24\) px, uint16; the first image is \(30, 24\) px, uint8",
    ):
        _read(path)
    _stack(tmp_path / "a.tif", [_frames()[0], _frames()[1, :-1]])  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"a\.tif is \(29, 24\) px, uint8; the first image is \(30, 24\) px"
    ):
        _read(tmp_path / "a.tif")


def test_a_stack_is_no_single_image(tmp_path: Path) -> None:
    path = _stack(tmp_path / "a.tif", _frames())
    with pytest.raises(
        ValueError, match=r"a\.tif is a stack of 40 pages, no single image; open_video reads it"
    ):
        read_image(path)


def test_an_image_that_was_cut_off_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (COUNT, HEIGHT, WIDTH), dtype=np.uint8)
    path = _folder(tmp_path / "images", noise) / "017.png"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"017\.png does not decode as an image"):
        _read(tmp_path / "images")
