import inspect
from pathlib import Path

from bs4 import BeautifulSoup

from musclelib import simulator
from musclelib.networks import weights
from musclelib.parameters import Parameters
from musclelib.study import reference

PACKAGE = Path(inspect.getfile(Parameters)).parent
PAGE = BeautifulSoup(reference.body(PACKAGE), "html.parser")


def _words(element):
    return " ".join(element.get_text(" ").split())


def test_every_room_and_module_is_listed():
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        name = name.removesuffix(".__init__")
        if not path.stem.startswith("_") or path.stem == "__init__":
            assert PAGE.find(id=name), name


def test_a_function_has_its_signature_and_docstring():
    entry = PAGE.find(id="musclelib.networks.weights.load")
    assert "load(path: str | Path, *kinds: type[Network], device" in entry.code.get_text()
    assert _words(entry.pre) == " ".join(inspect.getdoc(weights.load).split())


def test_a_class_has_its_bases_fields_and_methods():
    entry = PAGE.find(id="musclelib.simulator.in_vivo.InVivoParameters")
    assert entry.code.get_text().startswith("class InVivoParameters(")
    assert "subjects: " in entry.get_text()
    assert simulator.InVivoParameters.__doc__.split("\n")[0] in entry.get_text()
    assert PAGE.find(id="musclelib.parameters.Parameters.from_dict")


def test_what_is_private_is_not_listed(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p/__init__.py").write_text('"""A <room>."""')
    (tmp_path / "p/m.py").write_text(
        '"""A module."""\ndef seen(a: int = 1) -> str:\n    """Say it."""\ndef _hidden(): ...\n'
        "class C:\n    def __init__(self): ...\n    def __call__(self): ...\n"
        "    def _h(self): ...\n"
    )
    page = BeautifulSoup(reference.body(tmp_path / "p"), "html.parser")
    assert [each["id"] for each in page.find_all(id=True)] == [
        "p",
        "p.m",
        "p.m.seen",
        "p.m.C",
        "p.m.C.__call__",
    ]
    assert page.find(id="p.m.seen").code.get_text() == "seen(a: int=1) -> str"
    assert "A <room>." in page.get_text()
