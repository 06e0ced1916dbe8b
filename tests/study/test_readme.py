import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from musclelib.study import made
from musclelib.study.readme import benchmark_table, fill, keep, mentioned

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
KEPT = sorted(path for path in REPORTS.glob("*/*/*") if path.suffix in (".csv", ".png"))
RECORD = "run `make record`, or see docs/how-to/step.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_numbers_of_a_page_are_those_of_the_kept_tables(page):
    text = page.read_text()
    assert fill(text, page, REPORTS) == text, RECORD


def test_the_pages_show_tables():
    assert sum(page.read_text().count("<!-- table ") for page in PAGES) > 15


@pytest.mark.parametrize("path", KEPT, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_kept_result_was_made_by_what_is_at_hand_or_says_that_it_was_not(path):
    scale = path.parts[-3]
    line = made.read_line(path)
    assert made.difference(line, ROOT, scale) == "", RECORD
    if commit := re.match("made at ([0-9a-f]{7})", line):
        known = subprocess.run(
            ["git", "-C", ROOT, "rev-parse", "--is-shallow-repository"],
            capture_output=True,
            text=True,
            check=False,
        )
        if known.stdout.strip() == "false":
            subprocess.run(["git", "-C", ROOT, "cat-file", "-e", commit[1]], check=True)
    assert path.stat().st_size < 400_000  # what is committed is small


def test_a_kept_result_is_one_that_its_notebook_keeps():
    """The notebooks say which figures and tables go into README and docs; nothing else stays."""
    flagged = {}
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        flagged[notebook.stem[:2]] = _flagged(notebook)
    for path in KEPT:
        if step := re.match(r"made by (\d\d)_", made.read_line(path)):
            fits = [name for name in flagged[step[1]] if re.fullmatch(name, path.stem)]
            assert fits, f"{path}: is no longer kept; remove it"


def _flagged(notebook):
    """Patterns of the figures and tables that a notebook shows with `readme=True`."""
    cells = json.loads(notebook.read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    calls = [
        node
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and any(
            word.arg == "readme" and getattr(word.value, "value", False) for word in node.keywords
        )
    ]
    return {_pattern(word) for call in calls for word in call.args} - {None}


def _pattern(word):
    """Pattern of the texts that a constant or a formatted text can be; None for anything else."""
    if isinstance(word, ast.Constant):
        return re.escape(word.value)
    if isinstance(word, ast.JoinedStr):
        return "".join(_pattern(part) or ".+" for part in word.values)
    return None


def test_every_kept_figure_and_table_is_shown():
    text = "".join(page.read_text() for page in PAGES)
    for path in KEPT:
        scale, kind, name = path.parts[-3:]
        assert mentioned(text, scale, f"{kind}/{name}"), path


def test_no_page_has_a_typed_result_in_its_prose():
    """A decimal from 0 to 1 outside tables, marks and code belongs to a table or a commit."""
    for page in PAGES:
        if page.stem == "choices" or page.parent.name == "how-to":
            continue  # parameters and their reasons; code
        text = re.sub(
            r"<!-- (table|cell) .*?<!-- (end|/cell) -->", "", page.read_text(), flags=re.S
        )
        text = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)
        for paragraph in text.split("\n\n"):
            said_when = re.search("made at|[Mm]easured at|[Pp]ublished", paragraph)
            typed = re.findall(r"\b0\.\d\d+\b", paragraph)
            assert not typed or said_when or "|" in paragraph, (page.name, typed, paragraph[:80])


def test_pictures_and_links_of_the_pages_are_there():
    for page in PAGES:
        for target in re.findall(r"\]\((?!\w+:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "reports" / "demo" / "tables" / "t.csv"
    path.parent.mkdir(parents=True)
    frame = pd.DataFrame({"a": ["x", "y"], "b": [0.12345, 7.0], "c": ["0.3 (0.1 to 0.4)", "–"]})
    path.write_text(
        "# made by 10_a; parameters 12345678; weights none\n" + frame.to_csv(index=False)
    )
    return path


def _filled(text, tmp_path):
    return fill(text, tmp_path / "docs" / "page.md", tmp_path / "reports")


def test_a_changed_number_is_noticed(table, tmp_path):
    page = "before\n<!-- table demo/t -->\n<!-- end -->\nafter"
    filled = _filled(page, tmp_path)
    assert filled == (
        "before\n<!-- table demo/t -->\n| a | b | c |\n| --- | --- | --- |\n"
        "| x | 0.12 | 0.3 (0.1 to 0.4) |\n| y | 7.00 | – |\n\n"
        "*[t.csv](../reports/demo/tables/t.csv), made by 10_a*\n<!-- end -->\nafter"
    )
    assert _filled(filled, tmp_path) == filled
    assert _filled(filled.replace("0.12", "0.99"), tmp_path) == filled


def test_a_table_of_another_version_says_so_above(table, tmp_path):
    text = table.read_text().partition("\n")[2]
    table.write_text(f"# made at 1234567, not by this version: it is old\n{text}")
    filled = _filled("<!-- table demo/t --><!-- end -->", tmp_path)
    above, _, rest = filled.partition("| a |")
    assert "*This table was made at 1234567, not by this version: it is old*" in above
    assert "made" not in rest


def test_a_sentence_quotes_a_cell(table, tmp_path):
    page = "F is <!-- cell demo/t; x; b; .3f -->9<!-- /cell -->, {}."
    low = "<!-- cell demo/t; x; c; .2f -->{}<!-- /cell -->"
    filled = _filled(page.format(low.format("")), tmp_path)
    assert filled == page.replace("9", "0.123").format(low.format("0.30"))
    assert _filled(filled, tmp_path) == filled


@pytest.mark.parametrize("cell", ["z; b", "x; d"])
def test_a_cell_that_is_not_there_is_named(table, tmp_path, cell):
    with pytest.raises(ValueError, match=r"t\.csv: [01] rows are '\w'; its columns"):
        _filled(f"<!-- cell demo/t; {cell}; .2f --><!-- /cell -->", tmp_path)


def test_a_table_that_no_run_has_made_yet_says_so(tmp_path):
    filled = _filled("<!-- table demo/gone --><!-- end -->", tmp_path)
    assert "*Not made yet by this version: `make study`" in filled
    with pytest.raises(FileNotFoundError, match=r"gone\.csv"):
        _filled("<!-- cell demo/gone; x; b; .2f --><!-- /cell -->", tmp_path)


def test_a_table_that_no_run_has_made_yet_is_one_that_a_notebook_keeps():
    names = set().union(*(_flagged(path) for path in (ROOT / "notebooks").glob("*.ipynb")))
    for page in PAGES:
        for mark, name in re.findall(r"<!-- table ([a-z]+/([a-z_\d]+)) -->", page.read_text()):
            made_of = REPORTS / mark.replace("/", "/tables/")
            assert made_of.with_suffix(".csv").is_file() or name in names, (page.name, mark)


def test_what_a_run_marks_is_kept_with_what_made_it(tmp_path):
    report = tmp_path / "demo" / "report"
    for kind in ("figures", "tables"):
        (report / kind).mkdir(parents=True)
        for name in ("one", "two"):
            pd.DataFrame({"a": [1]}).to_csv(report / kind / f"{name}.csv", index=False)
            Image.fromarray(np.zeros((4, 4), np.uint8)).save(report / kind / f"{name}.png")
    marks = [
        {"files": ["figures/one.svg", "figures/one.png"], "readme": True},
        {"files": ["tables/one.csv"], "readme": True},
        {"files": ["tables/two.csv"], "readme": False},
    ]
    about = {"made": {"steps": {"10_a": {}}, "weights": {}}, "commit": "1234567"}
    (tmp_path / "demo" / "steps").mkdir()
    for name, missing in (("10_a", None), ("11_b", "a film is missing")):
        notebook = nbformat.v4.new_notebook(metadata={"musclelib": about | {"missing": missing}})
        outputs = [
            nbformat.v4.new_output("display_data", {}, metadata={"musclelib": mark})
            for mark in marks
        ]
        notebook.cells = [nbformat.v4.new_code_cell("show", outputs=outputs)]
        nbformat.write(notebook, tmp_path / "demo" / "steps" / f"{name}.ipynb")
    assert keep(tmp_path / "demo", tmp_path / "none", "`reports/paper/tables/one.csv`") == []
    text = "![a](reports/demo/figures/one.png) <!-- table demo/one -->"
    kept = keep(tmp_path / "demo", tmp_path / "kept", text)
    assert kept == ["figures/one.png", "tables/one.csv"]
    assert sorted(path.name for path in (tmp_path / "kept").rglob("*.*")) == ["one.csv", "one.png"]
    for name in kept:
        assert made.read_line(tmp_path / "kept" / name).startswith("made by 10_a; parameters ")


def test_the_command_keeps_and_fills(tmp_path):
    """`make record`, on a run of one step and on benchmarks."""
    for name in ("demo/steps", "demo/report/tables", "docs"):
        (tmp_path / name).mkdir(parents=True)
    pd.DataFrame({"a": ["x"], "b": [0.5]}).to_csv(
        tmp_path / "demo/report/tables/t.csv", index=False
    )
    about = {"made": {"steps": {"10_a": {}}, "weights": {}}, "commit": "1234567", "missing": None}
    notebook = nbformat.v4.new_notebook(metadata={"musclelib": about})
    marks = {"musclelib": {"files": ["tables/t.csv"], "readme": True}}
    output = nbformat.v4.new_output("display_data", {}, metadata=marks)
    notebook.cells = [nbformat.v4.new_code_cell("show", outputs=[output])]
    nbformat.write(notebook, tmp_path / "demo/steps/10_a.ipynb")
    benchmark = {"name": "test_a", "fullname": "b.py::test_a", "params": None, "extra_info": {}}
    benchmark |= {"stats": {"min": 0.5}}
    (tmp_path / "b.json").write_text(json.dumps({"benchmarks": [benchmark]}))
    page = tmp_path / "docs" / "page.md"
    page.write_text("<!-- table demo/t --><!-- end -->\n<!-- table demo/benchmarks --><!-- end -->")
    command = [sys.executable, "-m", "musclelib", "record", "demo", "reports", "b.json", page]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert "| x | 0.500 |" in page.read_text()
    assert "made by 10_a*" in page.read_text()
    assert "| b | a | 0.500 | – |" in page.read_text()
    line = made.read_line(tmp_path / "reports/demo/tables/benchmarks.csv")
    assert made.difference(line, ROOT, "demo") == ""
    assert (tmp_path / "docs/rooms.svg").is_file()


def test_without_a_run_nothing_is_kept(tmp_path):
    with pytest.raises(FileNotFoundError, match="no executed step; first: make study"):
        keep(tmp_path / "demo", tmp_path / "kept", "")


def test_benchmarks_become_a_table_in_plain_words(tmp_path):
    items = [
        ("test_in_memory", None, {}),
        ("test_training_step[reader-False]", {"name": "reader", "half": False}, {"clips_per_s": 7}),
        ("test_training_step[twitch-True]", {"name": "twitch", "half": True}, {}),
        ("test_video[tissue velocity]", {"task": "tissue velocity"}, {"a": 1, "b": 2}),
    ]
    benchmarks = [
        {
            "name": name,
            "fullname": f"tests/benchmarks/test_networks.py::{name}",
            "params": params,
            "stats": {"min": 0.5},
            "extra_info": info,
        }
        for name, params, info in items
    ]
    (tmp_path / "b.json").write_text(json.dumps({"benchmarks": benchmarks}))
    table = benchmark_table(tmp_path / "b.json")
    assert table["Benchmark"].tolist() == [
        "in memory",
        "training step (reader)",
        "training step (twitch, half)",
        "video (tissue velocity)",
    ]
    assert set(table["Room"]) == {"networks"}
    assert table["Measured"].fillna("").tolist() == ["", "clips per s 7", "", "a 1; b 2"]
