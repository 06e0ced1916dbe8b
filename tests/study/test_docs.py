"""README and docs as a reader finds them: short, with examples that run and places that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCS = sorted((ROOT / "docs").rglob("*.md"))
FILES = re.compile(r"`((?:\w[\w-]*/)*[\w-]+(?:\.py|\.ipynb|\.yaml|/))`")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_the_examples_of_the_readme_run_one_after_the_other(tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(first, names)
    assert names["dataset"].sizes["sequence"] == 2
    assert names["clips"][0].shape[:2] == (1, 32)
    exec(second, names)
    assert names["units"].sizes["sequence"] == 2
    assert (
        len((tmp_path / "units.csv").read_text().splitlines())
        == len(names["table"](names["units"])) + 1
    )
    assert len((tmp_path / "firings.csv").read_text().splitlines()) > 10


def test_every_notebook_is_in_the_order_of_reading():
    order = README.partition("## Read it in this order")[2].partition("\n## ")[0]
    ranges = [(int(low), int(high)) for low, high in re.findall(r"`(\d\d)` to `(\d\d)`", order)]
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        number = int(notebook.name[:2])
        assert number == 0 or any(low <= number <= high for low, high in ranges), notebook.name


@pytest.mark.parametrize("page", [ROOT / "README.md", *DOCS], ids=lambda path: path.stem)
def test_every_file_that_a_page_names_is_there(page):
    """As a whole path, or below the room that its section is about."""
    known = [
        path for path in ROOT.rglob("*") if not {".venv", ".git", "generated"} & set(path.parts)
    ]
    places = [
        f"/{path.relative_to(ROOT).as_posix()}{'/' if path.is_dir() else ''}" for path in known
    ]
    for name in FILES.findall(page.read_text()):
        if re.search("NAME|NN_|TASK", name):
            continue  # stands for the reader's own
        assert any(place.endswith(f"/{name}") for place in places), (page.name, name)


def test_the_architecture_names_every_room_and_file_of_the_package():
    text = (ROOT / "docs/architecture.md").read_text()
    for room in (ROOT / "musclelib").iterdir():
        if room.name.startswith("__pycache__") or room.suffix not in ("", ".py"):
            continue
        if room.is_dir():
            assert f"## `{room.name}`" in text, room.name
        elif room.name != "__init__.py":
            assert f"`{room.name}`" in text, room.name
