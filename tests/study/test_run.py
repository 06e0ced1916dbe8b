import ast
import json
import os
import platform
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from papermill.exceptions import PapermillExecutionError
from papermill.translators import PythonTranslator

from musclelib.parameters import ParameterError
from musclelib.study.run import provenance, run_step

GATE = "from musclelib.study import gate\nstep = gate(globals())"
MISSING = (
    "from musclelib.recordings.downloads import MissingRecordingError\n"
    "raise MissingRecordingError('a.mp4 is not at hand: put it there')"
)


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of a title, the parameter `folder` and the given cells."""

    def write(*sources, name="step"):
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
        made.cells = [
            nbformat.v4.new_markdown_cell("# A step\n\nIts goal."),
            nbformat.v4.new_code_cell('folder: str = "given"', metadata={"tags": ["parameters"]}),
            *map(nbformat.v4.new_code_cell, sources),
        ]
        nbformat.write(made, tmp_path / f"{name}.ipynb")
        return tmp_path / f"{name}.ipynb"

    return write


def _read(path):
    return nbformat.read(path, as_version=4)


def _printed(path):
    return "".join(
        output.get("text", "")
        for cell in _read(path).cells
        for output in cell.get("outputs", [])
        if "name" in output
    )


def _command(notebook, output, parameters):
    return [
        sys.executable,
        "-m",
        "musclelib",
        "step",
        str(notebook),
        str(output),
        json.dumps(parameters),
    ]


def test_a_step_that_succeeds(notebook, tmp_path):
    source = notebook(GATE, "import os\nprint(step.folder, os.getcwd())")
    output = tmp_path / "steps" / "step.ipynb"
    before = time.time()
    run_step(source, output, {"folder": "elsewhere"})
    assert [path.name for path in output.parent.iterdir()] == ["step.ipynb"]
    assert output.stat().st_mtime >= before - 1
    # it runs beside its source, as in JupyterLab
    assert f"elsewhere {tmp_path}" in _printed(output)
    meta = _read(output).metadata.musclelib
    assert meta.source == "step.ipynb"
    assert meta.parameters == {"folder": "elsewhere"}
    assert meta.missing is None
    assert 0 < meta.seconds < time.time() - before + 0.1
    assert meta.versions["python"] == platform.python_version()
    assert meta.versions["zarr"] == version("zarr")
    assert {name: meta[name] for name in ("commit", "device")} == {
        name: value for name, value in provenance().items() if name != "versions"
    }
    assert not any(cell.get("outputs") for cell in _read(source).cells)


def test_an_unknown_parameter_is_one_line_and_exit_code_1(notebook, tmp_path):
    output = tmp_path / "steps" / "step.ipynb"
    source = notebook(GATE, "print('computed')")
    done = subprocess.run(
        _command(source, output, {"foldr": "a"}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"{source} has no parameter 'foldr'; allowed are folder\n"
    assert not output.parent.exists()


def test_a_value_that_is_not_allowed_is_one_line_and_exit_code_1(notebook, tmp_path):
    output = tmp_path / "steps" / "step.ipynb"
    source = notebook(GATE, "print('computed')")
    done = subprocess.run(
        _command(source, output, {"folder": ""}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "ParameterError" in line]
    assert line.startswith(f"{source}, cell ")
    assert "ParameterError: step.folder is empty: a place is needed" in line
    assert "computed" not in _printed(output.with_name("failed-step.ipynb"))
    assert not output.exists()


@pytest.mark.parametrize(
    "name",
    [
        "x = 1; import os; os.system('touch TRACE')  #",
        "x = 1\nimport os; os.system('touch TRACE')\ny",
        "__import__('os').system('touch TRACE'); x",
        "folder: __import__('os').system('touch TRACE')",
        "folder.x",
        " folder",
        "",
        1,
        None,
    ],
)
def test_a_name_that_is_code_never_reaches_papermill(notebook, tmp_path, name):
    name = name.replace("TRACE", str(tmp_path / "trace")) if isinstance(name, str) else name
    with pytest.raises(
        ParameterError, match=r"step\.ipynb has no parameter .*; allowed are folder$"
    ):
        run_step(notebook(GATE), tmp_path / "out.ipynb", {"folder": "a", name: 1})
    assert [path.name for path in tmp_path.iterdir()] == ["step.ipynb"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=8,
)


@given(VALUES)
@example('"; import os  #')
@example('\\"\n{x}')
@example({'"}; import os  #': ["\\", float("nan"), -float("inf"), None, [[]]]})
def test_a_value_stays_a_value_in_the_cell_that_papermill_writes(value):
    (line,) = ast.parse(PythonTranslator.codify({"folder": value})).body
    assert isinstance(line, ast.Assign)
    assert [target.id for target in line.targets] == ["folder"]
    calls = {ast.unparse(node) for node in ast.walk(line.value) if isinstance(node, ast.Call)}
    assert calls <= {"float('nan')", "float('inf')", "float('-inf')"}
    assert repr(eval(ast.unparse(line.value))) == repr(value)


def test_a_text_comes_through_as_it_is(notebook, tmp_path):
    text = (
        '"); open("trace", "w") #\n{braces} {{twice}} {0} \\n \\ µ Übung 筋 & $HOME `x` %s \'"""\''
    )
    run_step(notebook("print(ascii(folder))"), tmp_path / "out.ipynb", {"folder": text})
    assert _printed(tmp_path / "out.ipynb").strip() == ascii(text)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("value", [{1, 2}, b"a", Path("a"), np.float32(1), object()])
