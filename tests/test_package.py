"""What stands around the code: environments, the wheel, the citation, and what is in git."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import musclelib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {  # where conda-forge says otherwise than PyPI
    "build": "python-build",
    "opencv-python-headless": "opencv",
    "playwright": "playwright-python",
    "torch": "pytorch",
}
ONLY_ON_PYPI = {"lightning-fabric", "pymust", "snakemake"}
SCRIPT = """
import sys
import musclelib
from musclelib import sequences, simulator
from musclelib.recordings.downloads import registry
parameters = simulator.preset("paper1", frames=96, pixels=(24, 20), units=(2, 5))
simulator.generate("tiny.zarr", parameters, 2, seed=1)
made = sequences.open("tiny.zarr")
sequences.check(made)
print(musclelib.__file__, *made.velocity.shape, len(registry()))
"""


def direct_requirements():
    """Everything that pyproject.toml asks for.

    The scheduler of dask is a distribution of its own.
    """
    extras = PROJECT["optional-dependencies"]
    wanted = [
        Requirement(line) for line in (*PROJECT["dependencies"], *extras["study"], *extras["test"])
    ]
    dask = next(requirement for requirement in wanted if requirement.name == "dask")
    return [*wanted, *(Requirement(f"{extra}{dask.specifier}") for extra in dask.extras)]


def git(*arguments):
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    return subprocess.run(
        ["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_conda_environment_asks_for_the_same_packages():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert (environment["name"], environment["channels"]) == ("musclelib", ["conda-forge"])
    (from_pip,) = [line["pip"] for line in environment["dependencies"] if isinstance(line, dict)]
    lines = [line for line in environment["dependencies"] if isinstance(line, str)]
    assert f"python{PROJECT['requires-python']}" in lines
    wanted = {
        str(requirement.name): str(requirement.specifier) for requirement in direct_requirements()
    }
    conda = {
        CONDA_NAMES.get(name, name): bound
        for name, bound in wanted.items()
        if name not in ONLY_ON_PYPI
    }
    found = [re.match(r"([a-z0-9-]+)(.*)", line).groups() for line in lines]
    assert len(dict(found)) == len(found)  # each once
    assert {name: bound for name, bound in found if name not in ("python", "pip")} == conda
    assert {name: bound for name, bound in map(_split, from_pip)} == {
        name: wanted[name] for name in ONLY_ON_PYPI
    }


def _split(line):
    requirement = Requirement(line)
    return requirement.name, str(requirement.specifier)


def test_constraints_pin_every_direct_dependency_within_its_bounds():
    lines = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    pins = [re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines]
    assert all(pins), "constraints are exact versions"
    version = {canonicalize_name(pin[1]): pin[2] for pin in pins}
    assert len(version) == len(lines)
    assert version["torch"] == "2.13.0"
    for requirement in direct_requirements():
        name = canonicalize_name(requirement.name)
        assert name in version, f"{name} is not pinned"
        assert requirement.specifier.contains(version[name]), (
            f"{name}=={version[name]} is not {requirement.specifier}"
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy, which leaves the checkout clean and old files out."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", PROJECT["readme"], *PROJECT["license-files"]):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "musclelib", source / "musclelib", ignore=shutil.ignore_patterns("__pycache__")
    )
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        source,
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "musclelib").rglob("*")
        if path.is_file()
    }
    assert held == {name for name in files if "__pycache__" not in name}
    assert {
        f"musclelib/{name}"
        for name in ("registry.txt", "py.typed", "study/page.html.j2", "study/style.css")
    } <= held


def test_the_wheel_installs_and_simulates_from_another_folder(wheel, tmp_path):
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        tmp_path / "installed",
        wheel,
    ]
    subprocess.run(install, check=True, capture_output=True)
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path / "elsewhere",
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    path, *numbers = done.stdout.split()
    assert Path(path) == tmp_path / "installed" / "musclelib" / "__init__.py"
    recordings = len((ROOT / "musclelib" / "registry.txt").read_text().splitlines())
    assert list(map(int, numbers)) == [2, 96, 24, 20, recordings]


def test_citation_names_the_five_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == PROJECT["version"] == musclelib.__version__
    assert citation["license"] == PROJECT["license"]
    assert len(citation["references"]) == 5
    for reference in citation["references"]:
        assert {"type", "title", "authors", "year"} <= set(reference), reference["title"]
        assert re.fullmatch(r"10\.\d{4,}/\S+", reference.get("doi", "10.0000/none"))


def test_notebooks_in_git_are_clean():
    names = git("ls-files", "notebooks/*.ipynb").split()
    assert names
    for name in names:
        notebook = json.loads(git("show", f":{name}"))  # as it is in git, whatever was run here
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                assert cell["outputs"] == [], f"{name} has outputs"
                assert cell["execution_count"] is None, f"{name} has execution counts"


def test_no_file_in_git_names_a_folder_of_one_machine():
    absolute = re.compile(rb"(?<![\w.~-])/(?:work|root|home)/\w")
    names = [name for name in git("ls-files", "-z").split("\0") if name and (ROOT / name).is_file()]
    assert [name for name in names if absolute.search((ROOT / name).read_bytes())] == []
    assert absolute.search(b"open('/ho" + b"me/user/a.zarr')")  # it does find one
