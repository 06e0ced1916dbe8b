"""Measures as zarr and CSV."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musclelib.muscle_state.own_video import (
    measure_video,
    open_own_video,
    read_measures,
    write_measures,
)


@pytest.fixture(scope="module")
def measures(film):
    return measure_video(open_own_video(film, crop=(0, 0, 320, 240), pixel_size=0.1, last=0.07))


def test_the_store_comes_back_as_it_was(tmp_path, measures):
    write_measures(measures, tmp_path / "a.zarr")
    xr.testing.assert_identical(read_measures(tmp_path / "a.zarr"), measures)


def test_the_table_has_a_row_a_frame_and_units_in_its_header(tmp_path, measures):
    table = pd.read_csv(write_measures(measures, tmp_path / "a.zarr"))
    assert len(table) == 4
    np.testing.assert_allclose(table["time [s]"], measures.time)
    np.testing.assert_allclose(table["fascicle length [mm]"], measures.fascicle_length)
    np.testing.assert_allclose(table["pennation [deg]"], measures.pennation)
    middle = measures.deep_row[:, 160]
    np.testing.assert_allclose(table["deep row, middle column [pixel]"], middle, rtol=1e-6)
    assert "confidence" in table


def test_what_is_there_is_refused_unless_replace(tmp_path, measures):
    write_measures(measures, tmp_path / "a.zarr")
    with pytest.raises(ValueError, match=r"a.zarr exists; choose another name, or set replace"):
        write_measures(measures, tmp_path / "a.zarr")
    write_measures(measures.isel(time=slice(2)), tmp_path / "a.zarr", replace=True)
    assert read_measures(tmp_path / "a.zarr").sizes["time"] == 2
    assert len(pd.read_csv(tmp_path / "a.csv")) == 2
    (tmp_path / "b.csv").write_text("mine")
    with pytest.raises(ValueError, match=r"b.csv exists"):
        write_measures(measures, tmp_path / "b.zarr")


def test_folders_of_others_are_left_alone(tmp_path, measures):
    other = tmp_path / "other.zarr"
    xr.Dataset({"mine": ("x", [1.0])}).to_zarr(other, zarr_format=3, consolidated=False)
    with pytest.raises(ValueError, match="is not a store of measures and is left alone"):
        write_measures(measures, other, replace=True)
    assert xr.open_zarr(other, consolidated=False).mine.values.tolist() == [1.0]
    write_measures(measures, tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds other files \(notes.txt\)"):
        write_measures(measures, tmp_path / "a.zarr", replace=True)
    with pytest.raises(ValueError, match=r"must end in .zarr"):
        write_measures(measures, tmp_path / "folder")


def test_a_damaged_or_foreign_store_is_not_read(tmp_path, measures):
    write_measures(measures, tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "thickness" / "c" / "0").unlink()
    with pytest.raises(ValueError, match="thickness is missing, the store is damaged"):
        read_measures(tmp_path / "a.zarr")
    with pytest.raises(ValueError, match="there is no store of measures"):
        read_measures(tmp_path / "nothing.zarr")
