import ast
import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml

from musclelib.parameters import ParameterError, quantity
from musclelib.study import gate as steps

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SCALES = sorted((FOLDER / "params").glob("*.yaml"))
GIVEN = {"folder": "a", "count": 4, "noise_snr": 20.0, "scheduler": ""}
ECHOES = {
    "source": "a.npy",
    "variable": "",
    "axes": "frame sample element",
    "kind": "rf",
    "unit": None,
    "prf": 1000.0,
    "centre_frequency": 5.0e6,
    "demodulation_frequency": None,
    "bandwidth": 0.7,
    "sampling_rate": 20.0e6,
    "element_count": 128,
    "pitch": 0.3,
    "sound_speed": 1540.0,
    "start_time": 0.0,
    "depth": [5.0, 40.0, 0.1],
    "lateral": [-19.0, 19.0, 0.3],
    "gate_hop": 0.3,
    "filtered": True,
    "store": "a.zarr",
    "replace": False,
    "description": "mine",
}


@dataclass(frozen=True)
class Example(steps.Step):
    """A step with one parameter of each kind."""

    folder: str = quantity()
    count: int = quantity(low=2)
    noise_snr: float = quantity(unit="dB", low=-20, high=100)
    scheduler: str = quantity()


def test_the_gate_takes_what_a_notebook_holds():
    """Beside the parameters a notebook holds modules, classes, the shell's names and whatever a cell left."""
    left = {
        "json": json,
        "Path": Path,
        "_": 1,
        "_i1": "count = 4",
        "In": ["", "x = 1"],
        "Out": {},
        "open": open,
    }
    others = {"exit": exit, "quit": quit, "get_ipython": print, "steps": steps, "result": 3}
    step = Example.gate(GIVEN | left | others)
    assert (step.count, step.noise_snr, step.scheduler) == (4, 20.0, "")
    assert Example.gate(vars(step)) == step  # the cell is run again


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 4.0}, "Example.count = 4.0 is of type float; a int is needed"),
        ({"count": True}, "Example.count = True is of type bool"),
        ({"count": 1}, "Example.count = 1: allowed is at least 2"),
        ({"noise_snr": "1e-3"}, "Example.noise_snr = '1e-3' is of type str"),
        (
            {"noise_snr": 101},
            r"Example.noise_snr = 101: allowed is at least -20 and at most 100 \[dB\]",
        ),
        ({"noise_snr": float("nan")}, "Example.noise_snr = nan: allowed"),
        ({"scheduler": None}, "Example.scheduler = None is of type NoneType"),
    ],
)
def test_the_gate_refuses_values(changes, message):
    with pytest.raises(ParameterError, match=message):
        Example.gate(GIVEN | changes)


def test_an_empty_place_is_not_the_root_of_the_disk():
    with pytest.raises(
        ParameterError,
        match=r"Draw\.folder is empty: a place is needed, '\.' for the notebook's own",
    ):
        steps.Draw.gate({"folder": "", "report": "a"})


@pytest.mark.parametrize("name", GIVEN)
def test_the_gate_names_what_is_missing(name):
    with pytest.raises(ParameterError, match=f"Example needs the parameter '{name}'"):
        Example.gate({key: value for key, value in GIVEN.items() if key != name})


