"""The reference of all public modules, classes and functions, made from the code.

It is read from the source and not imported, so that a page needs no device, network or data.
"""

from __future__ import annotations

import ast
import html
import inspect
from pathlib import Path

_Definition = ast.ClassDef | ast.FunctionDef


def body(package: Path) -> str:
    """Return the reference of a package as HTML: its rooms, in each its modules in order."""
    places = [package, *sorted(path.parent for path in package.rglob("*/__init__.py"))]
    rooms = {
        place.relative_to(package.parent).as_posix().replace("/", "."): place for place in places
    }
    links = " · ".join(f'<a href="#{room}">{room}</a>' for room in rooms)
    return f"<p>{links}</p>" + "".join(_room(room, place) for room, place in rooms.items())


def _room(name: str, place: Path) -> str:
    face = ast.parse((place / "__init__.py").read_text())
    modules = sorted(path for path in place.glob("*.py") if not path.stem.startswith("_"))
    return (
        f'<section><h2 id="{name}">{name}</h2>{_doc(face)}'
        + "".join(_module(f"{name}.{path.stem}", ast.parse(path.read_text())) for path in modules)
        + "</section>"
    )


def _module(name: str, tree: ast.Module) -> str:
    return f'<h3 id="{name}">{name}</h3>{_doc(tree)}' + "".join(
        _definition(node, name) for node in _public(tree.body)
    )


def _definition(node: _Definition, inside: str) -> str:
    """Return a class or function, folded: its signature, docstring, fields and methods."""
    name = f"{inside}.{node.name}"
    if isinstance(node, ast.FunctionDef):
        head, more = f"{node.name}{_signature(node)}", ""
    else:
        bases = ", ".join(map(ast.unparse, node.bases))
        head = f"class {node.name}" + (f"({bases})" if bases else "")
        fields = "\n".join(ast.unparse(each) for each in node.body if _is_field(each))
        more = f"<pre>{html.escape(fields)}</pre>" if fields else ""
        more += "".join(_definition(each, name) for each in _public(node.body))
    return (
        f'<section class="definition" id="{name}"><code>{html.escape(head)}</code>{_doc(node)}'
        f"{more}</section>"
    )


def _signature(node: ast.FunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(node.args)}){returns}"


def _public(nodes: list[ast.stmt]) -> list[_Definition]:
    definitions = [node for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return [
        node for node in definitions if not node.name.startswith("_") or node.name == "__call__"
    ]


def _is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_")


def _doc(node: ast.Module | _Definition) -> str:
    text = ast.get_docstring(node)
    return f'<pre class="doc">{html.escape(inspect.cleandoc(text))}</pre>' if text else ""
