"""Execute one step of the study: a notebook with its parameters, by papermill, to a copy.

`python -m musclelib step NOTEBOOK OUTPUT PARAMETERS` with the parameters as JSON text.
Papermill writes names and values into a cell, which is executed before any gate sees them; so here
they are checked before papermill has them.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.execute import remove_error_markers

from musclelib.files import whole
from musclelib.parameters import ParameterError
from musclelib.study import made

# names are checked here; papermill itself reads no annotation such as `int | None`
logging.getLogger("papermill").setLevel(logging.ERROR)

_STARTS = 3  # tries to start a kernel
_MISSING = "MissingRecordingError"  # of `musclelib.recordings`, which is slow to import
_VERSIONS = (
    "musclelib",
    "numpy",
    "scipy",
    "torch",
    "xarray",
    "zarr",
    "holoviews",
    "opencv-python-headless",
)


def run_step(
    notebook: Path, output: Path, parameters: dict[str, Any], after: Sequence[Path] = ()
) -> None:
    """Execute `notebook` into `output`, which appears when all is done.

    Its metadata say what made it.

    A `MissingRecordingError` in it, or in a step of `after`, also ends it, with the message for its
    page; that output is dated to the epoch, so that the workflow tries again next time.

    Raises
    ------
    ParameterError
        A name is not one that the notebook's parameters cell assigns, or a value is not of JSON.
    FileExistsError
        `output` is there, and was not made by this function.
    PapermillExecutionError
        A cell failed; the half-executed notebook stays beside `output`, as `failed-NAME`.
    """
    parameters = _checked(notebook, parameters)
    failed = output.with_name(f"failed-{output.name}")
    _refuse_others(output, failed)
    started = time.perf_counter()
    before = [_read(step) for step in after]
    missing = next(filter(None, (step.missing for step in before)), None)
    about = {
        "source": notebook.name,
        "parameters": parameters,
        "made": made.of_step(output.stem, notebook, parameters, [step.made for step in before]),
    }
    with whole(output) as part:
        try:
            _execute(notebook, part, parameters, prepare_only=missing is not None)
        except PapermillExecutionError as error:
            if error.ename != _MISSING:
                _write(nbformat.read(part, as_version=4), part, about)
                os.replace(part, failed)
                raise
            missing = error.evalue
        # papermill puts one first
        executed = remove_error_markers(nbformat.read(part, as_version=4))
        seconds = round(time.perf_counter() - started, 1)
        _write(executed, part, {**about, "seconds": seconds, "missing": missing, **provenance()})
    failed.unlink(missing_ok=True)
    if missing:
        os.utime(output, (0, 0))
        print(f"{notebook.name}: {missing}", file=sys.stderr)


def _execute(notebook: Path, part: Path, parameters: dict[str, Any], *, prepare_only: bool) -> None:
    """Execute a notebook by papermill; start again where its kernel did not start.

    Two kernels that start at the same moment may choose the same port, and one of them never
    answers. No cell has run then.
    """
    for left in range(_STARTS - 1, -1, -1):
        try:
            papermill.execute_notebook(
                _literal(notebook),
                _literal(part),
                parameters,
                kernel_name="python3",
                cwd=notebook.parent,
                autosave_cell_every=0,
                prepare_only=prepare_only,
                # the kernel's warning that loopback is not encrypted helps no one
                extra_arguments=["--log-level=40"],
            )
            return
        except RuntimeError as error:
            if "respond" not in str(error) or not left:
                raise


def _read(executed: Path) -> Any:
    """Return what this package wrote into the metadata of an executed step."""
    about = nbformat.read(executed, as_version=4).metadata.musclelib
    if "made" not in about:
        raise FileExistsError(
            f"{executed}: was executed by an older version; remove it, and its step is run again"
        )
    return about


def _checked(notebook: Path, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that the notebook's parameters cell assigns, with values of JSON alone."""
    names = made.defaults(notebook)
    checked = {}
    for name, value in parameters.items():
        if name not in names:
            raise ParameterError(
                f"{notebook} has no parameter {name!r}; allowed are {', '.join(names)}"
            )
        try:
            # plain types, which papermill writes as literals
            checked[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            raise ParameterError(
                f"{notebook}, {name} = {value!r}: only what JSON can hold is allowed"
            ) from None
    return checked


def _refuse_others(*places: Path) -> None:
    """Refuse to replace a notebook that was not executed here."""
    for path in places:
        if path.exists():
            try:
                ours = "musclelib" in json.loads(path.read_text())["metadata"]
            except (OSError, ValueError, LookupError, TypeError):
                ours = False
            if not ours:
                raise FileExistsError(
                    f"{path}: is there, but not as the output of a step; move it, or name another"
                )


def _literal(path: Path) -> str:
    """Return a path as papermill takes it, which fills braces in."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _write(notebook: Any, path: Path, about: dict[str, Any]) -> None:
    notebook.metadata["musclelib"] = about
    nbformat.write(notebook, path)


def provenance() -> dict[str, Any]:
    """Say what made a result: commit, versions, device."""
    return {
        "commit": (
            _git("rev-parse", "--short", "HEAD")
            + ("+changes" if _git("status", "--porcelain") else "")
        ),
        "versions": (
            {"python": platform.python_version()} | {name: version(name) for name in _VERSIONS}
        ),
        "device": f"{os.cpu_count()} CPU cores, {platform.machine()}, {platform.system()}",
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""  # not a checkout: an installed wheel
    return done.stdout.strip()


def main(notebook: Path, output: Path, parameters: dict[str, Any], after: Sequence[Path]) -> None:
    """Run one step for the command line; a failure is one line and a non-zero exit."""
    try:
        run_step(notebook, output, parameters, after)
    except (ParameterError, FileExistsError) as error:
        sys.exit(str(error))
    except PapermillExecutionError as error:
        failed = output.with_name(f"failed-{output.name}")
        sys.exit(
            f"\n{notebook}, cell {error.exec_count}: {error.ename}: {error.evalue}\n"
            f"(what was finished stays; the executed part is {failed})"
        )
    except DeadKernelError:
        sys.exit(
            f"\n{notebook}: its kernel died, most likely out of memory; lower the counts of this"
            " scale"
        )
