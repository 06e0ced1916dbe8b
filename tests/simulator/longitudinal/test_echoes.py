from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.feature import structure_tensor
from skimage.registration import phase_cross_correlation

from musclelib.simulator.longitudinal.echoes import Scanner
from musclelib.simulator.longitudinal.motion import Motion
from musclelib.simulator.longitudinal.parameters import DEVICES, WHOLE, Anatomy, View
from musclelib.simulator.longitudinal.tissue import sample_tissue

FLAT = Anatomy(superficial_tilt=0.0, deep_tilt=0.0, curvature=0.0)


def scanner(view=None, device="middle", anatomy=FLAT, **moved):
    frames = max([len(part) for part in moved.values()] or [1])
    motion = replace(Motion.none(frames), **{k: np.asarray(v, float) for k, v in moved.items()})
    tissue = sample_tissue(anatomy, WHOLE.size, 0, 0)
    return Scanner(tissue, motion, view or View(), DEVICES[device], 0, 0)


def shift(before, after):
    """Return how far an image has moved along depth and lateral [px], by scikit-image."""
    window = np.hanning(before.shape[0])[:, None] * np.hanning(before.shape[1])
    pair = ((image - image.mean()) * window for image in (before.astype(float), after))
    return -phase_cross_correlation(*pair, upsample_factor=50, normalization=None)[0]


@pytest.mark.parametrize("glide", [0.3, -1.2])
def test_images_move_with_the_tissue(glide):
    made = scanner(glide=[0, glide])
    found = shift(made.frame(0)[20:100, 60:-60], made.frame(1)[20:100, 60:-60])
    assert found[1] == pytest.approx(glide / made.view.pixel_size[1], abs=0.15)
    assert found[0] == pytest.approx(0, abs=0.15)


def test_sheared_muscle_moves_more_where_it_is_deeper():
    made = scanner(shear=[0, 1.0])
    first, last = made.frame(0), made.frame(1)
    rows = (first.shape[0] + 1) * made.view.pixel_size[0]
    top = made.tissue.layers.thickness(0.0) / 2 - rows / 2  # of the view, below the muscle's border
    for begin in (5, 45, 85):
        found = shift(first[begin : begin + 30, 60:-60], last[begin : begin + 30, 60:-60])[1]
        depth = top + (begin + 15) * made.view.pixel_size[0]
        assert found * made.view.pixel_size[1] == pytest.approx(depth / 17.0, abs=0.05)


def test_a_bulging_muscle_moves_its_deep_border_down():
    made = scanner(view=WHOLE, bulge=[1, 1.06])
    border = made.tissue.layers.superficial(0.0) + made.tissue.layers.thickness(0.0)
    row = int(border / WHOLE.pixel_size[0])
    first, last = (made.frame(number)[row - 25 : row + 30, 40:-40] for number in (0, 1))
    profiles = first.mean(axis=1), last.mean(axis=1)
    found = np.argmax(profiles[1]) - np.argmax(profiles[0])
    assert found * WHOLE.pixel_size[0] == pytest.approx(0.06 * 17.0, abs=0.25)


@pytest.mark.parametrize("pennation", [14.0, 22.0])
def test_the_structure_tensor_finds_the_fascicles(pennation):
    anatomy = replace(FLAT, pennation=pennation, tortuosity=0.0, fascicle_contrast=2.0)
    image = scanner(anatomy=anatomy, device="good").frame(0).astype(float)
    # without smoothing, speckle pulls the estimate to the horizontal by up to 13 degrees
    tensor = structure_tensor(gaussian_filter(image, 3), mode="nearest")
    rr, rc, cc = (part.mean() for part in tensor)
    # the fascicles lie across the direction in which the image changes most
    step = View().pixel_size
    rr, rc, cc = rr / step[0] ** 2, rc / (step[0] * step[1]), cc / step[1] ** 2
    angle = np.degrees(0.5 * np.arctan2(-2 * rc, rr - cc))
    assert angle == pytest.approx(pennation, abs=1.0)


def test_any_frame_can_be_made_alone():
    made = scanner(glide=[0, 0.4, 0.8])
    alone = made.frame(2)
    for number in (0, 1):
        made.frame(number)
    np.testing.assert_array_equal(made.frame(2), alone)


def test_noise_differs_from_frame_to_frame_where_nothing_moves():
    made = scanner(glide=[0, 0])
    first, second = (made.frame(number).astype(float) for number in (0, 1))
    assert 0 < np.abs(first - second).mean() < 6


def test_a_poorer_scanner_resolves_less_and_has_fewer_grey_levels():
    width = {}
    for name in DEVICES:
        image = scanner(device=name).frame(0).astype(float)
        line = image[60] - image[60].mean()
        rows = image - image.mean(axis=1, keepdims=True)
        apart = [(rows[:, :-lag] * rows[:, lag:]).mean() / (rows**2).mean() for lag in range(1, 30)]
        width[name] = int(np.argmax(np.array(apart) < 0.5))
        assert len(np.unique(image)) <= DEVICES[name].levels
        assert line.std() > 5
    assert width["good"] <= width["middle"] < width["cheap"]


def test_tissue_that_leaves_the_plane_changes_its_speckle():
    made = scanner(drift=[0, 0.1, 2.5])
    frames = [made.frame(number).ravel() for number in range(3)]
    near, far = (np.corrcoef(frames[0], other)[0, 1] for other in frames[1:])
    assert near > 0.9 > 0.6 > far


def test_the_label_map_has_the_borders_of_the_picture():
    made = scanner(view=WHOLE)
    labels, image = made.label_map(), made.frame(0).astype(float)
    sheet = np.isin(labels, (3, 5))
    assert image[sheet].mean() > 2 * image[labels == 4].mean()
