"""Observers' sheets: small workbooks made here, and the public ones where a mirror holds them."""

from pathlib import Path

import numpy as np
import openpyxl
import pytest

from musclelib.recordings.observers import (
    CLIP_PIXEL,
    read_clip_observers,
    read_lateral_gastrocnemius_observers,
    read_vastus_lateralis_observers,
)
from musclelib.recordings.sheets import read_sheets


def write_workbook(path, sheets):
    """Write sheets of rows, None for no cell."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_cells_come_by_sheet_and_column(tmp_path):
    write_workbook(
        tmp_path / "a.xlsx", {"one": [["Name", "x < y"], ["a", 2.5]], "two": [[None, 1]]}
    )
    assert read_sheets(tmp_path / "a.xlsx") == {
        "one": [{"A": "Name", "B": "x < y"}, {"A": "a", "B": 2.5}],
        "two": [{"B": 1.0}],
    }


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    (tmp_path / "a.xlsx").write_text("alpha,beta")
    with pytest.raises(ValueError, match="not an Excel workbook"):
        read_sheets(tmp_path / "a.xlsx")


def test_clips_are_counted_from_zero_in_millimetres_with_typing_errors_masked(tmp_path):
    title = ["Name", "Alpha (deg)", "Beta (deg)", "Height (pixels)", "Gamma (deg)"]
    rows = {
        "p6_isokinetic030_01": [title, ["push_04_101", 155.59, -2.0, 250.0, -4.0]],
        "p6_isometric_max_01": [title, ["push_01_69", 44.0, -2.0, 323.0, -4.0]],
        "Tim": [title, ["p6_isometric_max_01_push_01_69", 1.0, 1.0, 1.0, 1.0]],
    }
    for observer in (1, 2, 3):
        name = f"dataset3_for_manual_estimation_obs{observer}.xlsx"
        write_workbook(Path(tmp_path) / name, rows)
    found = read_clip_observers(tmp_path).set_index(image=["clip", "frame"])
    first = found.sel(clip="p6_isokinetic030_01_push_04", frame=100)
    assert np.array_equal(first["fascicle_angle"], [155.59, 155.59, np.nan], equal_nan=True)
    assert np.allclose(first["thickness"], 250 / 1.25 * CLIP_PIXEL)
    second = found.sel(clip="p6_isometric_max_01_push_01", frame=68)
    assert np.isnan(second["thickness"].sel(observer=3))
    assert np.allclose(second["fascicle_angle"], 44)
    assert np.allclose(second["superficial_angle"], -2)
    assert found.sizes["image"] == 2


def test_public_clips_hold_what_is_known_of_them(data_mirror):
    found = read_clip_observers(Path(data_mirror) / "gm_torque_angle" / "observers")
    assert found.sizes == {"image": 320, "observer": 3}
    for name, low, high in (("fascicle_angle", 12, 54), ("thickness", 16, 19.7)):
        assert low < float(found[name].min()) <= float(found[name].max()) < high
    assert found["deep_angle"].max() < 0
    assert int((found["fascicle_angle"].notnull().sum("observer") == 3).sum()) == 120


def test_public_vastus_lateralis_rises_to_the_right_and_one_human_errs_by_two_degrees(data_mirror):
    sheet = Path(data_mirror) / "vastus_lateralis" / "dataset1_for_manual_estimation.xlsx"
    angle = read_vastus_lateralis_observers(sheet)["fascicle_angle"]
    assert angle.max() < 0
    others = (angle.sum("observer") - angle) / 2
    error = np.sqrt(((angle - others) ** 2).mean("image"))
    assert np.all((error > 1.9) & (error < 2.5))


def test_public_lateral_gastrocnemius_has_the_authors_lengths(data_mirror):
    from scipy.io import loadmat

    folder = Path(data_mirror) / "gastrocnemius_fascicles" / "lateral_gastrocnemius"
    found = read_lateral_gastrocnemius_observers(folder)
    for task, name in (("jumping", "jump"), ("range_of_motion", "ROM")):
        ours = found["fascicle_length"].values[found["task"].values == task]
        authors = loadmat(folder / f"manual_estimates_LG_{name}.mat")["mfaslen"] * 10 / 115.25
        assert np.allclose(np.sort(ours, 1), np.sort(authors, 1), atol=0.05)
