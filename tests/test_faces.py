"""Every room exports documented names, and the examples in docstrings run."""

import ast
import doctest
import importlib
import itertools
import pkgutil
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import musclelib
from musclelib.parameters import Parameters

MODULES = {
    module.name: module.ispkg for module in pkgutil.walk_packages(musclelib.__path__, "musclelib.")
}


def source(name):
    path = Path(musclelib.__path__[0]).joinpath(*name.split(".")[1:])
    return (path / "__init__.py" if MODULES[name] else path.with_suffix(".py")).read_text()


ROOMS = [name for name, is_room in MODULES.items() if is_room]


def documented_constants(room):
    """Names that a string literal follows where they are assigned."""
    names = set()
    for body in (ast.parse(source(name)).body for name in MODULES if name.startswith(room)):
        for statement, after in itertools.pairwise(body):
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(after, ast.Expr):
                targets = getattr(statement, "targets", None) or [statement.target]
                names |= {ast.unparse(target) for target in targets}
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_every_exported_name_has_a_docstring(room):
    face, constants = importlib.import_module(room), documented_constants(room)
    for name in face.__all__:
        value = getattr(face, name)
        if hasattr(value, "__name__"):  # a function, a class or a module
            text = vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
            assert text, name
            assert not text.startswith(f"{name}("), name  # what a dataclass writes by itself
        else:
            assert name in constants


@pytest.mark.parametrize("room", ROOMS)
def test_the_docstring_of_a_room_is_its_catalogue(room):
    face = importlib.import_module(room)
    main = [
        name
        for name in face.__all__
        if isinstance(value := getattr(face, name), type | FunctionType | ModuleType)
        and not (isinstance(value, type) and issubclass(value, (Parameters, Exception)))
    ]
    assert [name for name in main if f"`{name}`" not in face.__doc__] == []
    assert ">>> " in face.__doc__


@pytest.mark.parametrize("name", [name for name in MODULES if ">>> " in source(name)])
def test_the_examples_in_docstrings_run(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed


@pytest.mark.parametrize("name", [name for name, is_room in MODULES.items() if not is_room])
def test_no_module_imports_the_face_of_its_own_room(name):
    rooms = [room for room, is_room in MODULES.items() if is_room and name.startswith(f"{room}.")]
    taken = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source(name)))
        if isinstance(node, ast.ImportFrom) and node.module in rooms
        for alias in node.names
    ]
    assert [full for full in taken if full not in MODULES] == []
