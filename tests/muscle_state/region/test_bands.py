import numpy as np

from musclelib.muscle_state.region import boundary_error, contour_from_curves, find_bands


def test_two_bands_are_found_without_training(scenes):
    frames, curves = scenes(12, 3)
    for frame, pair in zip(frames, curves, strict=True):
        error = boundary_error(find_bands(frame), contour_from_curves(*pair))
        assert np.abs(error).mean() < 1.5


def test_a_mirrored_frame_gives_the_mirrored_contour(scenes):
    (frame,), _ = scenes(1, 3)
    width = frame.shape[1]
    mirrored = find_bands(frame[:, ::-1])
    mirrored[:, 1] = width - 1 - mirrored[:, 1]
    back = np.concatenate([half[::-1] for half in np.split(mirrored, 2)])
    assert np.allclose(back, find_bands(frame), atol=1.5)


def test_the_upper_two_of_three_bands_count(scenes):
    (frame,), (pair,) = scenes(1, 3)
    frame = frame.copy()
    frame[215:225] = 200
    error = boundary_error(find_bands(frame), contour_from_curves(*pair))
    assert np.abs(error).mean() < 1.5


def test_a_blank_frame_gives_finite_numbers():
    assert np.isfinite(find_bands(np.zeros((200, 300), np.uint8))).all()
