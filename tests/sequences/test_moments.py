import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib import sequences
from musclelib.sequences import moments, standardisation, standardised
from musclelib.sequences.clips import Clips
from musclelib.sequences.moments import with_moments


@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(0.1, 10))
def test_moments_agree_with_numpy(seed, shift, scale):
    values = (shift + scale * np.random.default_rng(seed).standard_normal((20, 9, 8))).astype(
        np.float32
    )
    exact = values.astype(float)
    assert moments(values) == pytest.approx((exact.mean(), exact.std()), rel=1e-9, abs=1e-9)


def test_standardisation_of_known_values():
    found = standardisation(np.array([[[1.0, 3.0]], [[5.0, 7.0]]], np.float32))
    assert found["velocity_mean"].tolist() == [4.0]
    assert found["velocity_sd"].tolist() == [pytest.approx(np.sqrt(5))]
    # single precision would lose the small part of a large mean
    large = np.full((100, 100, 100), 1000.1, np.float32)
    assert standardisation(large)["velocity_mean"][0] == pytest.approx(np.float32(1000.1), rel=1e-9)
    assert standardisation(large)["velocity_sd"][0] == pytest.approx(0, abs=1e-9)


def test_standardised_sequences_have_mean_0_and_sd_1_and_still_ones_are_refused():
    values = 3 + 0.2 * np.random.default_rng(0).standard_normal((30, 8, 8)).astype(np.float32)
    out = standardised(values)
    assert out.dtype == np.float32
    assert moments(out) == pytest.approx((0, 1), abs=1e-5)
    with pytest.raises(ValueError, match="cannot be standardised"):
        standardised(np.zeros((3, 4, 4), np.float32))


def test_moments_follow_what_was_done_to_the_velocity(dataset, tmp_path):
    sequences.write(dataset.assign(_moments(dataset)), tmp_path / "whole.zarr")
    whole = sequences.open(tmp_path / "whole.zarr").load()
    louder = whole.assign(velocity=whole.velocity.copy(data=1000 * whole.velocity.values + 3)).isel(
        time=slice(8, 72)
    )
    with pytest.raises(
        sequences.SequenceError,
        match=r"velocity_mean, sequence 0: .* mm/s, but that of its velocity is",
    ):
        sequences.check(louder)
    sequences.write(louder, tmp_path / "louder.zarr")
    clips = Clips(tmp_path / "louder.zarr")
    each = np.stack([clips[number].numpy() for number in range(len(clips))]).reshape(3, -1)
    np.testing.assert_allclose(each.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(each.std(axis=1), 1, atol=1e-4)
    sequences.append(tmp_path / "louder.zarr", louder.isel(sequence=[1]))
    kept = sequences.open(tmp_path / "louder.zarr").velocity_sd.values
    assert kept[3] == kept[1] == pytest.approx(louder.velocity[1].values.std(), rel=1e-5)


def test_what_has_no_moments_gets_none(dataset):
    assert with_moments(dataset) is dataset


def _moments(dataset):
    """Return the moments of a data set as its variables."""
    each = [standardisation(velocity) for velocity in dataset.velocity.values]
    return {
        name: (
            "sequence",
            np.concatenate([one[name] for one in each]),
            {"units": "mm/s", "long_name": name},
        )
        for name in ("velocity_mean", "velocity_sd")
    }
