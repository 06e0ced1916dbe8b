import numpy as np
import pytest

from musclelib.muscle_state.region import Region, contour_from_curves, place_region

PIXEL = (0.1, 0.1)
WIDTH, DEPTH = 700, 400


def contour(tilt=0.0, thickness=180.0, width=WIDTH):
    upper = 120 + tilt * (np.arange(width) - width / 2)
    return contour_from_curves(upper, upper + thickness)[None]


@pytest.mark.parametrize("degrees", [-10, 0, 7])
def test_the_region_takes_the_angle_and_the_middle_of_the_muscle(degrees):
    region = place_region(contour(np.tan(np.deg2rad(degrees))), PIXEL, (DEPTH, WIDTH))
    assert region.angle == pytest.approx(degrees, abs=0.01)
    assert region.centre == pytest.approx((210, 349.5), abs=1)


def test_angles_are_those_in_millimetres_also_for_oblong_pixels():
    tilt = np.tan(np.deg2rad(5)) * 0.1 / 0.2
    region = place_region(contour(tilt, 90), (0.2, 0.1), (DEPTH, WIDTH))
    assert region.angle == pytest.approx(5, abs=0.01)


def test_the_orientation_is_the_mean_over_the_sequence():
    both = np.concatenate([contour(0.02), contour(0.06)])
    region = place_region(both, PIXEL, (DEPTH, WIDTH))
    assert region.angle == pytest.approx(np.rad2deg(np.arctan(0.04)), abs=0.01)


def test_points_go_to_the_image_and_back():
    region = Region((200, 350), 8.0, (0.09, 0.12))
    points = np.array([[0, 0], [119, 495], [30.5, 100]])
    assert np.allclose(region.to_region(region.to_image(points)), points)
    # the long side is 55.42 mm from the first to behind the last pixel
    ends = region.to_image(np.array([[59.5, -0.5], [59.5, 495.5]])) * region.pixel_size
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(55.42)
    sides = region.to_image(np.array([[-0.5, 0], [119.5, 0]])) * region.pixel_size
    assert np.linalg.norm(sides[1] - sides[0]) == pytest.approx(14.67)
    assert sides[1, 0] > sides[0, 0]


def test_the_extracted_values_are_those_at_the_mapped_points():
    # linear interpolation gives a plane exactly
    depth, lateral = np.indices((DEPTH, WIDTH)).astype(np.float32)
    region = Region((200, 350), -6.0, PIXEL)
    extracted = region.extract((2 * depth + 3 * lateral)[None])[0]
    assert extracted.shape == (120, 496)
    points = region.to_image(np.stack(np.indices((120, 496)), axis=-1))
    expected = 2 * points[..., 0] + 3 * points[..., 1]
    # OpenCV interpolates at steps of 1/32 px
    assert np.abs(extracted - expected).max() < 5 / 32


def test_a_tilted_boundary_is_level_in_the_region():
    tilt = np.tan(np.deg2rad(8))
    frame = (np.arange(DEPTH)[:, None] > 210 + tilt * (np.arange(WIDTH) - 350)) * np.uint8(200)
    region = place_region(contour(tilt), PIXEL, (DEPTH, WIDTH))
    edge = (region.extract(frame[None])[0] > 100).argmax(axis=0)
    assert np.ptp(edge) <= 1
    assert region.extract(frame[None]).dtype == np.uint8


def test_a_thin_muscle_is_said_to_be_thinner_than_the_region():
    with pytest.warns(UserWarning, match="in the muscle"):
        region = place_region(contour(thickness=73.35), PIXEL, (DEPTH, WIDTH))
    assert region.inside_muscle == pytest.approx(0.5, abs=0.02)
    assert region.inside_image == 1


def test_a_picture_smaller_than_the_region_is_said_or_refused():
    with pytest.warns(UserWarning, match="72% in the picture"):
        region = place_region(contour(width=400), PIXEL, (DEPTH, 400))
    assert region.extract(np.full((1, DEPTH, 400), 9, np.uint8))[0, :, 0].max() == 0
    with pytest.raises(ValueError, match="Is the pixel size"):
        place_region(contour(), (0.01, 0.01), (DEPTH, WIDTH))
    with pytest.raises(ValueError, match="above 0"):
        place_region(contour(), (0, 0.1), (DEPTH, WIDTH))
    with pytest.raises(ValueError, match=r"\(time, 40, 2\)"):
        place_region(contour()[:0], PIXEL, (DEPTH, WIDTH))