def test_a_value_that_json_cannot_hold_is_refused(notebook, tmp_path, value):
    """Papermill would put the text of such a value between quotes, whatever is in it."""
    with pytest.raises(
        ParameterError, match=r"step\.ipynb, folder = .*: only what JSON can hold is allowed"
    ):
        run_step(notebook(GATE), tmp_path / "out.ipynb", {"folder": value})


def test_braces_in_paths_are_not_filled_in(notebook, tmp_path):
    output = tmp_path / "{folder} {}" / "step.ipynb"
    run_step(notebook("print(folder)", name="{folder}"), output, {"folder": "{x} {{y}}"})
    assert "{x} {{y}}" in _printed(output)


@pytest.mark.parametrize("name", ["step.ipynb", "failed-step.ipynb"])
def test_a_notebook_of_a_user_is_not_replaced(notebook, tmp_path, name):
    mine = tmp_path / "mine" / name
    mine.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("mine")]), mine)
    before = mine.read_bytes()
    with pytest.raises(FileExistsError, match=f"{name}: is there, but not as the output of a step"):
        run_step(notebook("1 / 0"), tmp_path / "mine" / "step.ipynb", {})
    assert mine.read_bytes() == before
    assert [path.name for path in mine.parent.iterdir()] == [name]


def test_files_of_a_user_beside_an_output_stay(notebook, tmp_path):
    (tmp_path / "part-out.ipynb").write_text("mine")
    run_step(notebook("print('whole')"), tmp_path / "out.ipynb", {})
    assert (tmp_path / "part-out.ipynb").read_text() == "mine"


def test_a_cell_that_fails_leaves_the_executed_part_alone(notebook, tmp_path):
    output = tmp_path / "steps" / "step.ipynb"
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        run_step(notebook("print('before')", "1 / 0", "print('after')"), output, {})
    assert [path.name for path in output.parent.iterdir()] == ["failed-step.ipynb"]
    assert "before" in _printed(output.with_name("failed-step.ipynb"))
    assert "after" not in _printed(output.with_name("failed-step.ipynb"))
    run_step(notebook("print('mended')"), output, {})
    assert [path.name for path in output.parent.iterdir()] == ["step.ipynb"]


def test_a_failure_keeps_the_output_that_was_there(notebook, tmp_path):
    output = tmp_path / "steps" / "step.ipynb"
    run_step(notebook("print('good')"), output, {})
    whole = output.read_bytes()
    with pytest.raises(PapermillExecutionError):
        run_step(notebook("1 / 0"), output, {})
    assert output.read_bytes() == whole


def test_a_missing_recording_ends_a_step_for_now(notebook, tmp_path, capsys):
    output = tmp_path / "steps" / "step.ipynb"
    source = notebook(MISSING, "print('after')")
    run_step(source, output, {})
    assert [path.name for path in output.parent.iterdir()] == ["step.ipynb"]
    assert output.stat().st_mtime == 0  # older than its source, so the workflow tries again
    assert _read(output).metadata.musclelib.missing == "a.mp4 is not at hand: put it there"
    assert "step.ipynb: a.mp4 is not at hand: put it there" in capsys.readouterr().err
    assert "after" not in _printed(output)
    assert [cell.source for cell in _read(output).cells] == [
        cell.source for cell in _read(source).cells
    ]
    run_step(notebook("print('after')"), output, {})
    assert output.stat().st_mtime > 0
    assert _read(output).metadata.musclelib.missing is None


