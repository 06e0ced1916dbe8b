import os
import re
import signal
import subprocess
import sys

import holoviews as hv
import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from musclelib.study import Presenter, present
from musclelib.study.manifest import ReportError, remove
from musclelib.study.pages import build, digest

META = {"source": "a.ipynb", "parameters": {"seed": 3}, "seconds": 1.25, "missing": None}
TITLE = "# The first step\n\nWhat it is for: $a < b$.\n\nMore of it:\n\n$$ f(t) = \\frac{1}{t} $$"
MISSING = "a <film> is not at hand: put it there"


@pytest.fixture
def place(tmp_path):
    """An empty folder of a scale, the page of choices and the folder of the executed steps."""
    (tmp_path / "folder" / "steps").mkdir(parents=True)
    (tmp_path / "docs" / "how-to").mkdir(parents=True)
    (tmp_path / "docs/index.md").write_text("# The study\n\nWhat it is about.\n")
    (tmp_path / "docs/choices.md").write_text(
        "# Choices\n\n| a | b |\n|---|---|\n| 1 | $\\alpha$ |\n"
    )
    return tmp_path


def _output(data, **more):
    return nbformat.v4.new_output("display_data", {"text/plain": "plain", **data}, **more)


def _executed(place, name, *cells, title=TITLE, **meta):
    """Write an executed notebook; a cell is its code and its outputs."""
    notebook = nbformat.v4.new_notebook(metadata={"musclelib": META | meta})
    notebook.cells = [nbformat.v4.new_markdown_cell(title)]
    notebook.cells += [
        nbformat.v4.new_code_cell(source, outputs=list(outputs)) for source, *outputs in cells
    ]
    nbformat.write(notebook, place / "folder" / "steps" / f"{name}.ipynb")
    return place / "folder" / "steps" / f"{name}.ipynb"


def _built(place, *notebooks):
    build("smoke", place / "folder", place / "reports", list(notebooks), place / "docs")
    return {
        path.stem: BeautifulSoup(path.read_text(), "html.parser")
        for path in (place / "reports").glob("*.html")
    }


def _figure(place, name="simulated_sequence"):
    def draw(show):
        words = {"caption": '1 < 2, "both"', "alt": "A 'line' & <more>"}
        show.figure(hv.Curve([0, 2, 1]), name, **words, highlight=True)

    return "show.figure(...)", _shown(place, draw)


def _shown(place, draw):
    """The output of a cell that draws with a presenter."""
    kept = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(present, "display", lambda html, metadata: kept.append((html.data, metadata)))
        draw(Presenter(place / "folder" / "report"))
    ((data, metadata),) = kept
    return _output({"text/html": data}, metadata=metadata)


def test_the_pages_and_their_links(place):
    pages = _built(
        place, _executed(place, "01_a"), _executed(place, "02_b", title="# The second step")
    )
    assert set(pages) == {"index", "01_a", "02_b", "choices", "reference"}
    names = ["index.html", "01_a.html", "02_b.html", "choices.html", "reference.html"]
    for name, page in pages.items():
        assert page.html["lang"] == "en"
        assert [link["href"] for link in page.nav.find_all("a")] == names
        assert [link["href"] for link in page.nav.find_all("a", {"aria-current": "page"})] == [
            f"{name}.html"
        ]
        assert len(page.find_all("h1")) == 1
    steps = pages["index"].find(class_="steps")
    assert [link["href"] for link in steps.find_all("a")] == names[1:3]
    assert [link.get_text() for link in steps.find_all("a")] == [
        "The first step",
        "The second step",
    ]
    assert "What it is for" in steps.li.p.get_text()
    assert pages["02_b"].title.get_text().startswith("The second step")


def test_equations_are_mathml(place):
    page = _built(place, _executed(place, "01_a"))["01_a"]
    inline, block = page.main.find_all("math")
    assert (inline["display"], block["display"]) == ("inline", "block")
    assert inline.find("mo").get_text() == "<"
    assert block.find("mfrac").get_text() == "1t"
    assert "$" not in page.main.get_text()


def test_markdown_tables(place):
    page = _built(place, _executed(place, "01_a"))["choices"]
    assert [cell.get_text() for cell in page.main.find_all("td")] == ["1", "α"]
    assert page.main.td.find_next("td").math


def test_code_is_folded_and_its_outputs_are_not(place):
    cell = ("x = '<b>'", nbformat.v4.new_output("stream", name="stdout", text="made <b>\n"))
    page = _built(place, _executed(place, "01_a", cell))["01_a"]
    assert page.details.pre.get_text().strip() == "x = '<b>'"
    assert not page.details.has_attr("open")
    outside = [
        pre.get_text() for pre in page.main.find_all("pre") if not pre.find_parent("details")
    ]
    assert outside == ["made <b>\n"]


