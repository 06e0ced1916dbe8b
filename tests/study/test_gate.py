import ast
import dataclasses
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
import yaml

from musclelib.parameters import ParameterError, quantity
from musclelib.recordings import check_description, image_grid, open_array, velocity_recording
from musclelib.study import gate

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SCALES = sorted((FOLDER / "params").glob("*.yaml"))
KINDS = {"folder": str, "count": int, "noise_snr": float, "scheduler": str}
GIVEN = {"folder": "a", "count": 4, "noise_snr": 20.0, "scheduler": ""}


def _gate(namespace):
    """The gate of a notebook whose parameters cell declares one parameter of each kind."""
    return gate(
        {"__annotations__": KINDS} | namespace,
        count=quantity(low=2),
        noise_snr=quantity(unit="dB", low=-20, high=100),
    )


def _cells(notebook):
    return [
        cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"
    ]


def _tagged(notebook):
    """The source of the cell tagged `parameters`."""
    tagged = [cell for cell in _cells(notebook) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1, f"{notebook.name} has {len(tagged)} cells tagged parameters"
    return tagged[0].source


def _gates(notebook):
    """The cells that call the gate."""
    return [
        cell.source
        for cell in _cells(notebook)
        if any(
            isinstance(node, ast.Call) and getattr(node.func, "id", "") == "gate"
            for node in ast.walk(ast.parse(cell.source))
        )
    ]


def _parameters(notebook):
    """Names and values of the parameters cell; its lines are typed assignments of literals."""
    lines = ast.parse(_tagged(notebook)).body
    assert all(isinstance(line, ast.AnnAssign) for line in lines), "typed assignments alone"
    return {line.target.id: ast.literal_eval(line.value) for line in lines}


def _step(notebook, given):
    """What the notebook's gate returns for the parameters `given` beside its defaults."""
    namespace = {}
    exec(_tagged(notebook), namespace)
    namespace |= given | {"In": ["", f"# Parameters\n{' = '.join([*given, '0'])}"]}
    exec(_gates(notebook)[0], namespace)
    return namespace["step"]


def test_the_gate_takes_what_a_notebook_holds():
    """Besides parameters a notebook holds modules, classes, names of the shell and of cells."""
    left = {
        "json": json,
        "Path": Path,
        "_": 1,
        "_i1": "count = 4",
        "In": ["", "x = 1"],
        "Out": {},
        "open": open,
    }
    others = {"exit": exit, "quit": quit, "get_ipython": print, "result": 3}
    step = _gate(GIVEN | left | others)
    assert (step.count, step.noise_snr, step.scheduler) == (4, 20.0, "")
    assert vars(_gate(vars(step))) == vars(step)  # the cell is run again
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.count = 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 4.0}, "step.count = 4.0 is of type float; a int is needed"),
        ({"count": True}, "step.count = True is of type bool"),
        ({"count": 1}, "step.count = 1: allowed is at least 2"),
        ({"noise_snr": "1e-3"}, "step.noise_snr = '1e-3' is of type str"),
        (
            {"noise_snr": 101},
            r"step.noise_snr = 101: allowed is at least -20 and at most 100 \[dB\]",
        ),
        ({"noise_snr": float("nan")}, "step.noise_snr = nan: allowed"),
        ({"scheduler": None}, "step.scheduler = None is of type NoneType"),
    ],
)
def test_the_gate_refuses_values(changes, message):
    with pytest.raises(ParameterError, match=message):
        _gate(GIVEN | changes)


def test_an_empty_place_is_not_the_root_of_the_disk():
    with pytest.raises(
        ParameterError,
        match=r"step\.folder is empty: a place is needed, '\.' for the notebook's own",
    ):
        _gate(GIVEN | {"folder": ""})


def test_a_limit_is_for_a_name_that_the_cell_declares():
    with pytest.raises(
        ParameterError,
        match="'cuont' has limits, but the parameters cell declares only folder, count, noise_snr",
    ):
        gate({"__annotations__": KINDS} | GIVEN, cuont=quantity(low=2))


@pytest.mark.parametrize("name", GIVEN)
def test_the_gate_names_what_is_missing(name):
    with pytest.raises(ParameterError, match=f"step needs the parameter '{name}'"):
        _gate({key: value for key, value in GIVEN.items() if key != name})


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
    assert _gate(namespace | {"In": history}).count == 5
    history.append(_injected(tmp_path, {"cuont": 5}))
    with pytest.raises(
        ParameterError, match="step has no parameter 'cuont'; allowed are folder, count"
    ):
        _gate(namespace | {"cuont": 5, "In": history})


ECHOES = FOLDER / "01_import_echoes.ipynb"


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
        ({"filtered": 1}, "filtered = 1 is of type int"),
    ],
)
def test_impossible_echoes(changes, message):
    with pytest.raises(ParameterError, match=message):
        _step(ECHOES, changes)


