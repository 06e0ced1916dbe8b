import dataclasses
import weakref

import cv2
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import ndimage
from skimage.metrics import structural_similarity as skimage_ssim

from musclelib.metrics.compare import Features, compare, content_consistency, summary
from musclelib.metrics.spatial import kspace_range

METRICS = ["D_Bhat", "Corr", "SSI", "Corr_PSD"]
FRAME_RATE = 128.0


def sequences(seed, count, scale=1.0, frames=64, size=24):
    """Moving textures `(time, depth, lateral)` with a log-normal gain of a given grain [pixels]."""
    for child in np.random.SeedSequence(seed).spawn(count):
        rng = np.random.default_rng(child)
        texture = ndimage.gaussian_filter(rng.standard_normal((size, size)), scale, mode="wrap")
        gain = np.exp(texture / texture.std())
        yield rng.standard_normal((frames, size, size)).astype(np.float32) * gain.astype(np.float32)


@pytest.fixture(scope="module")
def five():
    return Features.of(sequences(0, 5), FRAME_RATE)


@pytest.fixture(scope="module")
def three():
    return Features.of(sequences(1, 3, scale=3.0), FRAME_RATE)


def taken(features, order):
    values = {name: value[order] for name, value in vars(features).items() if name != "frequency"}
    return dataclasses.replace(features, **values)


class TestFeatures:
    def test_are_the_same_after_they_were_kept(self, tmp_path):
        kept = Features.of(sequences(0, 2), FRAME_RATE)
        kept.to_dataset().to_zarr(tmp_path / "a.zarr", group="set", consolidated=False)
        with xr.open_zarr(tmp_path / "a.zarr", group="set", consolidated=False) as opened:
            assert opened["kspace"].dims == ("sequence", "ky", "kx")
            again = Features.from_dataset(opened)
        for name, value in vars(kept).items():
            np.testing.assert_array_equal(getattr(again, name), value)

    def test_shapes(self, five):
        assert five.log_variance.shape == (5, 24, 24)
        assert five.histogram.shape == (5, 16)
        assert five.kspace.shape == (5, 11, 11)
        assert five.log_psd.shape == (5, *five.frequency.shape)

    def test_one_sequence_in_memory_at_a_time(self):
        alive = []

        def released():  # hands out of a list: a generator would itself keep what it yielded
            for index in range(4):
                assert all(reference() is None for reference in alive)
                box = list(sequences(index, 1))
                alive.append(weakref.ref(box[0]))
                yield box.pop()

        Features.of(released(), FRAME_RATE)
        assert len(alive) == 4

    def test_lazy_data_array_with_dims_in_any_order(self, five):
        array = xr.DataArray(
            np.stack(list(sequences(0, 5))), dims=("sequence", "time", "depth", "lateral")
        )
        lazy = array.transpose("lateral", "sequence", "depth", "time").chunk(sequence=1)
        for name, value in vars(Features.of(lazy, FRAME_RATE)).items():
            np.testing.assert_allclose(value, getattr(five, name), atol=1e-6)

    def test_wrong_input_raises(self):
        with pytest.raises(ValueError, match="no sequence"):
            Features.of([], FRAME_RATE)
        with pytest.raises(ValueError, match="sequence 1: velocity is constant"):
            Features.of([*sequences(0, 1), np.zeros((64, 24, 24))], FRAME_RATE)
        with pytest.raises(ValueError, match=r"sequence 0: .*frame_rate = -1"):
            Features.of(sequences(0, 1), -1.0)
        with pytest.raises(
            ValueError, match=r"sequence 1 has the shape \(64, 20, 20\), unlike sequence 0"
        ):
            Features.of([*sequences(0, 1), *sequences(0, 1, size=20)], FRAME_RATE)
        with pytest.raises(ValueError, match=r"sequence 1 has the shape \(32, 24, 24\), unlike"):
            Features.of([*sequences(0, 1), *sequences(0, 1, frames=32)], FRAME_RATE)
        with pytest.raises(ValueError, match=r"dims .*needed are"):
            Features.of(
                xr.DataArray(np.ones((2, 3, 4, 5)), dims=("a", "time", "depth", "lateral")), 1.0
            )


