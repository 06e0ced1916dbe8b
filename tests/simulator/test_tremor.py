import numpy as np
import pytest
from scipy.signal import periodogram

from musclelib import simulator


def test_it_has_the_size_and_the_frequency_that_are_told(dataset):
    moved = simulator.with_tremor(dataset, 2.0, seed=1)
    added = moved.velocity.values - dataset.velocity.values
    np.testing.assert_allclose(
        added.std(axis=(1, 2, 3)), 2 * dataset.velocity.values.std(axis=(1, 2, 3)), rtol=1e-4
    )
    frequency, power = periodogram(added.mean(axis=(2, 3)), 512.0, nfft=8192)
    assert ((frequency[power.argmax(axis=1)] > 5) & (frequency[power.argmax(axis=1)] < 15)).all()


def test_all_of_the_field_moves_at_once_as_a_plane(dataset):
    moved = simulator.with_tremor(dataset, 1.0)
    added = (moved.velocity - dataset.velocity).values[0].reshape(80, -1)
    strengths = np.linalg.svd(added, compute_uv=False)
    assert strengths[1] < 1e-5 * strengths[0]
    gain = np.abs(added).max(axis=0).reshape(12, 10)
    assert gain.max() / gain.min() == pytest.approx(1.8 / 0.2, rel=0.01)


def test_seed_and_sequence_make_another_tremor_and_size_0_none(dataset):
    one, again, other = (
        simulator.with_tremor(dataset, 1.0, seed).velocity.values for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    added = one - dataset.velocity.values
    assert not np.allclose(added[0] / added[0].std(), added[1] / added[1].std(), atol=0.1)
    assert not np.array_equal(one, other)
    assert simulator.with_tremor(dataset, 0.0).identical(dataset)