def test_scripts_and_progress_bars_stay_in_the_notebook(place):
    cell = (
        "pn.extension()",
        _output({"text/html": "<script>load()</script><p>widget</p>"}),
        _output({"application/vnd.holoviews_load.v0+json": "", "text/html": "loaded"}),
        nbformat.v4.new_output("stream", name="stderr", text="7/8 done"),
        _output({"text/html": "<table><tr><td>kept</td></tr></table>"}),
        _output({}),
    )
    page = _built(place, _executed(place, "01_a", cell))["01_a"]
    assert not page.find_all("script")
    page.details.extract()
    page.main.footer.extract()
    words = page.main.get_text()
    assert "kept" in words
    assert "plain" in words
    assert not re.search("load|widget|7/8", words)


def test_a_highlight_is_shown_on_the_first_page_and_its_files_lie_beside(place):
    pages = _built(place, _executed(place, "01_a", _figure(place)))
    section = pages["index"].section
    assert section.h2.get_text() == "The first step"
    assert section.a["href"] == "01_a.html"
    figure = pages["01_a"].find(id="simulated_sequence")
    assert figure.img["alt"] == "A 'line' & <more>"
    assert section.figure == figure
    targets = [link["href"] for link in section.figcaption.find_all("a")]
    assert targets == [f"figures/simulated_sequence.{kind}" for kind in ("svg", "png")]
    for target in targets:
        kept, given = place / "reports" / target, place / "folder" / "report" / target
        assert kept.read_bytes() == given.read_bytes()


def test_what_is_no_highlight_is_not_on_the_first_page(place):
    frame = pd.DataFrame({"a": [1]})
    output = _shown(place, lambda show: show.table(frame, "plain", caption="A table."))
    pages = _built(place, _executed(place, "01_a", ("show.table(...)", output)))
    assert pages["01_a"].find(id="plain-table")
    assert not pages["index"].find("table")


def test_the_first_page_begins_with_its_text(place):
    index = _built(place, _executed(place, "01_a"))["index"]
    assert index.title.get_text().startswith("The study")
    assert index.h1.get_text() == "The study"
    assert "What it is about." in index.main.get_text()


def test_links_of_a_text_become_those_of_the_report(place):
    (place / "docs/how-to/metric.md").write_text(
        "# Add a metric\n\n[choices](../choices.md) [a](../../reports/demo/tables/a.csv)"
        " [code](../../musclelib/a.py) [other](step.md#part) [far](https://example.org/a.md)\n"
    )
    (place / "docs/choices.md").write_text("# Choices\n\n[how](how-to/metric.md)\n")
    (place / "docs/rooms.svg").write_text("<svg/>")
    pages = _built(place, _executed(place, "01_a"))
    assert [link["href"] for link in pages["how-to-metric"].main.find_all("a")][:5] == [
        "choices.html",
        "demo/tables/a.csv",
        "../../musclelib/a.py",
        "how-to-step.html#part",
        "https://example.org/a.md",
    ]
    assert pages["choices"].main.a["href"] == "how-to-metric.html"
    assert (place / "reports/rooms.svg").read_text() == "<svg/>"


def test_a_figure_of_a_step_that_is_missing_now(place):
    """Its files are still there from a run that had the recording."""
    cell = _figure(place, "video_signals")
    _built(place, _executed(place, "06_v", cell))
    pages = _built(place, _executed(place, "06_v", cell, missing=MISSING))
    assert not pages["index"].find(id="video_signals")
    assert pages["index"].find(class_="steps").find("a")["href"] == "06_v.html"


def test_a_table_can_be_a_highlight(place):
    table = pd.DataFrame({"N x M": ["4 x 2"], "Corr mean": [0.123456], "Corr SD": [0.5]}, ["a - b"])
    output = _shown(
        place, lambda show: show.table(table, "comparison", caption="Table 1.", highlight=True)
    )
    index = _built(place, _executed(place, "01_a", ("show.table(...)", output)))["index"]
    cells = [cell.get_text() for cell in index.table.tbody.find_all(["th", "td"])]
    assert cells == ["a - b", "4 x 2", "0.12 (0.50)"]
    assert (place / "reports" / index.find("a", string="CSV")["href"]).is_file()


