"""What is read of a researcher's video, and what is refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tifffile

from musclelib.muscle_state.own_video import open_own_video


def burned_in(frame, top=40, left=70):
    """A screen shot with a bright title above the image and a margin around it."""
    screen = np.full((340, 480), 20, np.uint8)
    screen[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
    cv2.putText(screen, "GM 7.5 MHz", (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    return screen


def test_without_a_scale_it_is_said_to_be_not_known(film):
    video = open_own_video(film)
    assert video.pixel_size is None
    assert video.scale == "not known"


def test_the_scale_of_a_file_calibrated_by_imagej_is_taken(tmp_path, turning):
    path = tmp_path / "stack.tif"
    # pixels per unit: 1 / 0.088 a millimetre
    tifffile.imwrite(
        path, turning(4), imagej=True, resolution=(1 / 0.088, 1 / 0.088), metadata={"unit": "mm"}
    )
    video = open_own_video(path, frame_rate=50)
    assert video.pixel_size == pytest.approx(0.088, rel=1e-3)
    assert video.scale == "stated in the file"
    with pytest.raises(
        ValueError, match=r"pixel_size = 0.1 mm is given, but the file states 0.088"
    ):
        open_own_video(path, frame_rate=50, pixel_size=0.1)


def test_pixels_of_an_imagej_file_that_are_not_square_are_refused(tmp_path, turning):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, turning(2), imagej=True, resolution=(10, 12), metadata={"unit": "mm"})
    with pytest.raises(ValueError, match="resample it to square pixels"):
        open_own_video(path, frame_rate=50)


def test_the_resolution_of_a_print_is_no_scale(tmp_path, turning):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path, turning(2), photometric="minisblack", resolution=(72, 72), resolutionunit="INCH"
    )
    assert open_own_video(path, frame_rate=50).pixel_size is None


def test_the_ultrasound_image_is_found_within_a_screen_shot(tmp_path, turning, write_film):
    frames = turning(4)
    path = write_film(tmp_path / "screen.avi", [burned_in(frame) for frame in frames])
    left, top, width, height = open_own_video(path).video.crop
    assert abs(left - 70) < 8
    assert abs(top - 40) < 8
    assert abs(left + width - 390) < 8
    assert abs(top + height - 280) < 8
    given = open_own_video(path, crop=(70, 40, 320, 240))
    assert given.area == "given"
    np.testing.assert_array_equal(np.stack(list(given.frames())), frames)


def test_blank_frames_have_no_image_area(tmp_path, write_film):
    path = write_film(tmp_path / "blank.avi", [np.zeros((240, 320), np.uint8)] * 3)
    with pytest.raises(ValueError, match=r"blank.avi: the frames are blank.*or give crop"):
        open_own_video(path)


def test_a_range_of_time_keeps_the_times_of_the_whole_video(film, turning):
    video = open_own_video(film, crop=(0, 0, 320, 240), first=0.05, last=0.11)
    np.testing.assert_allclose(video.time, [0.06, 0.08, 0.10])
    np.testing.assert_array_equal(np.stack(list(video.frames())), turning()[3:6])
    with pytest.raises(ValueError, match=r"has no frame from 1 to 2 s; it lasts 0.22 s"):
        open_own_video(film, first=1, last=2)


def test_mirrored_frames_have_left_and_right_exchanged(film, turning):
    video = open_own_video(film, crop=(0, 0, 320, 240), mirrored=True)
    np.testing.assert_array_equal(np.stack(list(video.frames())), turning()[:, :, ::-1])


def test_times_of_uneven_frames_are_read_from_a_file(tmp_path, turning, write_folder):
    folder = write_folder(tmp_path / "images", turning(4))
    times = tmp_path / "times.csv"
    times.write_text("time\n10.0\n10.02\n10.05\n10.06\n")
    video = open_own_video(folder, times=times)
    np.testing.assert_allclose(video.time, [0, 0.02, 0.05, 0.06])
    assert video.video.frame_rate == pytest.approx(50)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time\n0\n0.1\n", "has 2 times for the 4 frames"),
        ("time\n0\n0.1\n0.1\n0.2\n", "must be finite and ascend"),
        ("time\n0\n16\n33\n50\n", "if the times are in ms, divide them by 1000"),
        ("seconds\n0\n1\n2\n3\n", "has no column time"),
    ],
)
def test_times_that_do_not_fit_are_refused(tmp_path, turning, write_folder, text, message):
    folder = write_folder(tmp_path / "images", turning(4))
    (tmp_path / "times.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        open_own_video(folder, times=tmp_path / "times.csv")


def test_times_and_a_rate_are_not_taken_together(tmp_path, film):
    with pytest.raises(ValueError, match="frame_rate and times are both given"):
        open_own_video(film, times=tmp_path / "times.csv", frame_rate=50)


@pytest.mark.parametrize("name", ["scan.dcm", "scan"])
def test_dicom_is_refused_with_what_to_export_instead(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(128) + b"DICM" + bytes(100))
    with pytest.raises(
        ValueError, match="is DICOM, which is not read yet: export it as MP4 or AVI"
    ):
        open_own_video(tmp_path / name)
    with pytest.raises(ValueError, match=r"is DICOM|holds no images"):
        open_own_video(tmp_path)


def test_a_corrupt_image_of_a_folder_is_named(tmp_path, turning, write_folder):
    folder = write_folder(tmp_path / "images", turning(4))
    whole = (folder / "frame_2.png").read_bytes()
    (folder / "frame_2.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"frame_2.png does not decode as an image$"):
        open_own_video(folder, frame_rate=50)


def test_a_part_that_is_too_small_is_refused(film):
    with pytest.raises(ValueError, match=r"crop has 320 x 40 px \(width x height\); at least 64"):
        open_own_video(film, crop=(0, 0, 320, 40))
