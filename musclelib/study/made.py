"""What made a result: its step, the parameters and weights behind it, as one line kept with it.

`made by 15_compare_figures after 10_simulate, 12_in_vivo, 14_compare; parameters 1a2b3c4d; weights
none; musclelib 0.1.0; commit 1a2b3c4`; or `made by tests/FILE.py, which makes it again and
compares`; or, where this version cannot make it, `made at 1a2b3c4, not by this version: REASON`.
It is the first line of a CSV file, behind `# `, and the `Description` of a PNG file.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import yaml
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from musclelib.files import whole

_RUN_ONLY = ("workers", "scheduler", "replace", "interactive")  # change how, not what
_BY_THIS_VERSION = re.compile(
    r"made by (?P<step>make bench|\w+)(?: on [^;]+)?(?: after (?P<after>[\w, ]+))?"
    r"(?:; parameters (?P<parameters>\w{8}); weights (?P<weights>[^;]+))?"
    r"; musclelib (?P<version>[^;]+); commit [^;]*"
)
_BY_A_TEST = re.compile(r"made by (?P<test>tests/\S+\.py), which makes it again and compares")
_BY_ANOTHER_VERSION = re.compile(r"made at [0-9a-f]{7}, not by this version: .+")


def defaults(notebook: Path) -> dict[str, Any]:
    """Return the names and values that the parameters cell of a notebook assigns."""
    cells = nbformat.read(notebook, as_version=4).cells
    tagged = (cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    values = {}
    for node in ast.parse(next(tagged, "")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            values[ast.unparse(target)] = ast.literal_eval(node.value)
    return values


def of_step(
    step: str, notebook: Path, given: dict[str, Any], before: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what makes the results of a step: all steps with their parameters, and all weights.

    Parameters
    ----------
    step : str
        Its name, that of the executed notebook.
    notebook : Path
        The notebook, which its places are relative to.
    given : dict
        Parameters that differ from the notebook's.
    before : list of dict
        What this function returned for the steps that it needs.
    """
    values = defaults(notebook) | given
    steps, weights = {step: _of_result(values)}, {}
    if "weights" in values:
        folder = (notebook.parent / values["weights"]).resolve()
        for file in sorted(folder.glob("*.safetensors")):
            weights[f"{folder.name}/{file.stem}"] = _short(file.read_bytes())
    for other in before:
        steps |= other["steps"]
        weights |= other["weights"]
    return {"steps": steps, "weights": weights}


def line(step: str, about: dict[str, Any], commit: str) -> str:
    """Return the line for a result of a step, from what `of_step` returned for it."""
    after = ", ".join(sorted(set(about["steps"]) - {step}))
    weights = ", ".join(f"{name} {short}" for name, short in sorted(about["weights"].items()))
    return (
        f"made by {step}{' after ' + after if after else ''}; parameters {_digest(about['steps'])};"
        f" weights {weights or 'none'}; musclelib {version('musclelib')}; commit {commit}"
    )


def write(source: Path, target: Path, line: str) -> None:
    """Copy a table (CSV) or a figure (PNG), with the line that says what made it."""
    with whole(target) as new:
        if source.suffix == ".csv":
            new.write_text(f"# {line}\n{source.read_text()}")
        else:
            text = PngInfo()
            text.add_text("Description", line)
            with Image.open(source) as picture:
                picture.save(new, format="png", pnginfo=text, optimize=True)


def read_table(path: Path) -> tuple[str, pd.DataFrame]:
    """Return the line that says what made a table, and the table.

    Raises
    ------
    ValueError
        It begins without such a line.
    """
    first, _, rest = path.read_text().partition("\n")
    if not first.startswith("# made "):
        raise ValueError(f"{path}: its first line must say what made it, as '# made by STEP ...'")
    return first.removeprefix("# "), pd.read_csv(io.StringIO(rest))


def read_line(path: Path) -> str:
    """Return the line that says what made a table or a figure; an empty one where none does."""
    if path.suffix == ".png":
        with Image.open(path) as picture:
            return str(picture.info.get("Description", ""))
    return read_table(path)[0]


def difference(made: str, root: Path, scale: str) -> str:
    """Return what of such a line differs from what is at hand; nothing, where nothing does.

    Parameters
    ----------
    made : str
        The line.
    root : Path
        The checkout, with `notebooks` and `data/weights`.
    scale : str
        Whose parameters are meant: `demo`, `paper`.
    """
    if _BY_ANOTHER_VERSION.fullmatch(made):
        return ""
    if found := _BY_A_TEST.fullmatch(made):
        return "" if (root / found["test"]).is_file() else f"there is no {found['test']}"
    found = _BY_THIS_VERSION.fullmatch(made)
    if not found:
        return f"the line {made!r} says neither what made it nor at which commit"
    said = found.groupdict()
    if said["version"] != version("musclelib"):
        return f"it was made by musclelib {said['version']}; this is {version('musclelib')}"
    if said["step"] == "make bench":
        return ""
    for each in said["weights"].split(", ") if said["weights"] != "none" else []:
        name, _, short = each.rpartition(" ")
        file = root / "data" / "weights" / f"{name}.safetensors"
        if not file.is_file() or _short(file.read_bytes()) != short:
            return f"the weights {name} are others now, or gone"
    steps = [said["step"], *(said["after"].split(", ") if said["after"] else [])]
    given: dict[str, Any] = {}
    for name in ("recordings", scale):
        given |= yaml.safe_load((root / "notebooks" / "params" / f"{name}.yaml").read_text())
    present = {}
    for step in steps:
        notebook = notebook_of(step, root)
        if notebook is None:
            return f"there is no notebook for the step {step}"
        present[step] = _of_result(defaults(notebook) | given.get(step, {}))
    if _digest(present) != said["parameters"]:
        return f"the parameters of {', '.join(steps)} at {scale} scale are others now"
    return ""


def notebook_of(step: str, root: Path) -> Path | None:
    """Return the notebook of a step: of its name, or else of its number, as for a case of it."""
    found = list((root / "notebooks").glob(f"{step}.ipynb"))
    return next(iter(found or (root / "notebooks").glob(f"{step[:3]}*.ipynb")), None)


def _of_result(values: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that a result depends on: neither places nor how a step is run."""
    plain = json.loads(json.dumps(values))  # a tuple equals the list that YAML holds
    return {
        name: value
        for name, value in plain.items()
        if name not in _RUN_ONLY and not (isinstance(value, str) and value.startswith("../"))
    }


def _digest(steps: dict[str, dict[str, Any]]) -> str:
    return _short(json.dumps(steps, sort_keys=True).encode())


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]
