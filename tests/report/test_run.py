import json
import os
import platform
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from musclelib.parameters import ParameterError
from musclelib.report.run import provenance, run_step

GATE = "from musclelib import steps\nstep = steps.Compare.gate(globals())"
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
        output.get("text", "") for cell in _read(path).cells for output in cell.get("outputs", []) if "name" in output
    )


def _command(notebook, output, parameters):
    return [sys.executable, "-m", "musclelib.report.run", str(notebook), str(output), json.dumps(parameters)]


def test_a_step_that_succeeds(notebook, tmp_path):
    source = notebook(GATE, "import os\nprint(step.folder, os.getcwd())")
    output = tmp_path / "steps" / "step.ipynb"
    before = time.time()
    run_step(source, output, {"folder": "elsewhere"})
    assert [path.name for path in output.parent.iterdir()] == ["step.ipynb"]
    assert output.stat().st_mtime >= before - 1
    assert f"elsewhere {tmp_path}" in _printed(output)  # it runs beside its source, as in JupyterLab
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
    done = subprocess.run(_command(source, output, {"foldr": "a"}), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.strip() == f"{source} has no parameter 'foldr'; allowed are folder"
    assert not output.parent.exists()


NAMES = [
    "folder = 1; open({trace!r}, 'w') #",
    "a\nopen({trace!r}, 'w')\nb",
    "open({trace!r}, 'w').x",
    "folder.x",
    "",
    "def",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_code_is_not_run(notebook, tmp_path, name):
    name, source = name.format(trace=str(tmp_path / "trace")), notebook("print('computed')")
    with pytest.raises(ParameterError, match=r"step\.ipynb has no parameter .*; allowed are folder"):
        run_step(source, tmp_path / "out.ipynb", {name: 1})
    done = subprocess.run(_command(source, tmp_path / "out.ipynb", {name: 1}), capture_output=True, check=False)
    assert done.returncode == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step.ipynb"]


TEXTS = [
    '"); open("trace", "w") #',
    "two\nlines",
    "{braces} {{twice}} {0}",
    "\\n \\",
    '\'"""\'',
    "µ Übung & $HOME `x` %s",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_through_as_it_is(notebook, tmp_path, text):
    run_step(notebook("print(ascii(folder))"), tmp_path / "out.ipynb", {"folder": text})
    assert _printed(tmp_path / "out.ipynb").strip() == ascii(text)
    assert not (tmp_path / "trace").exists()


def test_what_json_cannot_hold_is_no_value(notebook, tmp_path):
    with pytest.raises(ParameterError, match=r"folder = .*: only what JSON can hold is allowed"):
        run_step(notebook("1"), tmp_path / "out.ipynb", {"folder": {1, 2}})


def test_a_notebook_of_a_user_is_not_replaced(notebook, tmp_path):
    mine = notebook("print('mine')", name="mine")
    before = mine.read_bytes()
    with pytest.raises(FileExistsError, match=r"mine\.ipynb: is there, but not as the output of a step"):
        run_step(notebook("1"), mine, {})
    assert mine.read_bytes() == before


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
    assert [cell.source for cell in _read(output).cells] == [cell.source for cell in _read(source).cells]
    run_step(notebook("print('after')"), output, {})
    assert output.stat().st_mtime > 0
    assert _read(output).metadata.musclelib.missing is None


def test_a_step_after_a_missing_one_is_not_executed(notebook, tmp_path):
    first, second = tmp_path / "first.ipynb", tmp_path / "second.ipynb"
    whole = tmp_path / "whole.ipynb"
    run_step(notebook("print('whole')", name="w"), whole, {})
    run_step(notebook(MISSING, name="a"), first, {})
    source = notebook(f"from pathlib import Path\nPath({str(tmp_path / 'trace')!r}).touch()", name="b")
    run_step(source, second, {"folder": "elsewhere"}, after=[whole, first])
    assert not (tmp_path / "trace").exists()
    meta = _read(second).metadata.musclelib
    assert (meta.missing, meta.parameters) == ("a.mp4 is not at hand: put it there", {"folder": "elsewhere"})
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
        str(tmp_path / "out.ipynb"), str(tmp_path / "again.ipynb"), {"folder": "second"}, progress_bar=False
    )
    assert "second" in _printed(tmp_path / "again.ipynb")
