import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import FastICA

from musclelib.identification.separation.band import Band, singular
from musclelib.identification.separation.rims import separate, sharpness


def likeness(maps, masks):
    flat = [image.reshape(len(image), -1) for image in (maps, masks)]
    return np.abs(np.corrcoef(*flat)[: len(maps), len(maps) :]).max(axis=0)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_units_on_top_of_one_another_come_apart(overlapping, waving, noise):
    """Their maps are far from independent: what analyses the maps themselves mixes them."""
    velocity, trains = waving(overlapping, noise)
    band = Band.of(velocity, 400)
    maps, found = separate(band, 5, 3)
    assert likeness(maps, overlapping).min() > 0.97
    assert likeness(band.over_time(found), trains).min() > 0.93
    plain = FastICA(5, whiten="unit-variance", random_state=0, max_iter=400).fit_transform(
        velocity.reshape(400, -1).T - velocity.mean(axis=0).ravel()[:, None]
    )
    assert likeness(plain.T.reshape(-1, 48, 48), overlapping).min() < 0.9


def test_maps_and_trains_sum_up_to_the_sequence(overlapping, waving):
    velocity, _ = waving(overlapping, 0.05)
    band = Band.of(velocity, 400)
    maps, trains = separate(band, 5, 3)
    rest = band.coefficients - trains.T @ maps.reshape(5, -1)
    strengths = singular(band.coefficients)[1] ** 2
    assert (rest**2).sum() == pytest.approx(strengths[5:].sum(), rel=0.05)


def test_mirrored_fields_have_mirrored_maps(overlapping, waving):
    velocity, _ = waving(overlapping, 0.05)
    maps, mirrored = (separate(Band.of(v, 400), 5, 3)[0] for v in (velocity, velocity[:, ::-1]))
    assert likeness(maps, mirrored[:, ::-1]).min() > 0.99


@pytest.mark.parametrize(("width", "low", "high"), [(0, 0.9, 1.1), (4, 1.6, 2.1)])
def test_sharpness_tells_rims_from_slopes(overlapping, waving, width, low, high):
    masks = np.array([gaussian_filter(mask, width) for mask in overlapping])
    for noise in (0, 0.02):
        assert low < sharpness(Band.of(waving(masks, noise)[0], 400)) < high
