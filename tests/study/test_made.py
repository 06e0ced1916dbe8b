import json
import re
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from musclelib.study import made

ANOTHER = "made at 1234567, not by this version: its method has changed"


@pytest.fixture
def root(tmp_path):
    """A checkout with two steps, of which one has weights, and their parameters at demo scale."""
    for name, cell in {
        "10_simulate": 'folder: str = "../data"\ncount: int = 4  # sequences\nworkers: int = 1',
        "21_translate": (
            'folder: str = "../data"\nweights: str = "../data/weights/a"\nnoise = (1, 2)'
        ),
    }.items():
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(cell, metadata={"tags": ["parameters"]})]
        (tmp_path / "notebooks" / "params").mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "notebooks/params/recordings.yaml").write_text("10_simulate: {seed: 3}\n")
    (tmp_path / "notebooks/params/demo.yaml").write_text("10_simulate: {count: 8}\n")
    (tmp_path / "data/weights/a").mkdir(parents=True)
    (tmp_path / "data/weights/a/one.safetensors").write_bytes(b"weights")
    return tmp_path


def _line(root, **given):
    """The line of a result of the second step, run with other places and more workers."""
    notebooks = root / "notebooks"
    first = {"count": 8, "folder": "../data/generated/demo", "workers": 2} | given
    before = made.of_step("10_simulate", notebooks / "10_simulate.ipynb", first, [])
    about = made.of_step(
        "21_translate", notebooks / "21_translate.ipynb", {"noise": [1, 2]}, [before]
    )
    return made.line("21_translate", about, "1234567")


def test_a_line_names_step_parameters_weights_version_and_commit(root):
    assert re.fullmatch(
        r"made by 21_translate after 10_simulate; parameters [0-9a-f]{8};"
        rf" weights a/one [0-9a-f]{{8}}; musclelib {re.escape(version('musclelib'))};"
        r" commit 1234567",
        _line(root),
    )


def test_nothing_differs_whatever_the_places_and_workers(root):
    assert made.difference(_line(root), root, "demo") == ""


def test_other_parameters_of_a_step_before_are_noticed(root):
    assert "parameters of 21_translate, 10_simulate at demo scale" in made.difference(
        _line(root, count=9), root, "demo"
    )
    (root / "notebooks/params/demo.yaml").write_text("10_simulate: {count: 7}\n")
    assert "are others now" in made.difference(_line(root), root, "demo")


def test_a_changed_default_of_a_notebook_is_noticed(root):
    line = _line(root)
    path = root / "notebooks/21_translate.ipynb"
    path.write_text(path.read_text().replace("(1, 2)", "(1, 3)"))
    assert "are others now" in made.difference(line, root, "demo")


def test_other_weights_are_noticed(root):
    line = _line(root)
    (root / "data/weights/a/one.safetensors").write_bytes(b"others")
    assert made.difference(line, root, "demo") == "the weights a/one are others now, or gone"


def test_a_step_that_is_gone_is_noticed(root):
    line = _line(root)
    (root / "notebooks/10_simulate.ipynb").unlink()
    assert made.difference(line, root, "demo") == "there is no notebook for the step 10_simulate"


def test_another_version_is_noticed(root):
    line = _line(root).replace(f"musclelib {version('musclelib')}", "musclelib 0.0.1")
    assert "made by musclelib 0.0.1" in made.difference(line, root, "demo")


def test_a_line_that_says_nothing_is_noticed(root):
    assert "says neither" in made.difference("made by hand", root, "demo")
    assert made.difference(ANOTHER, root, "demo") == ""


def test_a_case_of_a_step_has_the_notebook_of_its_number(root):
    assert made.notebook_of("10_simulate", root).name == "10_simulate.ipynb"
    assert made.notebook_of("10_noisy", root).name == "10_simulate.ipynb"
    assert made.notebook_of("99_none", root) is None


def test_a_table_keeps_its_digits_and_says_what_made_it(tmp_path):
    frame = pd.DataFrame({"name": ["a, b", "c"], "value": [1 / 3, np.nan]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    made.write(tmp_path / "a.csv", tmp_path / "kept" / "a.csv", ANOTHER)
    line, read = made.read_table(tmp_path / "kept" / "a.csv")
    assert line == made.read_line(tmp_path / "kept" / "a.csv") == ANOTHER
    pd.testing.assert_frame_equal(read, frame, check_exact=True)
    with pytest.raises(ValueError, match=r"a\.csv: its first line must say what made it"):
        made.read_table(tmp_path / "a.csv")


def test_a_figure_keeps_its_pixels_and_says_what_made_it(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert made.read_line(tmp_path / "a.png") == ""
    made.write(tmp_path / "a.png", tmp_path / "kept" / "a.png", ANOTHER)
    assert made.read_line(tmp_path / "kept" / "a.png") == ANOTHER
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "kept" / "a.png")), pixels)


def test_an_executed_step_holds_what_its_line_needs(root):
    """It goes through the JSON of a notebook's metadata."""
    about = made.of_step("10_simulate", root / "notebooks/10_simulate.ipynb", {}, [])
    assert (
        json.loads(json.dumps(about))
        == about
        == {"steps": {"10_simulate": {"count": 4}}, "weights": {}}
    )


def test_the_defaults_of_every_notebook_of_the_study_can_be_read():
    for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"):
        assert made.defaults(path), path
