"""Observers' sheets: small workbooks made here, and the public ones where a mirror holds them."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest

from musclelib.recordings.observers import (
    CLIP_PIXEL,
    read_clip_observers,
    read_lateral_gastrocnemius_observers,
    read_vastus_lateralis_observers,
)
from musclelib.recordings.sheets import read_sheets

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def write_workbook(path, sheets):
    """Write sheets of rows: texts as shared ones, numbers, None for no cell."""
    texts = []

    def cell(row, column, value):
        place = f"{chr(65 + column)}{row + 1}"
        if isinstance(value, str):
            texts.append(value)
            return f'<c r="{place}" t="s"><v>{len(texts) - 1}</v></c>'
        return f'<c r="{place}"><v>{value}</v></c>'

    with zipfile.ZipFile(path, "w") as archive:
        names, links = "", ""
        for number, (name, rows) in enumerate(sheets.items(), start=1):
            names += f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
            links += f'<Relationship Id="rId{number}" Target="worksheets/sheet{number}.xml"/>'
            body = "".join(
                f'<row r="{r + 1}">'
                + "".join(cell(r, c, value) for c, value in enumerate(row) if value is not None)
                + "</row>"
                for r, row in enumerate(rows)
            )
            sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/sheet{number}.xml", sheet)
        book = f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
        archive.writestr("xl/workbook.xml", book)
        relations = f'<Relationships xmlns="{PACKAGE}">{links}</Relationships>'
        archive.writestr("xl/_rels/workbook.xml.rels", relations)
        items = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{items}</sst>')


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