def test_a_step_after_a_missing_one_is_not_executed(notebook, tmp_path):
    first, second = tmp_path / "first.ipynb", tmp_path / "second.ipynb"
    whole = tmp_path / "whole.ipynb"
    run_step(notebook("print('whole')", name="w"), whole, {})
    run_step(notebook(MISSING, name="a"), first, {})
    source = notebook(
        f"from pathlib import Path\nPath({str(tmp_path / 'trace')!r}).touch()", name="b"
    )
    run_step(source, second, {"folder": "elsewhere"}, after=[whole, first])
    assert not (tmp_path / "trace").exists()
    meta = _read(second).metadata.musclelib
    assert (meta.missing, meta.parameters) == (
        "a.mp4 is not at hand: put it there",
        {"folder": "elsewhere"},
    )
    assert second.stat().st_mtime == 0
    run_step(source, second, {}, after=[whole])
    assert (tmp_path / "trace").exists()


def test_a_step_that_is_killed_leaves_no_output(notebook, tmp_path):
    """The first time it waits to be killed, after it has said that it is in the middle."""
    output, trace = tmp_path / "steps" / "step.ipynb", tmp_path / "trace"
    source = notebook(
        f"import os, time\nfrom pathlib import Path\ntrace = Path({str(trace)!r})\n"
        "if not trace.exists():\n    trace.write_text(str(os.getpid()))\n    time.sleep(300)",
        "print('whole')",
    )
    command = _command(source, output, {"folder": "elsewhere"})
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 60
    while not (trace.exists() and trace.read_text()):
        assert running.poll() is None
        assert time.monotonic() < until, "the notebook did not start"
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    os.kill(int(trace.read_text()), signal.SIGKILL)  # its kernel, which is in a session of its own
    assert running.wait() == -signal.SIGKILL
    assert not output.exists()
    subprocess.run(command, check=True, capture_output=True)
    assert [path.name for path in output.parent.iterdir()] == ["step.ipynb"]
    assert "whole" in _printed(output)


def test_the_executed_notebook_can_be_opened_and_executed_again(notebook, tmp_path):
    """A reader may run a page's notebook; papermill replaces the parameters that it had."""
    run_step(notebook(GATE, "print(step.folder)"), tmp_path / "out.ipynb", {"folder": "first"})
    nbformat.validate(_read(tmp_path / "out.ipynb"))
    papermill.execute_notebook(
        str(tmp_path / "out.ipynb"),
        str(tmp_path / "again.ipynb"),
        {"folder": "second"},
        progress_bar=False,
    )
    assert "second" in _printed(tmp_path / "again.ipynb")


def test_a_step_starts_without_what_only_notebooks_need():
    """The command is started for every step; what it imports is waited for every time."""
    code = "import sys, musclelib.__main__, musclelib.study.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "papermill" in loaded
    assert not loaded & {"holoviews", "panel", "matplotlib", "scipy", "zarr", "torch", "cv2"}


@pytest.mark.parametrize(("failures", "runs"), [(2, True), (3, False)])
def test_a_kernel_that_does_not_start_is_started_again(
    failures, runs, notebook, tmp_path, monkeypatch
):
    started, execute = [], papermill.execute_notebook

    def sometimes(*given, **options):
        started.append(given)
        if len(started) <= failures:
            raise RuntimeError("Kernel didn't respond in 60 seconds")
        return execute(*given, **options)

    monkeypatch.setattr(papermill, "execute_notebook", sometimes)
    if runs:
        run_step(notebook("print('ran')"), tmp_path / "done.ipynb", {})
        assert "ran" in _printed(tmp_path / "done.ipynb")
    else:
        with pytest.raises(RuntimeError, match="respond"):
            run_step(notebook("1"), tmp_path / "done.ipynb", {})
        assert not (tmp_path / "done.ipynb").exists()
    assert len(started) == 3
