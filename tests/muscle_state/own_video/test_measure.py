"""What is measured in videos whose geometry is known, and in what is no muscle."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from musclelib.muscle_state.own_video import measure, measure_video, open_own_video

CROP = (0, 0, 320, 240)
VALUES = ("fascicle_angle", "pennation", "thickness", "fascicle_length", "extrapolated")


@pytest.fixture(scope="module")
def measures(film):
    return measure_video(open_own_video(film, crop=CROP, pixel_size=0.1))


def test_a_known_turn_is_measured_with_units(measures):
    expected = np.linspace(18, 24, 12)
    assert np.abs(measures.fascicle_angle - expected).max() < 3
    assert np.corrcoef(measures.fascicle_angle, expected)[0, 1] > 0.98
    assert np.abs(measures.thickness - 12.8).max() < 0.5
    length = 12.8 / np.sin(np.radians(expected))
    assert np.abs(measures.fascicle_length / length - 1).max() < 0.15
    assert np.abs(measures.superficial_row - 56).max() < 3
    assert np.abs(measures.deep_row - 184).max() < 3
    units = [measures[name].units for name in ("fascicle_angle", "thickness", "fascicle_length")]
    assert units == ["deg", "mm", "mm"]
    np.testing.assert_allclose(measures.time, np.arange(12) / 50)


def test_without_a_scale_lengths_are_in_pixels_and_say_so(film, measures):
    found = measure_video(open_own_video(film, crop=CROP))
    assert found.attrs["pixel_size"] == "not known"
    assert (found.thickness.units, found.fascicle_length.units) == ("pixel", "pixel")
    np.testing.assert_allclose(found.thickness, measures.thickness * 10)


def test_a_mirrored_image_changes_the_signs_of_angles_and_no_pennation(film, measures):
    found = measure_video(open_own_video(film, crop=CROP, pixel_size=0.1, mirrored=True))
    assert np.abs(found.fascicle_angle + measures.fascicle_angle).max() < 1.5
    assert np.abs(found.pennation - measures.pennation).max() < 1.5
    assert np.abs(found.fascicle_length / measures.fascicle_length - 1).max() < 0.06
    assert found.attrs["mirrored"] == "true"
    assert "exchanged" in found.attrs["angles"]


def test_uneven_times_are_kept(tmp_path, turning, write_folder):
    folder = write_folder(tmp_path / "images", turning(4))
    (tmp_path / "times.csv").write_text("time\n0\n0.02\n0.05\n0.06\n")
    found = measure_video(open_own_video(folder, times=tmp_path / "times.csv", crop=CROP))
    np.testing.assert_allclose(found.time, [0, 0.02, 0.05, 0.06])


def test_a_muscle_that_leaves_the_view_has_no_values_but_keeps_its_frames(
    tmp_path, turning, write_film
):
    frames = turning(12)
    rng = np.random.default_rng(0)
    frames[7:] = rng.integers(0, 90, frames[7:].shape)
    path = write_film(tmp_path / "leaves.avi", frames)
    with pytest.warns(UserWarning, match=r"5 of 12 frames are not measured \(NaN\)"):
        found = measure_video(open_own_video(path, crop=CROP))
    assert found.sizes["time"] == 12
    assert np.isfinite(found.confidence).all()
    assert (found.confidence[7:] < measure.LEAST_CONFIDENCE).all()
    for name in VALUES:
        assert np.isnan(found[name][7:]).all()
        assert np.isfinite(found[name][:7]).all()
    assert np.isnan(found.superficial_row[7:]).all()


def test_a_corrupt_frame_is_not_measured_and_the_others_are(tmp_path, turning, write_film):
    frames = turning(8)
    frames[4] = 0
    path = write_film(tmp_path / "corrupt.avi", frames)
    with pytest.warns(UserWarning, match="1 of 8 frames"):
        found = measure_video(open_own_video(path, crop=CROP))
    assert np.flatnonzero(np.isnan(found.pennation)).tolist() == [4]
    assert np.abs(found.fascicle_angle - np.linspace(18, 24, 8)).max() < 3


def test_a_clip_without_motion_is_measured_alike_and_said_to_be_still(tmp_path, muscle, write_film):
    path = write_film(tmp_path / "still.avi", [muscle(20)] * 4)
    with pytest.warns(UserWarning, match="all frames are the same, nothing moves"):
        found = measure_video(open_own_video(path, crop=CROP))
    assert np.ptp(found.fascicle_angle.values) < 0.1
    assert found.attrs["repeated_frames"] == 3


def _noise():
    return np.random.default_rng(1).integers(0, 255, (3, 240, 320), dtype=np.uint8)


def _photograph():
    """Smooth shapes of all sizes and directions, as of a landscape."""
    rng = np.random.default_rng(0)
    waves = np.fft.rfft2(rng.normal(size=(240, 320)))
    rows, columns = np.fft.fftfreq(240)[:, None], np.fft.rfftfreq(320)
    shapes = np.fft.irfft2(waves / (np.hypot(rows, columns) + 0.004), (240, 320))
    shapes = (shapes - shapes.min()) / np.ptp(shapes) * 255
    return np.stack([shapes.astype(np.uint8)] * 3)


@pytest.mark.parametrize("other", [_noise, _photograph])
def test_an_image_of_something_else_is_refused(tmp_path, write_film, other):
    path = write_film(tmp_path / "other.avi", other())
    with pytest.raises(ValueError, match=r"no frame shows fascicles between two aponeuroses"):
        measure_video(open_own_video(path, crop=CROP))


def test_blank_frames_are_refused(tmp_path, write_film):
    path = write_film(tmp_path / "blank.avi", [np.zeros((240, 320), np.uint8)] * 3)
    with pytest.raises(ValueError, match=r"largest confidence 0.00, needed 0.25"):
        measure_video(open_own_video(path, crop=CROP))


def test_blocks_of_a_long_video_join_without_a_seam(film, measures, monkeypatch):
    monkeypatch.setattr(measure, "_BLOCK", 8)
    monkeypatch.setattr(measure, "_OVERLAP", 6)
    found = measure_video(open_own_video(film, crop=CROP, pixel_size=0.1))
    assert found.sizes == measures.sizes
    for name in VALUES[:4]:
        np.testing.assert_allclose(found[name], measures[name], rtol=0.05)


def test_signals_at_other_times_than_the_frames_are_refused(film):
    signals = xr.Dataset({"torque": ("time", np.zeros(12))}, {"time": np.arange(12) / 49})
    with pytest.raises(ValueError, match="at other times than the frames"):
        measure_video(open_own_video(film, crop=CROP), signals)
