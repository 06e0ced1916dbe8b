"""The picture of the rooms: which part of the package imports which, drawn from the code as SVG."""

from __future__ import annotations

import ast
from pathlib import Path

from musclelib.files import whole

_WIDTH, _HEIGHT, _ACROSS, _DOWN = 132, 34, 160, 92  # a room, and the distance of rooms [pixel]


def imports(package: Path) -> dict[str, set[str]]:
    """Return the rooms of a package, which are its folders, and the rooms that each imports."""
    rooms: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*/*.py")):
        room = path.relative_to(package).parts[0]
        found = {name.split(".")[1] for name in _imported(path, package)}
        rooms.setdefault(room, set()).update(found - {room})
    return {room: others & rooms.keys() for room, others in rooms.items()}


def floors(rooms: dict[str, set[str]]) -> dict[str, int]:
    """Return the floor of each room, right below the lowest that imports it; 0 is the ground.

    A room that no other imports lies right above the highest that it imports itself.

    Raises
    ------
    ValueError
        Rooms import one another in a circle.
    """
    lowest: dict[str, int] = {}
    while len(lowest) < len(rooms):
        ready = [room for room in rooms if room not in lowest and rooms[room] <= lowest.keys()]
        if not ready:
            raise ValueError(f"imports go in a circle: {', '.join(rooms.keys() - lowest.keys())}")
        for room in ready:
            lowest[room] = 1 + max((lowest[other] for other in rooms[room]), default=-1)
    found: dict[str, int] = {}
    for room in sorted(rooms, key=lowest.__getitem__, reverse=True):
        above = [found[other] for other in rooms if room in rooms[other]]
        found[room] = min(above) - 1 if above else lowest[room]
    return found


def draw(rooms: dict[str, set[str]]) -> str:
    """Return the picture: a box for each room, on its floor, and a line down to each it imports.

    A line that another way down already implies is left out, to keep the picture legible.
    """
    floor, lines_of = floors(rooms), {room: _direct(room, rooms) for room in rooms}
    place: dict[str, float] = {}
    top = max(floor.values())
    widest = max(list(floor.values()).count(level) for level in range(top + 1))

    # from the ground up, each room near the middle of those that it imports
    for level in range(top + 1):
        storey = sorted(room for room in rooms if floor[room] == level)
        if level:
            storey.sort(key=lambda room: _middle([place[other] for other in lines_of[room]]))
        for number, room in enumerate(storey):
            place[room] = _ACROSS * (number + 0.5 + (widest - len(storey)) / 2)

    width, height = _ACROSS * widest, _DOWN * top + _HEIGHT + 24
    lines, boxes = [], []
    for room in rooms:
        x, y = place[room], 12 + _DOWN * (top - floor[room])
        boxes.append(
            f'<rect x="{x - _WIDTH / 2:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
            f'<text x="{x:g}" y="{y + 22:g}">{room}</text>'
        )
        for other in sorted(lines_of[room]):
            across = place[other] - x
            fall = _DOWN * (floor[room] - floor[other]) - _HEIGHT
            curve = f"c0 {fall / 2:g} {across:g} {fall / 2:g} {across:g} {fall:g}"
            lines.append(f'<path d="M{x:g} {y + _HEIGHT:g}{curve}"/>')
    style = (
        "path{fill:none;stroke:#8a97a6;stroke-width:1.3}rect{fill:#eef3f7;stroke:#0b5c8a}"
        "text{font:14px system-ui,sans-serif;text-anchor:middle;fill:#1d2733}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
        f'<style>{style}</style><rect x="0" y="0" width="{width}" height="{height}"'
        f' style="fill:#fff;stroke:none"/>\n' + "\n".join([*lines, *boxes]) + "\n</svg>\n"
    )


def _middle(places: list[float]) -> float:
    return sum(places) / len(places) if places else 0.0


def write(path: Path) -> None:
    """Write the picture of this package."""
    with whole(path) as new:
        new.write_text(draw(imports(Path(__file__).parents[1])))


def _direct(room: str, rooms: dict[str, set[str]]) -> set[str]:
    """Return the imported rooms that no other imported room reaches."""
    return rooms[room] - set().union(*(_below(other, rooms) for other in rooms[room]))


def _below(room: str, rooms: dict[str, set[str]]) -> set[str]:
    return rooms[room].union(*(_below(other, rooms) for other in rooms[room]))


def _imported(path: Path, package: Path) -> list[str]:
    """Return the dotted names that a module imports from the package."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == package.name:
                names += [f"{package.name}.{each.name}" for each in node.names]
            elif node.module.startswith(f"{package.name}."):
                names.append(node.module)
        elif isinstance(node, ast.Import):
            names += [each.name for each in node.names if each.name.startswith(f"{package.name}.")]
    return names
