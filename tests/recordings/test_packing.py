from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st

from musclelib.recordings.arrays import open_array

COUNTS = np.array([[[3, -7], [0, 100]], [[-100, 9], [-32768, 1]]], np.int16)
VALUES = COUNTS * 0.25 + 2


def _hdf5(path: Path, counts: np.ndarray, **attributes: Any) -> None:
    with h5py.File(path, "w") as file:
        file["v"] = counts
        file["v"].attrs.update(attributes)


def _netcdf4(path: Path, counts: np.ndarray, **attributes: Any) -> None:
    """As the netCDF library writes: attributes are arrays of one value, texts of fixed length."""
    texts = {name: np.bytes_(value) for name, value in attributes.items() if isinstance(value, str)}
    _hdf5(path, counts, **{name: np.array([value]) for name, value in attributes.items()} | texts)


def _zarr3(path: Path, counts: np.ndarray, **attributes: Any) -> None:
    plain = {
        name: getattr(value, "tolist", lambda value=value: value)()
        for name, value in attributes.items()
    }
    zarr.open_group(path, mode="w").create_array("v", data=counts, attributes=plain)


@pytest.mark.parametrize("write", [_hdf5, _netcdf4, _zarr3])
def test_counts_become_values(tmp_path: Path, write: Callable[..., None]) -> None:
    attributes = {
        "scale_factor": np.float32(0.25),
        "add_offset": np.float64(2),
        "_FillValue": np.int16(-32768),
    }
    write(tmp_path / "a", COUNTS, units="mm/s", **attributes)
    opened = open_array(tmp_path / "a", "v")
    np.testing.assert_array_equal(opened, np.where(COUNTS == -32768, np.nan, VALUES))
    assert opened.attrs["units"] == "mm/s"
    assert opened.attrs["unpacked"] == "scale_factor 0.25, add_offset 2.0, _FillValue -32768"
    # or they would be applied again
    assert not {"scale_factor", "add_offset", "_FillValue"} & set(opened.attrs)


def test_numbers_that_are_not_packed_stay_as_they_are(tmp_path: Path) -> None:
    _hdf5(tmp_path / "a.h5", COUNTS, long_name="velocity")
    _zarr3(
        tmp_path / "a.zarr", COUNTS.astype("f4"), _FillValue="AAAAAAAA+H8="
    )  # NaN, xarray's mark of all real numbers
    for name, dtype in (("a.h5", "i2"), ("a.zarr", "f4")):
        opened = open_array(tmp_path / name, "v")
        assert opened.dtype == dtype
        assert opened.attrs == {"source": name}


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(
    "encoding",
    [
        {"dtype": "int16", "scale_factor": 0.25, "add_offset": 2.0, "_FillValue": -32768},
        {"dtype": "int16", "_FillValue": -32768},
        {"dtype": "uint8", "_FillValue": 255, "scale_factor": 2.0},
        {"dtype": "float32", "_FillValue": -1.5},
        {"dtype": "float64", "missing_value": -1e20},
        {"dtype": "float32"},
        {"dtype": "int8", "_Unsigned": "true", "_FillValue": -1},
    ],
)
def test_what_xarray_packs_is_read_as_by_xarray(
    tmp_path: Path, encoding: dict[str, Any], zarr_format: int
) -> None:
    values = np.array([[1.0, np.nan], [4.0, 6.0]])
    made = xr.Dataset({"v": (("frame", "depth"), values)})
    made.to_zarr(
        tmp_path / "a", encoding={"v": encoding}, zarr_format=zarr_format, consolidated=False
    )
    opened = open_array(tmp_path / "a", "v", dims="frame depth")
    np.testing.assert_array_equal(opened, xr.open_zarr(tmp_path / "a", consolidated=False)["v"])
    if "scale_factor" not in encoding:
        np.testing.assert_array_equal(opened, values)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_the_fill_value_of_zarr_is_no_mark_of_missing_pixels(
    tmp_path: Path, zarr_format: int
) -> None:
    array = zarr.create_array(
        tmp_path / "a", shape=(2, 3), dtype="i2", fill_value=0, zarr_format=zarr_format
    )
    array[0] = [0, 1, 2]
    np.testing.assert_array_equal(open_array(tmp_path / "a", dims="a b"), [[0, 1, 2], [0, 0, 0]])


