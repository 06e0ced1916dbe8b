"""Read the cells of an Excel workbook (xlsx), which is a zip archive of XML files."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


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
        with zipfile.ZipFile(path) as archive:
            texts = _shared_texts(archive)
            links = {
                str(link.get("Id")): str(link.get("Target"))
                for link in _parse(archive, "xl/_rels/workbook.xml.rels")
            }
            return {
                str(sheet.get("name")): _rows(archive, links[str(sheet.get(_LINK))], texts)
                for sheet in _parse(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet")
            }
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise ValueError(f"{path} is not an Excel workbook (xlsx): {error}") from error


def _parse(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(name))


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    """Return the texts that cells name by their number."""
    name = "xl/sharedStrings.xml"
    if name not in archive.namelist():
        return []
    return [
        "".join(part.text or "" for part in item.iter(f"{_MAIN}t"))
        for item in _parse(archive, name)
    ]


def _rows(archive: zipfile.ZipFile, target: str, texts: list[str]) -> list[dict[str, str | float]]:
    name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    rows = []
    for row in _parse(archive, name).iter(f"{_MAIN}row"):
        cells: dict[str, str | float] = {}
        for cell in row.iter(f"{_MAIN}c"):
            value = cell.find(f"{_MAIN}v")
            if value is None or value.text is None:
                continue
            column = re.sub(r"\d", "", str(cell.get("r")))
            kind = cell.get("t", "n")
            if kind == "s":
                cells[column] = texts[int(value.text)]
            else:
                cells[column] = float(value.text) if kind == "n" else value.text
        rows.append(cells)
    return rows
