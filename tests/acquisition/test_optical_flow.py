from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy import ndimage

from musclelib.acquisition.optical_flow import mean_displacement, tissue_velocity
from musclelib.recordings.video import Video, open_video

RATE, PIXEL = 50.0, 0.1
TOLERANCE = 0.15 * PIXEL * RATE  # 0.15 px a frame [mm/s]


def _moving(folder: Path, depth: float, lateral: float, count: int = 5) -> Video:
    """A speckle pattern that moves by a known number of pixels a frame, as a folder of images."""
    speckle = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(200, 220)), 2.5)
    speckle = 128 + 50 * speckle / speckle.std()
    folder.mkdir()
    for number in range(count):
        moved = ndimage.shift(speckle, (number * depth, number * lateral), mode="reflect")
        view = moved[30:-30, 30:-30].clip(0, 255).round().astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), view)
    return open_video(folder, pixel_size=PIXEL, frame_rate=RATE)


@pytest.mark.parametrize("step", [(2.0, 0.0), (-1.5, 0.0), (0.0, 3.0), (1.0, -2.0)])
def test_known_shift_in_millimetres_a_second(tmp_path: Path, step: tuple[float, float]) -> None:
    parts = list(tissue_velocity(_moving(tmp_path / "images", *step), frames=2))
    axial = np.concatenate([part.axial for part in parts])
    lateral = np.concatenate([part.lateral for part in parts])
    assert axial.shape == lateral.shape == (4, 140, 160)
    assert axial.dtype == np.float32
    inside = np.s_[:, 12:-12, 12:-12]
    assert np.median(axial[inside]) == pytest.approx(-step[0] * PIXEL * RATE, abs=TOLERANCE)
    assert np.median(lateral[inside]) == pytest.approx(step[1] * PIXEL * RATE, abs=TOLERANCE)


def test_motion_between_frames_is_divided_by_its_own_time(tmp_path: Path) -> None:
    even = _moving(tmp_path / "images", -2.0, 1.0)
    time = np.array([0, 0.02, 0.03, 0.13, 0.15])
    uneven = replace(even, time=time)
    (before,), (after,) = tissue_velocity(even), tissue_velocity(uneven)
    for part in ("axial", "lateral"):
        length = np.diff(time)[:, None, None] * RATE
        np.testing.assert_allclose(getattr(after, part), getattr(before, part) / length, rtol=1e-5)
    parts = np.concatenate([part.axial for part in tissue_velocity(uneven, frames=2)])
    np.testing.assert_array_equal(parts, after.axial)
    np.testing.assert_allclose(mean_displacement(uneven)[0], mean_displacement(even)[0], atol=0.05)


def test_stillness_has_no_velocity(tmp_path: Path) -> None:
    for velocity in tissue_velocity(_moving(tmp_path / "images", 0, 0)):
        assert not np.any(velocity.axial)
        assert not np.any(velocity.lateral)


@pytest.mark.parametrize("frames", [1, 3, 4, 32])
def test_chunks_do_not_change_the_velocity(tmp_path: Path, frames: int) -> None:
    video = _moving(tmp_path / "images", 1.0, 0.5)
    (whole,) = tissue_velocity(video, frames=5)
    parts = np.concatenate([part.axial for part in tissue_velocity(video, frames=frames)])
    np.testing.assert_array_equal(parts, whole.axial)


def test_grid_of_area_means(tmp_path: Path) -> None:
    video = _moving(tmp_path / "images", 1.0, 0.5)
    (fine,) = tissue_velocity(video)
    (coarse,) = tissue_velocity(video, shape=(14, 16))
    means = fine.axial.reshape(4, 14, 10, 16, 10).mean(axis=(2, 4))
    np.testing.assert_allclose(coarse.axial, means, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
def test_mean_displacement_of_a_shift(tmp_path: Path, sign: int) -> None:
    displacement, direction = mean_displacement(
        _moving(tmp_path / "images", 0.5 * sign, 2.0 * sign)
    )
    assert displacement.shape == (5,)
    np.testing.assert_allclose(direction, [-0.243, 0.970], atol=0.06)
    np.testing.assert_allclose(
        displacement, sign * np.arange(5) * np.hypot(0.5, 2.0) * PIXEL, atol=0.08
    )


def test_too_little_to_see_motion_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 1 frame; a velocity needs at least 2"):
        next(tissue_velocity(_moving(tmp_path / "one", 0, 0, count=1)))
    _moving(tmp_path / "small", 0, 0)
    small = open_video(tmp_path / "small", pixel_size=PIXEL, frame_rate=RATE, shape=(8, 8))
    with pytest.raises(ValueError, match="too small; allowed is 12 px"):
        next(tissue_velocity(small))
