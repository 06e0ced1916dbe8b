"""Observers' measurements of fascicles on public images, in the orientation of the images.

Three data sets of TimTrack (van der Zee and Kuo 2022) hold angles and heights that observers
measured by hand. Here angles [deg] are positive where a structure runs down to the right.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from musclelib.recordings.sheets import read_sheets

CLIP_PIXEL = 0.0883  # mm, of the clips of the gastrocnemius medialis (p6_params.mat)
LATERAL_PIXEL = 10 / 115.25  # mm, of the lateral gastrocnemius
_ENLARGED = 1.25  # the observers' pictures of the clips, against the video

# Typing errors in the sheets of the clips, by observer, clip and frame: an angle of 155.59 degrees,
# a height that is 100 pixels too large, and two deep aponeuroses with the sign left out.
_TYPING_ERRORS = {
    (3, "p6_isokinetic030_01_push_04", 101): "fascicle_angle",
    (3, "p6_isometric_max_01_push_01", 69): "thickness",
    (2, "p6_isokinetic500_02_push_04", 47): "deep_angle",
    (2, "p6_passive_ROM_01_push_05", 342): "deep_angle",
}


def read_clip_observers(folder: str | Path) -> xr.Dataset:
    """Read the observers' measurements of the clips of the gastrocnemius medialis.

    The observers' pictures were mirrored left to right and 1.25 times as large as the video. A
    mirror changes the sign of an angle, and so does our convention, so that the angles of the
    sheets hold as they are. Four typing errors are masked.

    Parameters
    ----------
    folder : str or Path
        Folder of the three workbooks `dataset3_for_manual_estimation_obs*.xlsx`.

    Returns
    -------
    Dataset
        `fascicle_angle`, `superficial_angle`, `deep_angle` [deg] and `thickness` [mm] by
        `(image, observer)`, NaN where an observer measured nothing; coordinates `clip`, the name
        of the video, and `frame`, counted from 0. `thickness` is the distance between the
        aponeuroses along the depth.

    Raises
    ------
    FileNotFoundError, ValueError
        A workbook is missing or is none.
    """
    rows: list[dict[str, object]] = []
    for observer, series, cells in _sheets(folder, 3):
        if not series.startswith("p6_"):
            continue  # a copy of other sheets
        titles = {_title(text): column for column, text in cells[0].items()}
        rows += [_clip_row(observer, series, row, titles) for row in cells[1:] if "A" in row]
    return _dataset(pd.DataFrame(rows), ["clip", "frame"])


def read_vastus_lateralis_observers(path: str | Path) -> xr.Dataset:
    """Read the observers' measurements of the images of the vastus lateralis.

    Parameters
    ----------
    path : str or Path
        Workbook `dataset1_for_manual_estimation.xlsx`.

    Returns
    -------
    Dataset
        `fascicle_angle` and `superficial_angle` [deg], `superficial_row` and `deep_row` [pixel],
        the rows of the inner edges of the aponeuroses at the left edge of the
        image (drawn upon the images, there they lie), by `(image, observer)`; coordinates
        `participant`, such as "S1", `leg`, "L" or "R", and `step`. The size of a pixel is not
        known, so that there is no thickness in millimetres.

    Raises
    ------
    FileNotFoundError, ValueError
        The workbook is missing or is none.
    """
    rows: list[dict[str, object]] = []
    for observer, cells in enumerate(read_sheets(path).values(), start=1):
        for row in cells[1:]:
            if "D" in row:
                found = _angles_and_rows(row, "DEFG")
                step = int(float(row["C"]))
                name = {"participant": f"S{float(row['A']):.0f}", "leg": row["B"], "step": step}
                rows.append({"observer": observer, **name, **found})
    return _dataset(pd.DataFrame(rows), ["participant", "leg", "step"])


def read_lateral_gastrocnemius_observers(folder: str | Path) -> xr.Dataset:
    """Read the observers' measurements of two sequences of the lateral gastrocnemius.

    Parameters
    ----------
    folder : str or Path
        Folder of the three workbooks `dataset2_for_manual_estimation_obs*.xlsx`.

    Returns
    -------
    Dataset
        As `read_vastus_lateralis_observers`, and `pennation` [deg] to the superficial aponeurosis,
        `thickness` and `fascicle_length` [mm], by `(image, observer)`; coordinates `task`,
        "jumping" or "range_of_motion", and `frame`, as in the names of the images. Thickness is
        perpendicular to the superficial aponeurosis, and a fascicle's length is the thickness
        through the sine of the pennation, as in the authors' own `manual_estimates_LG_*.mat`.

    Raises
    ------
    FileNotFoundError, ValueError
        A workbook is missing or is none.
    """
    rows: list[dict[str, object]] = []
    for observer, task, cells in _sheets(folder, 2):
        for row in cells[1:]:
            if "A" in row:
                name = {"observer": observer, "task": task, "frame": int(float(row["A"]))}
                rows.append({**name, **_angles_and_rows(row, "BCDE")})
    found = _dataset(pd.DataFrame(rows), ["task", "frame"])
    pennation = abs(found["fascicle_angle"] - found["superficial_angle"])
    height = (found["deep_row"] - found["superficial_row"]) * LATERAL_PIXEL
    thickness = height * np.cos(np.radians(found["superficial_angle"]))
    length = thickness / np.sin(np.radians(pennation))
    return found.assign(
        pennation=pennation.assign_attrs(units="deg"),
        thickness=thickness.assign_attrs(units="mm"),
        fascicle_length=length.assign_attrs(units="mm"),
    )


def _sheets(
    folder: str | Path, number: int
) -> Iterator[tuple[int, str, list[dict[str, str | float]]]]:
    """Yield observer, name and rows of each sheet of a data set's three workbooks."""
    for observer in (1, 2, 3):
        workbook = Path(folder) / f"dataset{number}_for_manual_estimation_obs{observer}.xlsx"
        for name, cells in read_sheets(workbook).items():
            yield observer, name, cells


