from pathlib import Path
from xml.etree import ElementTree

import pytest

from musclelib.study import rooms

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path):
    files = {
        "p/__init__.py": "",
        "p/base/__init__.py": "import os",
        "p/alone.py": "from p import top",
        "p/middle/__init__.py": "from p.base import a",
        "p/middle/own.py": "from p.middle import b\nimport p.base",
        "p/top/a.py": "from p import middle\nfrom p.base import c",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "p"


def test_rooms_import_other_rooms_and_not_themselves(package):
    assert rooms.imports(package) == {"base": set(), "middle": {"base"}, "top": {"middle", "base"}}


def test_a_room_lies_above_what_it_imports(package):
    assert rooms.floors(rooms.imports(package)) == {"base": 0, "middle": 1, "top": 2}
    with pytest.raises(ValueError, match="imports go in a circle: "):
        rooms.floors({"a": {"b"}, "b": {"a"}, "c": set()})


def test_the_picture_has_a_box_for_each_room_and_a_line_for_each_direct_import(package):
    picture = ElementTree.fromstring(rooms.draw(rooms.imports(package)))
    space = "{http://www.w3.org/2000/svg}"
    assert {text.text for text in picture.iter(f"{space}text")} == {"base", "middle", "top"}
    assert len(list(picture.iter(f"{space}path"))) == 2  # top to base goes by the way of middle
    heights = {text.text: float(text.get("y")) for text in picture.iter(f"{space}text")}
    assert heights["top"] < heights["middle"] < heights["base"]


def test_the_picture_in_the_docs_is_that_of_the_code():
    drawn = rooms.draw(rooms.imports(ROOT / "musclelib"))
    assert (ROOT / "docs/rooms.svg").read_text() == drawn, "imports have changed: run `make record`"
