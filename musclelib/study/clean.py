"""Remove what was generated and is marked as made by this package; name what is left.

`python -m musclelib clean FOLDER REPORTS`: FOLDER holds stores, runs and executed notebooks,
REPORTS the report.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
from safetensors import SafetensorError, safe_open

from musclelib.files import MARK, clear
from musclelib.identification.store import IDENTIFIED
from musclelib.sequences import SequenceError
from musclelib.sequences.removal import remove_marked
from musclelib.sequences.store import COUNT
from musclelib.study.manifest import remove


def clean(folder: Path) -> list[Path]:
    """Remove stores, executed notebooks, checkpoints and what a kill left.

    Return the files that stay.
    """
    for path in list(folder.rglob(f".*.musclelib/{MARK}")):
        clear(path.parent)
    for path in list(folder.rglob("zarr.json")):
        for mark in {COUNT, IDENTIFIED} & _metadata(path).keys():
            try:
                remove_marked(path.parent, mark)
            except SequenceError as error:
                print(error)
    for path in [*folder.rglob("*.ipynb"), *folder.rglob("*.safetensors")]:
        if "musclelib" in _metadata(path):
            path.unlink()
    for place, _, _ in os.walk(folder, topdown=False):
        if not os.listdir(place):
            os.rmdir(place)
    return [path for path in folder.rglob("*") if path.is_file()]


def _metadata(path: Path) -> dict[str, object]:
    """Return the attributes of a store, or the metadata of a notebook or of tensors.

    None of what cannot be read.
    """
    try:
        if path.suffix == ".json":
            return dict(json.loads(path.read_text())["attributes"])
        if path.suffix == ".ipynb":
            return dict(nbformat.read(path, as_version=4).metadata)
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (OSError, LookupError, ValueError, TypeError, AttributeError, SafetensorError):
        return {}


def main(folder: Path, reports: Path) -> None:
    """Remove a report and what was generated; tell what stays."""
    remove(reports)
    left = clean(folder)
    if left:
        print(
            f"{len(left)} files of {folder} stay, since nothing in them says that"
            f" musclelib made them; if none of them is yours: rm -r {folder}"
        )
