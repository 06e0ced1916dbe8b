"""Every notebook is a short story: goals, parameters, one gate, short cells, exercises."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST = 25  # lines of code in a cell

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def _cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def _code_lines(source):
    """Lines that hold code, not only a comment."""
    lines = (line.strip() for line in source.splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


@every_notebook
def test_no_cell_is_longer_than_a_screen(path):
    long = {
        cell.id: count
        for cell in _cells(path, "code")
        if (count := _code_lines(cell.source)) > MOST
    }
    assert not long


@every_notebook
def test_it_begins_with_a_title_and_what_you_will_learn(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    goals = re.search(r"^You will learn\n\n((?:- .*\n?)+)", first.source, re.MULTILINE)
    assert goals, "a list after the line 'You will learn' is missing"
    assert 2 <= len(goals[1].strip().splitlines()) <= 4


@every_notebook
def test_every_parameter_has_its_reason_beside_it_and_one_gate_follows(path):
    parameters, gate, *rest = _cells(path, "code")
    assert parameters.metadata.get("tags") == ["parameters"]
    without = [line for line in parameters.source.splitlines() if "  # " not in line]
    assert not without
    assert gate.source.count("= gate(") == 1
    assert not [cell.id for cell in rest if "gate(" in cell.source]


@every_notebook
def test_no_later_cell_declares_what_looks_like_a_parameter(path):
    """The gate reads annotations: an annotated name of a later cell would become a parameter."""
    _, *rest = _cells(path, "code")
    for cell in rest:
        annotated = [
            node for node in ast.parse(cell.source).body if isinstance(node, ast.AnnAssign)
        ]
        assert not annotated, cell.id


@every_notebook
def test_it_ends_with_exercises_whose_solutions_are_folded(path):
    last = _cells(path, "markdown")[-1].source
    assert re.search(r"^## Exercises$", last, re.MULTILINE)
    exercises = re.findall(r"^(\d)\. ", last.split("<details>")[0], re.MULTILINE)
    solutions = re.findall(
        r"^<details><summary>Solution(?: (\d))?</summary>\n\n.+?\n</details>$",
        last,
        re.MULTILINE | re.DOTALL,
    )
    assert exercises
    assert len(solutions) == len(exercises) == last.count("<details>") == last.count("</details>")
    for block in re.findall(r"```python\n(.*?)```", last, re.DOTALL):
        ast.parse(block)


@every_notebook
def test_a_caption_says_what_to_notice(path):
    for cell in _cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                if keyword.arg == "caption":
                    text = ast.unparse(keyword.value)
                    assert "Notice" in text or not text, f"{cell.id}: {text[:60]}"


@every_notebook
def test_it_is_committed_without_outputs(path):
    for cell in _cells(path, "code"):
        assert not cell.outputs, cell.id
        assert cell.execution_count is None, cell.id