def _injected(tmp_path, parameters):
    """The cell that papermill itself would insert for these parameters."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [
        nbformat.v4.new_code_cell("count: int = 4", metadata={"tags": ["parameters"]})
    ]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    made = papermill.execute_notebook(
        tmp_path / "a.ipynb",
        None,
        parameters,
        prepare_only=True,
        kernel_name="python3",
        progress_bar=False,
    )
    (cell,) = [cell for cell in made.cells if "injected-parameters" in cell.metadata.tags]
    return cell.source


def test_the_gate_refuses_names_that_papermill_injects(tmp_path):
    given = {"count": 5, "scheduler": "tcp://host:8786"}
    namespace = GIVEN | given
    history = ["", "count: int = 4", _injected(tmp_path, given)]
    assert Example.gate(namespace | {"In": history}).count == 5
    history.append(_injected(tmp_path, {"cuont": 5}))
    with pytest.raises(
        ParameterError, match="Example has no parameter 'cuont'; allowed are folder, count"
    ):
        Example.gate(namespace | {"cuont": 5, "In": history})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"kind": "iq"},
            "kind = 'iq': allowed is one of 'rf', 'channel iq', 'image iq', 'velocity'",
        ),
        ({"unit": "km/h"}, "unit = 'km/h': allowed is one of None, 'm/s', 'cm/s', 'mm/s', 'um/s'"),
        ({"prf": 0.0}, r"prf = 0.0: allowed is above 0 \[Hz\]"),
        ({"depth": [5.0, 40.0]}, r"depth = \(5.0, 40.0\) is of type tuple"),
        ({"depth": [-1.0, 40.0, 0.1]}, r"depth = \(-1.0, 40.0, 0.1\): allowed is at least 0"),
        ({"depth": [40.0, 5.0, 0.1]}, "depth = .* from low to high in at least 4 steps"),
        ({"lateral": [-1.0, 1.0, 0.51]}, "lateral = .* from low to high in at least 4 steps"),
        ({"lateral": [-1.0, 1.0, 0.0]}, "lateral = .* from low to high"),
        ({"filtered": 1}, "filtered = 1 is of type int"),
        (
            {"description": "rotating disk phantom, not muscle"},
            "is that of a public recording, not of a.npy",
        ),
        ({"prf": None}, "prf = None: velocity and paper 1's filters need the frames a second"),
        (
            {"axes": "sample frame"},
            "axes = 'sample frame': for kind 'rf' the names frame sample element",
        ),
    ],
)
def test_impossible_echoes(changes, message):
    with pytest.raises(ParameterError, match=message):
        steps.ImportEchoes.gate(ECHOES | changes)


def test_echoes_as_yaml_and_without_a_prf():
    step = steps.ImportEchoes.gate(
        yaml.safe_load(yaml.safe_dump(ECHOES | {"prf": None, "filtered": False}))
    )
    assert step.prf is None
    assert step.depth == (5.0, 40.0, 0.1)


def test_video_crop_and_grid():
    video = {
        "source": "a.mp4",
        "signals": "",
        "signals_start": 0.0,
        "frame_rate": None,
        "pixel_size": 0.1,
    }
    video |= {
        "crop": None,
        "pixels": [64, 80],
        "store": "a.zarr",
        "replace": False,
        "description": "mine",
    }
    assert steps.ImportVideo.gate(video).pixels == (64, 80)
    assert steps.ImportVideo.gate(video | {"crop": [0, 0, 30, 20]}).crop == (0, 0, 30, 20)
    with pytest.raises(ParameterError, match=r"pixels = .*: allowed is at least 12"):
        steps.ImportVideo.gate(video | {"pixels": [11, 80]})
    with pytest.raises(ParameterError, match=r"crop = .*: allowed is at least 0"):
        steps.ImportVideo.gate(video | {"crop": [-1, 0, 30, 20]})
    with pytest.raises(ParameterError, match=r"crop = .* is of type tuple"):
        steps.ImportVideo.gate(video | {"crop": [0, 0, 30.5, 20]})


def test_what_identification_compares():
    given = {"folder": "a", "weights": "b", "seed": 0, "methods": "all", "repeats": 2, "in_vivo": 0}
    step = steps.Identify.gate(given | yaml.safe_load("{counts: [1, 50], noise: [null, 20, 10.0]}"))
    assert (step.counts, step.noise) == ((1, 50), (None, 20, 10.0))
    with pytest.raises(
        ParameterError, match=r"counts = \(\): allowed are one or more values, each once"
    ):
        steps.Identify.gate(given | {"counts": [], "noise": [None]})
    with pytest.raises(ParameterError, match=r"noise = \(None, None\): allowed are one or more"):
        steps.Identify.gate(given | {"counts": [5], "noise": [None, None]})
    with pytest.raises(ParameterError, match=r"counts = \(0, 5\): allowed is at least 1"):
        steps.Identify.gate(given | {"counts": [0, 5], "noise": [None]})
    with pytest.raises(ParameterError, match=r"noise = \('none',\) is of type tuple"):
        steps.Identify.gate(given | {"counts": [5], "noise": ["none"]})


def _cells(notebook):
    return [
        cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"
    ]


def _step(notebook):
    """The class whose gate the notebook passes, once."""
    calls = [
        node.func.value.attr
        for cell in _cells(notebook)
        if ".gate(" in "".join(cell["source"])
        for node in ast.walk(ast.parse("".join(cell["source"])))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "gate"
    ]
    assert len(calls) == 1, f"{notebook.name} passes {len(calls)} gates"
    return getattr(steps, calls[0])


def _parameters(notebook):
    """Names and values of the cell tagged `parameters`; its values are literals."""
    tagged = [cell for cell in _cells(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1, f"{notebook.name} has {len(tagged)} cells tagged parameters"
    lines = ast.parse("".join(tagged[0]["source"])).body
    assert all(isinstance(line, ast.AnnAssign) for line in lines), "typed assignments alone"
    return {line.target.id: ast.literal_eval(line.value) for line in lines}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_and_its_step_know_the_same_parameters(notebook):
    step, found = _step(notebook), _parameters(notebook)
    assert set(found) == set(inspect.signature(step).parameters)
    step.gate(found)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_folder_must_be_named_and_be_no_file(notebook, tmp_path):
    """Without its name, stores would go to the root of the disk: f"{folder}/paper1.zarr"."""
    step, found = _step(notebook), _parameters(notebook)
    (tmp_path / "file").write_text("mine")
    folders = [
        name for name, value in found.items() if str(value).startswith("../") and name != "source"
    ]
    assert folders
    for name in folders:
        step.gate(found | {name: str(tmp_path)})
        for empty in ("", "  "):
            with pytest.raises(
                ParameterError, match=rf"{step.__name__}\.{name} is empty: a place is needed"
            ):
                step.gate(found | {name: empty})
        with pytest.raises(
            ParameterError, match=rf"{name} = '.*file': a file is there; a folder is needed"
        ):
            step.gate(found | {name: str(tmp_path / "file")})


def _notebook_of_step():
    """What the Snakefile calls its steps, with the notebook that each executes."""
    block = re.search(
        r"^STEPS = (\{.*?^\})", (FOLDER / "Snakefile").read_text(), re.DOTALL | re.MULTILINE
    )
    table = ast.parse(block[1], mode="eval").body
    return {
        ast.literal_eval(key): ast.literal_eval(row.elts[0])
        for key, row in zip(table.keys, table.values, strict=True)
    }


def test_every_notebook_is_a_step():
    assert set(_notebook_of_step().values()) == {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("scale", SCALES, ids=lambda path: path.stem)
def test_every_section_of_a_scale_passes_the_gate_of_its_notebook(scale):
    notebooks = _notebook_of_step()
    sections = yaml.safe_load(scale.read_text())
    assert sections
    for section, given in sections.items():
        notebook = FOLDER / f"{notebooks[section]}.ipynb"
        _step(notebook).from_dict(_parameters(notebook) | given)