def _title(text: object) -> str:
    return str(text).split(" (")[0].strip().lower()


def _clip_row(
    observer: int, series: str, row: dict[str, str | float], titles: dict[str, str]
) -> dict[str, object]:
    push, frame = str(row["A"]).rsplit("_", 1)
    clip, number = f"{series}_{push}", int(frame)
    found = {
        name: float(row.get(titles.get(title, ""), np.nan))
        for name, title in (
            ("fascicle_angle", "alpha"),
            ("superficial_angle", "beta"),
            ("deep_angle", "gamma"),
            ("thickness", "height"),
        )
    }
    found["thickness"] *= CLIP_PIXEL / _ENLARGED
    error = _TYPING_ERRORS.get((observer, clip, number))
    if error:
        found[error] = np.nan
    return {"observer": observer, "clip": clip, "frame": number - 1} | found


def _angles_and_rows(row: dict[str, str | float], columns: str) -> dict[str, float]:
    alpha, beta, superficial, deep = (float(row.get(column, np.nan)) for column in columns)
    return {
        "fascicle_angle": -alpha,  # these sheets count angles positive where a line rises
        "superficial_angle": -beta,
        "superficial_row": superficial,
        "deep_row": deep,
    }


def _dataset(table: pd.DataFrame, keys: list[str]) -> xr.Dataset:
    """Return the table by image and observer."""
    stacked = table.set_index([*keys, "observer"]).to_xarray().stack(image=keys)
    found = stacked.transpose("image", "observer").dropna("image", how="all").reset_index("image")
    for name, values in found.data_vars.items():
        unit = {"thickness": "mm"}.get(str(name), "pixel" if str(name).endswith("row") else "deg")
        values.attrs["units"] = unit
    return found