def test_stale_pages_and_files_go(place):
    first, second = (_executed(place, name, _figure(place, name)) for name in ("01_a", "02_b"))
    _built(place, first, second)
    for kind in ("png", "svg"):
        (place / "folder" / "report" / "figures" / f"02_b.{kind}").unlink()
    (place / "reports" / "README.md").write_text("mine")
    assert set(_built(place, first)) == {"index", "01_a", "choices", "reference"}
    assert sorted(path.name for path in (place / "reports" / "figures").iterdir()) == [
        "01_a.png",
        "01_a.svg",
    ]
    assert (place / "reports" / "README.md").read_text() == "mine"


def _files(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_pages_and_figures_of_a_user_stay(place):
    mine = [
        "mine.html",
        "figures/mine.png",
        "tables/mine.csv",
        "demo/figures/01_a.png",
        "notes/a.txt",
        ".hidden",
    ]
    for name in mine:
        (place / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "reports" / name).write_text("mine")
    first, second = (_executed(place, name, _figure(place, name)) for name in ("01_a", "02_b"))
    _built(place, first, second)
    _built(place, first)
    assert {name for name in mine if (place / "reports" / name).read_text() == "mine"} == set(mine)
    remove(place / "reports")
    assert sorted(path.as_posix() for path in _files(place / "reports")) == sorted(mine)


@pytest.mark.parametrize("name", ["index.html", "01_a.html", "figures/01_a.png"])
def test_what_is_in_the_way_of_a_report_is_refused_and_named(place, name):
    notebook = _executed(place, "01_a", _figure(place, "01_a"))
    (place / "reports" / name).parent.mkdir(parents=True)
    (place / "reports" / name).write_text("mine")
    with pytest.raises(ReportError, match=f"reports/{name}: in the way of the report"):
        _built(place, notebook)
    assert [path.as_posix() for path in _files(place / "reports")] == [name]
    (place / "reports" / name).unlink()
    _built(place, notebook)
    (place / "reports" / name).write_text("changed by hand")
    before = _files(place / "reports")
    with pytest.raises(ReportError, match=f"reports/{name}: in the way .* or changed since"):
        _built(place, notebook)
    assert _files(place / "reports") == before


def test_a_file_where_a_folder_must_be_is_refused(place):
    notebook = _executed(place, "01_a", _figure(place))
    (place / "reports").write_text("mine")
    with pytest.raises(ReportError, match="reports: is a file"):
        _built(place, notebook)
    (place / "reports").unlink()
    (place / "reports").mkdir()
    (place / "reports" / "figures").write_text("mine")
    with pytest.raises(ReportError, match="reports/figures: in the way"):
        _built(place, notebook)
    assert (place / "reports" / "figures").read_text() == "mine"


def test_a_page_that_was_changed_by_hand_is_not_removed_as_stale(place):
    first, second = (_executed(place, name) for name in ("01_a", "02_b"))
    _built(place, first, second)
    (place / "reports" / "02_b.html").write_text("mine now")
    _built(place, first)
    assert (place / "reports" / "02_b.html").read_text() == "mine now"


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '{"nbformat": 4}', '{"nbformat": 4, "nbformat_minor": 5, "cells": []}'],
)
def test_a_damaged_notebook_leaves_the_last_report_whole(place, damage):
    notebooks = [_executed(place, name, _figure(place, name)) for name in ("01_a", "02_b")]
    _built(place, *notebooks)
    before = _files(place / "reports")
    notebooks[1].write_text(damage)
    with pytest.raises(ReportError, match=r"02_b\.ipynb: cannot be read as an executed notebook"):
        _built(place, *notebooks)
    assert _files(place / "reports") == before


KILLED = """
import os, signal, sys
from pathlib import Path
import musclelib.study.{module} as module
from musclelib.study.pages import build

plain, left = {what}, [{after}]

def kills(*arguments, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*arguments, **options)

{what} = kills
place = Path(sys.argv[1])
pages = [Path(name) for name in sys.argv[2:]]
build("smoke", place / "folder", place / "reports", pages, place / "docs")
"""


