import numpy as np

from musclelib.muscle_state.region import (
    ShapeModel,
    TextureStart,
    boundary_error,
    contour_from_curves,
)


def test_a_new_picture_gets_a_nearer_contour_than_the_mean_one(scenes):
    frames, curves = scenes(60, 0)
    true = np.stack([contour_from_curves(*pair) for pair in curves])
    shape = ShapeModel.fit(true[:50])
    start = TextureStart.fit(frames[:50], true[:50], shape)
    found = np.stack([start.contour(frame, shape) for frame in frames[50:]])
    error = np.abs(boundary_error(found, true[50:])).mean()
    mean = np.abs(boundary_error(np.broadcast_to(true[:50].mean(axis=0), found.shape), true[50:]))
    assert error < 0.4 * mean.mean()


def test_gain_and_brightness_do_not_matter(scenes):
    frames, curves = scenes(20, 0)
    true = np.stack([contour_from_curves(*pair) for pair in curves])
    shape = ShapeModel.fit(true)
    start = TextureStart.fit(frames, true, shape)
    same = start.contour(0.5 * frames[0].astype(float) + 20, shape)
    assert np.allclose(same, start.contour(frames[0], shape), atol=1e-3)
