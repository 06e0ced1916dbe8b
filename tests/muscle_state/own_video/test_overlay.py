"""The film of a video with its measures drawn over it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from musclelib.muscle_state.own_video import (
    draw_overlay,
    measure_video,
    open_own_video,
    overlay,
    write_overlay,
)

CROP = (0, 0, 320, 240)


@pytest.fixture(scope="module")
def own(film):
    return open_own_video(film, crop=CROP, last=0.07)


@pytest.fixture(scope="module")
def measures(own):
    return measure_video(own)


def lines(drawn, colour):
    """Rows and columns of the pixels of a colour."""
    return np.nonzero((np.abs(drawn.astype(int) - colour).sum(axis=2)) < 40)


def test_the_lines_lie_where_the_measures_say(own, measures):
    frame = next(own.frames())
    drawn = draw_overlay(frame, measures.isel(time=0))
    assert np.abs(lines(drawn, overlay.SUPERFICIAL)[0] - 56).max() < 5
    assert np.abs(lines(drawn, overlay.DEEP)[0] - 184).max() < 5
    rows, columns = lines(drawn, overlay.FASCICLE)
    assert rows.min() > 50
    assert rows.max() < 190
    # every fascicle is a straight line at the measured angle through the middle of the muscle
    offset = columns - (rows - 120) / np.tan(np.radians(float(measures.fascicle_angle[0])))
    near = np.abs(offset[:, None] - np.array([0.2, 0.35, 0.5, 0.65, 0.8]) * 320).min(axis=1)
    assert near.max() < 8
    assert drawn[240:].max() == 255  # text


def test_a_frame_that_is_not_measured_has_no_lines(own, measures):
    one = measures.isel(time=0).copy(deep=True)
    for name in ("superficial_row", "deep_row", "pennation", "fascicle_angle"):
        one[name] = one[name] * np.nan
    one["confidence"] = one["confidence"] * 0
    frame = next(own.frames())
    drawn = draw_overlay(frame, one)
    np.testing.assert_array_equal(drawn[:240, :, 0], frame)
    np.testing.assert_array_equal(drawn[:240, :, 1], frame)


def test_the_film_has_all_frames_at_the_rate_of_the_video(tmp_path, own, measures):
    path = tmp_path / "overlay.mp4"
    write_overlay(own, measures, path)
    film = cv2.VideoCapture(str(path))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(50)
    frames = []
    while True:
        decoded, frame = film.read()
        if not decoded:
            break
        frames.append(frame)
    assert len(frames) == 4
    expected = draw_overlay(next(own.frames()), measures.isel(time=0))
    assert np.abs(frames[0][:, :, ::-1].astype(int) - expected).mean() < 12
    with pytest.raises(ValueError, match=r"overlay.mp4 exists"):
        write_overlay(own, measures, path)
    write_overlay(own, measures, path, replace=True)


def test_measures_of_other_frames_are_refused(tmp_path, own, measures):
    other = open_own_video(own.video.path, crop=CROP)
    with pytest.raises(ValueError, match="the measures are those of other frames"):
        write_overlay(other, measures, tmp_path / "overlay.mp4")
    with pytest.raises(ValueError, match=r"must end in .mp4"):
        write_overlay(own, measures, tmp_path / "overlay.avi")
