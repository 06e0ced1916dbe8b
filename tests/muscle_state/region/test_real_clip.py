"""The region on a real clip of the gastrocnemius, against rows that an observer read by hand."""

import numpy as np
import pytest

from musclelib.muscle_state.region import ContourFinder, place_region
from musclelib.recordings import open_video, read_image_geometry

CLIP = "p6_isokinetic030_01_push_01"
# frame, counted from 0, and rows of both aponeuroses [px] in the pictures of observer 2, which are
# mirrored, 1.25 times as large and begin 96 px higher; the rows are those at the right edge of the
# video
ROWS = {9: (136, 406), 22: (137, 392)}


@pytest.mark.slow
def test_aponeuroses_of_a_real_clip_lie_where_an_observer_saw_them(data_mirror):
    folder = f"{data_mirror}/gm_torque_angle"
    crop, pixel = read_image_geometry(f"{folder}/p6_params.mat")
    video = open_video(f"{folder}/{CLIP}.mp4", pixel_size=pixel, crop=crop)
    frames = np.concatenate(list(video.chunks()))
    found = ContourFinder.from_bands(frames).find(frames)
    assert found.confidence.min() > 0.7
    for frame, rows in ROWS.items():
        seen = (np.array(rows) - 96) / 1.25
        assert np.abs(found.contours[frame, [19, 39], 0] - seen).max() * pixel < 0.5

    region = place_region(found.trusted(), (pixel, pixel), video.shape)
    # the muscle rises to the right, and is thicker than the region
    assert -5 < region.angle < -1
    assert region.inside_image == 1
    assert region.inside_muscle > 0.99
    assert region.extract(frames).shape == (len(frames), 120, 496)