@pytest.mark.parametrize(
    ("refuse", "message"),
    [
        (
            lambda path: image_grid((40.0, 5.0, 0.1), (-1.0, 1.0, 0.1)),
            r"^depth = \(40.0, 5.0, 0.1\) \[mm\]: from low to high in at least 4 steps",
        ),
        (
            lambda path: image_grid((5.0, 40.0, 0.1), (-1.0, 1.0, 0.51)),
            r"^lateral = .* \[mm\]: from low to high in at least 4 steps",
        ),
        (
            lambda path: image_grid((5.0, 40.0, 0.1), (-1.0, 1.0, 0.0)),
            r"^lateral = .* \[mm\]: from low to high",
        ),
        (
            lambda path: check_description("a.npy", "rotating disk phantom, not muscle"),
            r"^description = .* is that of a public recording, not of a\.npy: set it",
        ),
        (
            lambda path: open_array(path, axes="sample frame"),
            r"^axes 'sample frame' and dims 'frame sample element' must be the same names",
        ),
        (
            lambda path: velocity_recording(
                np.zeros((2, 1, 1)), None, [0.0], [0.0], filters=None, source=""
            ),
            "^prf = None: velocity and paper 1's filters need the frames a second",
        ),
    ],
)
def test_what_the_import_refuses_across_parameters_is_one_line(refuse, message, tmp_path):
    """The notebook calls these functions before any echo is read."""
    (tmp_path / "a.npy").touch()
    with pytest.raises(ValueError, match=message) as caught:
        refuse(tmp_path / "a.npy")
    assert "\n" not in str(caught.value)


def test_the_positions_of_an_image_reach_its_last_one():
    depth, lateral = image_grid((5.0, 6.0, 0.25), (-1.0, 1.0, 0.5))
    assert depth.tolist() == [5.0, 5.25, 5.5, 5.75, 6.0]
    assert lateral.tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]


def test_echoes_as_yaml_and_without_a_prf():
    step = _step(ECHOES, yaml.safe_load("{prf: null, filtered: false, depth: [5.0, 40.0, 0.1]}"))
    assert step.prf is None
    assert step.depth == (5.0, 40.0, 0.1)


def test_video_crop_and_grid():
    notebook = FOLDER / "03_import_video.ipynb"
    assert _step(notebook, {"pixels": [64, 80], "crop": None}).pixels == (64, 80)
    assert _step(notebook, {"crop": [0, 0, 30, 20]}).crop == (0, 0, 30, 20)
    with pytest.raises(ParameterError, match=r"pixels = .*: allowed is at least 12"):
        _step(notebook, {"pixels": [11, 80]})
    with pytest.raises(ParameterError, match=r"crop = .*: allowed is at least 0"):
        _step(notebook, {"crop": [-1, 0, 30, 20]})
    with pytest.raises(ParameterError, match=r"crop = .* is of type tuple"):
        _step(notebook, {"crop": [0, 0, 30.5, 20]})


def test_what_identification_compares():
    notebook = FOLDER / "31_identify.ipynb"
    step = _step(notebook, yaml.safe_load("{counts: [1, 50], noise: [null, 20, 10.0]}"))
    assert (step.counts, step.noise) == ((1, 50), (None, 20, 10.0))
    with pytest.raises(
        ParameterError, match=r"counts = \(\): allowed are one or more values, each once"
    ):
        _step(notebook, {"counts": []})
    with pytest.raises(ParameterError, match=r"noise = \(None, None\): allowed are one or more"):
        _step(notebook, {"noise": [None, None]})
    with pytest.raises(ParameterError, match=r"counts = \(0, 5\): allowed is at least 1"):
        _step(notebook, {"counts": [0, 5]})
    with pytest.raises(ParameterError, match=r"noise = \('none',\) is of type tuple"):
        _step(notebook, {"noise": ["none"]})


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_defaults_of_a_notebook_pass_its_only_gate(notebook):
    found = _parameters(notebook)
    assert len(_gates(notebook)) == 1
    step = _step(notebook, {})
    assert vars(step) == found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_refuses_a_parameter_that_it_does_not_declare(notebook):
    with pytest.raises(ParameterError, match="step has no parameter 'cuont'; allowed are "):
        _step(notebook, {"cuont": 1})


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_folder_must_be_named_and_be_no_file(notebook, tmp_path):
    """Without its name, stores would go to the root of the disk: f"{folder}/paper1.zarr"."""
    found = _parameters(notebook)
    (tmp_path / "file").write_text("mine")
    folders = [
        name for name, value in found.items() if str(value).startswith("../") and name != "source"
    ]
    assert folders
    for name in folders:
        _step(notebook, {name: str(tmp_path)})
        for empty in ("", "  "):
            with pytest.raises(ParameterError, match=rf"step\.{name} is empty: a place is needed"):
                _step(notebook, {name: empty})
        with pytest.raises(
            ParameterError, match=rf"{name} = '.*file': a file is there; a folder is needed"
        ):
            _step(notebook, {name: str(tmp_path / "file")})


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
        _step(FOLDER / f"{notebooks[section]}.ipynb", given)


@pytest.mark.parametrize("scale", SCALES, ids=lambda path: path.stem)
def test_a_scale_holds_only_what_differs_from_the_notebooks(scale):
    notebooks = _notebook_of_step()
    for section, given in yaml.safe_load(scale.read_text()).items():
        notebook = FOLDER / f"{notebooks[section]}.ipynb"
        defaults, chosen = (vars(_step(notebook, changes)) for changes in ({}, given))
        repeated = [name for name in given if chosen[name] == defaults[name]]
        assert not repeated, f"{scale.name}, {section}: {repeated} are the defaults"


def test_the_order_of_steps_is_that_of_their_numbers():
    """34 comes after 21, and 00 first: the table reads as the chapters of the study."""
    numbers = [int(step[:2]) for step in _notebook_of_step()]
    assert numbers == sorted(numbers)
