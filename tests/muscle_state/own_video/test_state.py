"""Changes of the state, where they are justified, and the reason where they are not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

from musclelib.muscle_state.estimator_recipe import PAPER_3
from musclelib.muscle_state.own_video import estimate_state, measure_video, open_own_video
from musclelib.networks import weights
from musclelib.networks.state_cnn import StateCnn, StateCnnParameters
from musclelib.networks.state_estimator import StateEstimator

CROP = (0, 0, 320, 240)
PIXEL = 0.17  # mm: the frames are 54.4 mm wide


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a network that has learnt nothing."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights")
    weights.save(StateCnn(StateCnnParameters()), path / "untrained.safetensors")
    return path


@pytest.fixture(scope="module")
def own(film):
    return open_own_video(film, crop=CROP, pixel_size=PIXEL)


@pytest.fixture(scope="module")
def measures(own):
    return measure_video(own)


@pytest.mark.filterwarnings("error")
def test_changes_stand_at_the_frames_of_a_25_hz_clock(own, measures, folder):
    found = estimate_state(measures, own, folder)
    known = np.flatnonzero(np.isfinite(found.estimated_torque_change))
    assert known.tolist() == [2, 4, 6, 8, 10]  # of 50 frames a second, every other
    units = [found[f"estimated_{name}_change"].units for name in ("emg", "torque", "angle")]
    assert units == ["V", "N m", "deg"]
    assert "SIMULATED" in found.attrs["state"]
    assert "untrained" in found.attrs["state"]
    assert "SIMULATED" in found.estimated_emg_change.long_name
    assert "plantarflexion positive" in found.estimated_torque_change.long_name
    assert "dorsiflexion positive" in found.estimated_angle_change.long_name


def test_a_mirrored_video_gives_the_same_changes(film, own, measures, folder):
    other = open_own_video(film, crop=CROP, pixel_size=PIXEL, mirrored=True)
    # the measures of a mirror image by hand: those of another image would not place it alike
    turned = measures.isel(lateral=slice(None, None, -1)).assign(
        fascicle_angle=-measures.fascicle_angle
    )
    plain, mirrored = estimate_state(measures, own, folder), estimate_state(turned, other, folder)
    assert "mirrored for it" in mirrored.attrs["state"]
    for name in ("estimated_torque_change", "estimated_angle_change"):
        np.testing.assert_allclose(mirrored[name], plain[name], atol=0.05)


def test_a_frame_that_is_not_measured_has_no_change(own, measures, folder):
    lost = measures.copy(deep=True)
    lost["deep_row"][4] = np.nan
    found = estimate_state(lost, own, folder)
    known = np.flatnonzero(np.isfinite(found.estimated_torque_change))
    assert known.tolist() == [2, 8, 10]


def test_without_scale_weights_or_rate_it_says_why(tmp_path, film, own, measures, folder):
    unscaled = estimate_state(measures, open_own_video(film, crop=CROP), folder)
    assert unscaled.attrs["state"] == "not estimated: the scale is not known"
    empty = estimate_state(measures, own, tmp_path)
    assert "holds no network" in empty.attrs["state"]
    (tmp_path / "times.csv").write_text("\n".join(["time", *map(str, np.arange(12) * 0.1)]))
    slow = open_own_video(film, crop=CROP, pixel_size=PIXEL, times=tmp_path / "times.csv")
    assert "at least 20 frames a second" in estimate_state(measures, slow, folder).attrs["state"]
    small = open_own_video(film, crop=CROP, pixel_size=0.05)
    assert "Is the pixel size" in estimate_state(measures, small, folder).attrs["state"]
    for one in (unscaled, empty):
        xr.testing.assert_equal(one, measures)


def test_an_estimator_goes_before_the_networks_of_paper_3(tmp_path, own, measures, folder):
    (tmp_path / "untrained.safetensors").write_bytes(
        (folder / "untrained.safetensors").read_bytes()
    )
    for seed in range(2):
        weights.save(StateEstimator(PAPER_3), tmp_path / f"estimator-{seed}.safetensors")
    found = estimate_state(measures, own, tmp_path)
    assert "by estimator-0, estimator-1, trained" in found.attrs["state"]
    assert np.isfinite(found.estimated_torque_change).sum() == 5