@given(
    counts=st.lists(st.integers(-128, 127), min_size=1),
    factor=st.floats(-10, 10).filter(bool),
    offset=st.floats(-10, 10),
    mark=st.integers(-128, 127),
)
def test_any_factor_offset_and_mark(
    tmp_path_factory: pytest.TempPathFactory,
    counts: list[int],
    factor: float,
    offset: float,
    mark: int,
) -> None:
    path = tmp_path_factory.mktemp("packed") / "a.h5"
    _hdf5(
        path,
        np.array(counts, np.int8),
        scale_factor=factor,
        add_offset=offset,
        missing_value=[mark, 1000],
    )
    wanted = [np.nan if count == mark else count * factor + offset for count in counts]
    np.testing.assert_array_equal(open_array(path, dims="time"), wanted)


def test_complex_counts_keep_both_parts(tmp_path: Path) -> None:
    pairs = np.array([(1, 2), (-3, 4), (9, 0)], [("real", "i2"), ("imag", "i2")])
    _hdf5(tmp_path / "a.h5", pairs, scale_factor=0.5, _FillValue=9)
    opened = open_array(tmp_path / "a.h5", dims="time")
    assert opened.dtype.kind == "c"
    np.testing.assert_array_equal(opened[:2], [0.5 + 1j, -1.5 + 2j])
    assert np.isnan(opened[2])
    _hdf5(tmp_path / "b.h5", pairs, valid_min=0)
    with pytest.raises(ValueError, match="v: has a valid range, but holds complex numbers"):
        open_array(tmp_path / "b.h5", dims="time")


def test_factors_of_real_numbers_are_applied_too(tmp_path: Path) -> None:
    _hdf5(tmp_path / "a.h5", np.array([1.5, -99], np.float32), scale_factor=10.0, _FillValue=-99.0)
    np.testing.assert_array_equal(open_array(tmp_path / "a.h5", dims="time"), [15, np.nan])


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"valid_range": np.array([-5, 5], "i2")}, [np.nan, -5, 0, 5, np.nan]),
        ({"valid_min": np.int16(-5)}, [np.nan, -5, 0, 5, 10]),
        # of the counts
        ({"valid_max": np.int16(5), "scale_factor": 0.1}, [-1, -0.5, 0, 0.5, np.nan]),
        # of the values
        ({"valid_range": [-0.6, 0.6], "scale_factor": 0.1}, [np.nan, -0.5, 0, 0.5, np.nan]),
    ],
)
def test_what_lies_outside_the_valid_range_is_missing(
    tmp_path: Path, attributes: dict[str, Any], wanted: list[float]
) -> None:
    _hdf5(tmp_path / "a.h5", np.array([-10, -5, 0, 5, 10], np.int16), **attributes)
    np.testing.assert_allclose(open_array(tmp_path / "a.h5", dims="time"), wanted)


def test_each_array_of_a_stack_is_unpacked_on_its_own(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number, factor in enumerate((0.5, 2.0)):
            file[f"frame_{number}"] = np.full((2, 3), 4, np.int16)
            file[f"frame_{number}"].attrs.update(scale_factor=factor, units="mm/s")
    opened = open_array(tmp_path / "a.h5", "frame_*")
    assert opened[:, 0, 0].values.tolist() == [2, 8]
    assert (opened.attrs["units"], opened.attrs["unpacked"]) == (
        "mm/s",
        "scale_factor 0.5; scale_factor 2.0",
    )
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["frame_1"].attrs["units"] = "cm/s"
    with pytest.raises(
        ValueError, match="frame_0 is in 'mm/s' and frame_1 in 'cm/s'; only arrays of one unit"
    ):
        open_array(tmp_path / "a.h5", "frame_*")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["frame_1"].attrs["units"]
    with pytest.raises(ValueError, match="frame_0 is in 'mm/s' and frame_1 in 'no unit'"):
        open_array(tmp_path / "a.h5", "frame_*")


@pytest.mark.parametrize(
    "attributes",
    [
        {"scale_factor": [0.1, 0.2]},
        {"scale_factor": 0.0},
        {"scale_factor": np.nan},
        {"add_offset": "much"},
        {"valid_range": [1, 2, 3]},
        {"_FillValue": h5py.Empty("f")},
    ],
)
def test_attributes_that_cannot_be_applied(tmp_path: Path, attributes: dict[str, Any]) -> None:
    _hdf5(tmp_path / "a.h5", COUNTS, **attributes)
    with pytest.raises(
        ValueError, match=rf"a\.h5: v: its attribute {next(iter(attributes))} = .* mend the file"
    ):
        open_array(tmp_path / "a.h5")


def test_unpacking_reads_no_values_until_it_must(tmp_path: Path) -> None:
    counts = np.zeros((2000, 50, 20), np.int16)
    _hdf5(tmp_path / "a.h5", counts, scale_factor=0.5)
    sent = pickle.dumps(open_array(tmp_path / "a.h5"))
    assert len(sent) < counts.nbytes / 100
    assert pickle.loads(sent)[3, :10].sum().compute() == 0
