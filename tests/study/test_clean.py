import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from musclelib import sequences
from musclelib.files import marked
from musclelib.study.clean import clean
from musclelib.study.manifest import take_over
from musclelib.training import checkpoint

ROOT = Path(__file__).parents[2]
MINE = [
    "data/generated/mine/thesis.txt",
    "data/generated/demo/notes.txt",
    "data/generated/demo/mine.ipynb",
    "data/generated/demo/mine.safetensors",
    "data/generated/demo/damaged.zarr/zarr.json",
    "reports/mine.html",
    "reports/figures/mine.png",
    "reports/demo/figures/01_a.png",
]


@pytest.fixture
def place(dataset, tmp_path):
    """Generated files of a checkout, those that a kill left, and those of a user."""
    demo = tmp_path / "data/generated/demo"
    sequences.write(dataset, demo / "a.zarr")
    checkpoint.write(demo / "run" / "last.safetensors", {"a": torch.zeros(1)}, {"step": 1})
    notebook = nbformat.v4.new_notebook(metadata={"musclelib": {"source": "a.ipynb"}})
    (demo / "steps").mkdir()
    nbformat.write(notebook, demo / "steps" / "a.ipynb")
    (marked(demo / ".b.zarr.musclelib") / "b.zarr").mkdir()
    for name in ("index.html", "figures/a.png"):
        (tmp_path / "new" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "new" / name).write_text("made")
    take_over(tmp_path / "new", tmp_path / "reports")
    shutil.rmtree(tmp_path / "new")
    for name in MINE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    return tmp_path


def _files(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_make_clean_removes_what_is_marked_and_tells_of_the_rest(place):
    shutil.copy(ROOT / "Makefile", place)
    done = subprocess.run(
        ["make", "clean", f"BIN={Path(sys.executable).parent}"],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert _files(place) == sorted([*MINE, "Makefile"])
    assert "5 files of data/generated stay" in done.stdout
    assert not (place / "data/generated/demo/steps").exists()


def test_a_store_with_files_of_a_user_stays_whole_and_is_named(place, capsys):
    demo = place / "data/generated/demo"
    (demo / "a.zarr" / "notes.txt").write_text("mine")
    before = _files(demo / "a.zarr")
    left = clean(place / "data/generated")
    assert _files(demo / "a.zarr") == before
    assert demo / "a.zarr" / "notes.txt" in left
    assert "a.zarr: not only a store is in this folder" in capsys.readouterr().out


def test_what_a_link_points_to_stays(place, dataset):
    sequences.write(dataset, place / "elsewhere" / "b.zarr")
    (place / "data/generated/demo/b.zarr").symlink_to(place / "elsewhere" / "b.zarr")
    clean(place / "data/generated")
    sequences.check(sequences.open(place / "elsewhere" / "b.zarr"))


def test_nothing_generated_is_nothing_to_clean(tmp_path):
    assert clean(tmp_path / "data/generated") == []