class TestCompare:
    def test_agrees_with_opencv_skimage_and_numpy(self, five, three):
        result = compare(five, three)
        assert list(result) == METRICS
        for i, j in np.ndindex(5, 3):
            p, q = (np.float32(f.histogram[k]) for f, k in ((five, i), (three, j)))
            reference = {
                "D_Bhat": cv2.compareHist(p, q, cv2.HISTCMP_BHATTACHARYYA),
                "Corr": cv2.compareHist(p, q, cv2.HISTCMP_CORREL),
                "SSI": skimage_ssim(
                    five.kspace[i], three.kspace[j], data_range=kspace_range((24, 24))
                ),
                "Corr_PSD": np.corrcoef(five.log_psd[i], three.log_psd[j])[0, 1],
            }
            for name, value in reference.items():
                assert result[name].values[i, j] == pytest.approx(value, abs=1e-5)

    def test_a_set_with_itself_leaves_out_the_diagonal(self, five):
        own, both = compare(five), compare(five, five)
        off = ~np.eye(5, dtype=bool)
        for name in METRICS:
            assert np.isnan(np.diag(own[name])).all()
            np.testing.assert_array_equal(own[name].values[off], both[name].values[off])
            np.testing.assert_allclose(both[name], both[name].T, atol=1e-5)
            np.testing.assert_allclose(np.diag(both[name]), 0 if name == "D_Bhat" else 1, atol=1e-5)

    def test_order_of_sequences_permutes_the_result(self, five, three):
        order = [3, 0, 4, 1, 2]
        result, permuted = compare(five, three), compare(taken(five, order), three)
        for name in METRICS:
            np.testing.assert_allclose(permuted[name], result[name][order], atol=1e-6)

    def test_gain_of_a_sequence_does_not_matter(self, five, three):
        louder = Features.of((s * 10.0**i for i, s in enumerate(sequences(0, 5))), FRAME_RATE)
        for name, values in compare(louder, three).items():
            np.testing.assert_allclose(values, compare(five, three)[name], atol=2e-3)

    def test_same_texture_is_closer_than_another(self):
        fine, coarse = (Features.of(sequences(s, 4, s, size=48), FRAME_RATE) for s in (1, 4))
        own, other = summary(compare(fine)), summary(compare(fine, coarse))
        assert own.loc["SSI", "mean"] > other.loc["SSI", "mean"] + 0.05

    def test_band_reaches_the_psd_correlation_alone(self, five, three):
        full, band = compare(five, three), compare(five, three, band=(10, 40))
        for name in METRICS[:3]:
            np.testing.assert_array_equal(full[name], band[name])
        inside = (five.frequency >= 10) & (five.frequency <= 40)
        expected = np.corrcoef(five.log_psd[2, inside], three.log_psd[1, inside])[0, 1]
        assert band["Corr_PSD"].values[2, 1] == pytest.approx(expected)

    def test_wrong_input_raises(self, five):
        with pytest.raises(ValueError, match="set of one sequence"):
            compare(taken(five, [0]))
        with pytest.raises(ValueError, match=r"maps of first are \(24, 24\), of second \(20, 20\)"):
            compare(five, Features.of(sequences(0, 1, size=20), FRAME_RATE))
        with pytest.raises(ValueError, match="frame rate and the segment must agree"):
            compare(five, Features.of(sequences(0, 1), 2 * FRAME_RATE))


def test_summary_is_mean_and_sample_sd_without_nan():
    matrix = np.array([[np.nan, 1.0], [3.0, np.nan]])
    table = summary(xr.Dataset({"Corr": (("first", "second"), matrix)}))
    expected = pd.DataFrame(
        {"mean": [2.0], "SD": [np.sqrt(2)]}, index=pd.Index(["Corr"], name="metric")
    )
    pd.testing.assert_frame_equal(table, expected)


class TestContentConsistency:
    def test_known_shift_a_row_a_pair(self):
        originals = [
            np.pad(s - s.mean(axis=0), ((20, 20), (0, 0), (0, 0))) for s in sequences(0, 2, size=4)
        ]
        originals[1][:, 0, :] = 0
        table = content_consistency(originals, (np.roll(s, 3, axis=0) for s in originals), 1000.0)
        np.testing.assert_allclose(table[["Lag", "Lag_SD"]], [[3, 0], [3, 0]], atol=1e-5)
        np.testing.assert_allclose(table[["xCorr", "xCorr_SD"]], [[1, 0], [1, 0]], atol=1e-5)
        assert list(table["pixels"]) == [16, 12]

    def test_wrong_input_raises(self):
        one = list(sequences(0, 1, size=4))
        with pytest.raises(ValueError, match="pair 0: every pixel is constant"):
            content_consistency(one, [np.zeros((64, 4, 4))], 100.0)
        with pytest.raises(ValueError, match="pair 0: first has the shape"):
            content_consistency(one, [np.zeros((63, 4, 4))], 100.0)
        with pytest.raises(ValueError, match="shorter"):
            content_consistency(one * 2, one, 100.0)
