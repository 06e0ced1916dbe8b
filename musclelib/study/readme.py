"""Keep the results of a run for README and docs, and write their numbers between the marks there.

`python -m musclelib record FOLDER REPORTS BENCHMARKS PAGE...`: FOLDER holds the executed steps
of one scale (`steps`) and what they showed (`report`). What a notebook showed with `readme=True`,
and a PAGE mentions, is kept in `REPORTS/SCALE`, with the line that says what made it. Each PAGE is
filled:

- a table: `<!-- table demo/NAME -->` up to `<!-- end -->`, which says so where no run has made it;
- a cell of it in a sentence: `<!-- cell demo/NAME; ROW; COLUMN; FORMAT -->` up to `<!-- /cell -->`,
  with the text of the first column, or of the first two with a comma between, as ROW.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import nbformat
import pandas as pd

from musclelib.files import whole
from musclelib.study import made, rooms
from musclelib.study.present import legible
from musclelib.study.run import provenance

_NOT_YET = "Not made yet by this version: `make study`, then `make record`."


def mentioned(text: str, scale: str, name: str) -> bool:
    """Return whether README and docs show a kept result, or name its file.

    Parameters
    ----------
    text : str
        All pages.
    scale : str
        Scale of the run.
    name : str
        Such as `tables/NAME.csv`.
    """
    stem = Path(name).stem
    marks = (f"<!-- table {scale}/{stem} -->", f"cell {scale}/{stem};", f"reports/{scale}/{name}")
    return any(mark in text for mark in marks)


def keep(folder: Path, kept: Path, text: str) -> list[str]:
    """Copy what the steps of a run showed for README and docs; return the names of the files.

    What no page mentions is left where it is, and so is what a step showed that a missing
    recording ended; what was kept of it before stays.

    Raises
    ------
    FileNotFoundError
        There is no executed step.
    """
    notebooks = sorted((folder / "steps").glob("[0-9]*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(f"{folder}/steps: no executed step; first: make study")
    names = []
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        about = notebook.metadata.musclelib
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        for output in outputs if not about.missing else []:
            marks = output.get("metadata", {}).get("musclelib", {})
            for name in marks.get("files", []) if marks.get("readme") else []:
                if not name.endswith(".svg") and mentioned(text, folder.name, name):
                    line = made.line(path.stem, about.made, about.commit)
                    made.write(folder / "report" / name, kept / name, line)
                    names.append(name)
    return names


def benchmark_table(path: Path) -> pd.DataFrame:
    """Return a row for each benchmark of pytest-benchmark's JSON: its best time and measures."""
    rows = []
    for item in json.loads(path.read_text())["benchmarks"]:
        file, _, _ = item["fullname"].partition("::")
        name, _, case = item["name"].removeprefix("test_").removesuffix("]").partition("[")
        if re.search("True|False", case):  # a switch is named where it is on
            switches = (item["params"] or {}).items()
            case = ", ".join(
                key if on is True else str(on) for key, on in switches if on is not False
            )
        measured = (f"{key.replace('_', ' ')} {value}" for key, value in item["extra_info"].items())
        rows.append(
            {
                "Room": Path(file).stem.removeprefix("test_"),
                "Benchmark": name.replace("_", " ") + (f" ({case})" if case else ""),
                "Best time [s]": item["stats"]["min"],
                "Measured": "; ".join(measured) or None,
            }
        )
    return pd.DataFrame(rows)


def fill(text: str, page: Path, reports: Path) -> str:
    """Return the text of a page with every table and cell as in the kept results.

    Parameters
    ----------
    text : str
        Markdown with marks.
    page : Path
        The file that it stands in, which links are relative to.
    reports : Path
        The folder with `SCALE/tables/NAME.csv`.

    Raises
    ------
    FileNotFoundError
        A table is missing that a cell is of.
    ValueError
        A table does not say what made it; or no cell, or several, are meant.
    """

    def place(name: str) -> Path:
        scale, _, table = name.partition("/")
        return reports / scale / "tables" / f"{table}.csv"

    def table(match: re.Match[str]) -> str:
        path = place(match[1])
        if not path.exists():
            return f"<!-- table {match[1]} -->\n*{_NOT_YET}*\n<!-- end -->"
        line, frame = made.read_table(path)
        shown = legible(frame)
        rows = [shown.columns, ["---"] * shown.shape[1], *shown.to_numpy()]
        lines = "\n".join("| " + " | ".join(row) + " |" for row in rows)
        link = f"[{path.name}]({os.path.relpath(path, page.parent)})"
        by_this_version = not line.startswith("made at")
        above = "" if by_this_version else f"*This table was {line}*\n\n"
        below = f"*{link}, {line.partition(';')[0]}*" if by_this_version else f"*{link}*"
        return f"<!-- table {match[1]} -->\n{above}{lines}\n\n{below}\n<!-- end -->"

    def cell(match: re.Match[str]) -> str:
        value = _cell(place(match[1]), *match.groups()[1:])
        return f"<!-- cell {'; '.join(match.groups())} -->{value}<!-- /cell -->"

    text = re.sub(r"<!-- table ([a-z]+/[a-z_\d]+) -->.*?<!-- end -->", table, text, flags=re.DOTALL)
    mark = r"<!-- cell ([a-z]+/[a-z_\d]+); ([^;]+); ([^;]+); (\S+) -->.*?<!-- /cell -->"
    return re.sub(mark, cell, text, flags=re.DOTALL)


def _cell(path: Path, row: str, column: str, form: str) -> str:
    """Return a number of a table, or the number that its text begins with, in a format."""
    frame = made.read_table(path)[1]
    first = frame.iloc[:, 0].astype(str)
    chosen = frame[(first == row) | (first + ", " + frame.iloc[:, 1].astype(str) == row)]
    if len(chosen) != 1 or column not in frame:
        raise ValueError(f"{path}: {len(chosen)} rows are {row!r}; its columns: {list(frame)}")
    return f"{float(str(chosen[column].item()).partition(' ')[0]):{form}}"


def main(folder: Path, reports: Path, benchmarks: Path, pages: Sequence[Path]) -> None:
    """Take over the results of the last run of a scale, and of the last benchmarks."""
    try:
        text = "".join(page.read_text() for page in pages)
        kept = keep(folder, reports / folder.name, text)
    except FileNotFoundError as error:
        sys.exit(str(error))
    if benchmarks.is_file():
        about = provenance()
        line = f"made by make bench on {about['device']}; musclelib {version('musclelib')}"
        table = benchmark_table(benchmarks).to_csv(index=False, lineterminator="\n")
        with whole(reports / "demo" / "tables" / "benchmarks.csv") as new:
            new.write_text(f"# {line}; commit {about['commit']}\n{table}")
    rooms.write(Path("docs/rooms.svg"))
    for page in pages:
        page.write_text(fill(page.read_text(), page, reports))
    print(f"{reports / folder.name}: {', '.join(sorted(kept))}")
