"""Read the cells of an Excel workbook (xlsx)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException


def read_sheets(path: str | Path) -> dict[str, list[dict[str, str | float]]]:
    """Read the rows of every sheet: the values of its cells, by the letters of their columns.

    Formulas count by the value that was stored with them. Empty cells are left out.

    Parameters
    ----------
    path : str or Path
        Workbook, xlsx.

    Returns
    -------
    dict of str to list of dict
        The rows of each sheet by the name of the sheet, such as `{"A": "push_01_10", "B": 17.8}`.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The file is not a workbook.
    """
    try:
        book = openpyxl.load_workbook(path, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError) as error:
        raise ValueError(f"{path} is not an Excel workbook (xlsx): {error}") from error
    return {
        sheet.title: [
            {cell.column_letter: cell.value for cell in row if cell.value is not None}
            for row in sheet.iter_rows()
        ]
        for sheet in book.worksheets
    }