def _killed(place, notebooks, module, what, after):
    script = KILLED.format(module=module, what=what, after=after)
    done = subprocess.run(
        [sys.executable, "-c", script, place, *notebooks], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_kill_while_a_report_is_made_leaves_the_last_one_whole(place):
    first, second = (_executed(place, name, _figure(place, name)) for name in ("01_a", "02_b"))
    _built(place, first)
    before = _files(place / "reports")
    for what in ("module._index", "module.shutil.copytree"):
        _killed(place, [first, second], "pages", what, 1)
        hidden = ".report.musclelib"
        assert {
            name: data
            for name, data in _files(place / "reports").items()
            if name.parts[0] != hidden
        } == before
    assert "02_b" in _built(place, first, second)
    assert not (place / "reports" / hidden).exists()


@pytest.mark.parametrize("after", [2, 5, 6, 7])  # files that were moved
def test_a_kill_in_the_moment_of_the_change_leaves_whole_files_and_is_mended(place, after):
    first = _executed(place, "01_a", _figure(place, "01_a"))
    _built(place, first)
    old = _files(place / "reports")
    second = _executed(place, "02_b", _figure(place, "02_b"))
    for path in (place / "folder" / "report" / "figures").glob("01_a.*"):
        path.unlink()  # is stale from now on
    (place / "reports" / "mine.html").write_text("mine")
    _killed(place, [second], "manifest", "module.os.replace", after)
    left = _files(place / "reports")
    _built(place, second)
    new = _files(place / "reports")
    assert {path.as_posix() for path in new} >= {
        "02_b.html",
        "figures/02_b.png",
        "mine.html",
        "index.html",
    }
    assert not {path.as_posix() for path in new} & {"01_a.html", "figures/01_a.png"}
    for path, data in left.items():
        if ".musclelib" not in path.parts[0]:
            assert data in (old.get(path), new.get(path)), path


def test_building_twice_gives_the_same_bytes(place):
    notebook = _executed(place, "01_a", _figure(place))
    kept = []
    for _ in range(2):
        _built(place, notebook)
        kept.append(
            {path: path.read_bytes() for path in (place / "reports").rglob("*") if path.is_file()}
        )
    assert kept[0] == kept[1]


def test_a_missing_step_is_said_plainly(place):
    missing = _executed(place, "05_v", ("1 + 1", _output({})), missing=MISSING)
    pages = _built(place, _executed(place, "01_a"), missing)
    assert pages["05_v"].main.find(class_="missing").get_text() == MISSING
    assert pages["05_v"].h1.get_text() == "The first step"
    assert not pages["05_v"].find_all("details")
    (said,) = pages["index"].find_all(class_="missing")
    assert said.get_text() == MISSING
    assert said.find_parent("li").a["href"] == "05_v.html"
    assert not pages["01_a"].find_all(class_="missing")


def test_provenance(place):
    store = place / "folder" / "a.zarr"
    store.mkdir()
    (store / "zarr.json").write_text("{}")
    pages = _built(place, _executed(place, "01_a"), _executed(place, "02_b", seconds=2.5))
    said = {
        term.get_text(): term.find_next("dd").get_text()
        for term in pages["01_a"].footer.find_all("dt")
    }
    assert (said["notebook"], said["parameters"].strip(), said["duration"]) == (
        "a.ipynb",
        "seed = 3",
        "1.2 s",
    )
    assert "numpy" in said["versions"]
    said = {
        term.get_text(): term.find_next("dd").get_text()
        for term in pages["index"].footer.find_all("dt")
    }
    assert said["SHA-256 of a.zarr"] == digest(store)
    assert said["duration"] == "3.8 s"


def test_a_page_asks_no_other_host(place):
    pages = _built(place, _executed(place, "01_a", _figure(place)))
    for page in pages.values():
        for tag in page.find_all(True):
            for name in ("src", "href", "srcset", "poster", "data", "action"):
                assert not re.match(r"\s*(https?:|//)", tag.get(name, "")), tag
        assert not re.search(r"@import|url\(", page.style.get_text())
        assert not page.find_all(["script", "iframe", "object", "embed"])


def test_the_digest_sees_one_byte_and_every_name(tmp_path):
    store = tmp_path / "a.zarr"
    (store / "c").mkdir(parents=True)
    (store / "zarr.json").write_bytes(b"{}")
    (store / "c" / "0").write_bytes(bytes(1000))
    before = digest(store)
    assert len(before) == 64
    os.utime(store / "c" / "0", (0, 0))
    assert digest(store) == before
    store.rename(tmp_path / "moved.zarr")
    assert digest(tmp_path / "moved.zarr") == before
    moved = tmp_path / "moved.zarr" / "c"
    (moved / "0").write_bytes(bytes(999) + b"\1")
    changed = digest(tmp_path / "moved.zarr")
    (moved / "0").write_bytes(bytes(1000))
    assert digest(tmp_path / "moved.zarr") == before
    (moved / "0").rename(moved / "1")
    assert len({before, changed, digest(tmp_path / "moved.zarr")}) == 3


def test_the_command_line(place):
    notebook = _executed(place, "01_a")
    arguments = ["demo", place / "folder", place / "reports", place / "docs", notebook]
    subprocess.run([sys.executable, "-m", "musclelib", "report", *map(str, arguments)], check=True)
    index = BeautifulSoup((place / "reports" / "index.html").read_text(), "html.parser")
    assert index.header.span.get_text() == "demo scale"
