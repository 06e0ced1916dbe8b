"""The files that belong to a report, whose folder may also hold pages and figures of a user."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from musclelib.files import whole

MANIFEST = ".musclelib-report.json"
"""Lists the files that a report has in its folder, with the SHA-256 of each.

A file that was changed is a user's.
"""


class ReportError(ValueError):
    """A report cannot be built.

    The message says why and what to do. What was there before stays.
    """


def take_over(new: Path, reports: Path) -> None:
    """Move all files of a folder into another, in place of those that its manifest lists.

    `index.html` comes last.

    Raises
    ------
    ReportError
        A file that is not listed, or was changed since, is in the way of one of them. Nothing is
        moved then.
    """
    listed = _listed(reports)
    names = [path.relative_to(new).as_posix() for path in new.rglob("*") if path.is_file()]
    # what pages link to, pages, the index
    names.sort(key=lambda name: (name == "index.html", "/" not in name, name))
    _refuse_others(reports, names, listed)
    made = {name: [_digest(new / name)] for name in names}
    # before a file is moved, so that a kill leaves none that is not listed
    _list(reports, {name: [*listed.get(name, []), *made.get(name, [])] for name in listed | made})
    for name in names:
        (reports / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(new / name, reports / name)
    _remove(reports, {name: listed[name] for name in listed.keys() - made.keys()})
    _list(reports, made)


def remove(reports: Path) -> None:
    """Remove a report, and nothing else that is in its folder."""
    _remove(reports, _listed(reports))
    (reports / MANIFEST).unlink(missing_ok=True)


def _refuse_others(reports: Path, names: list[str], listed: dict[str, list[str]]) -> None:
    folders = {folder for name in names for folder in Path(name).parents}
    others = [
        str(folder)
        for folder in folders
        if (reports / folder).exists() and not (reports / folder).is_dir()
    ]
    others += [
        name
        for name in names
        if os.path.lexists(reports / name) and not _own(reports, name, listed)
    ]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise ReportError(
            f"{reports / others[0]}{more}: in the way of the report, but not of the last one, or"
            " changed since; move what is yours elsewhere and remove the rest, or name another"
            " folder"
        )


def _remove(reports: Path, listed: dict[str, list[str]]) -> None:
    for name in listed:
        if _own(reports, name, listed):
            (reports / name).unlink()
    for folder in {
        reports / folder for name in listed for folder in Path(name).parents if folder != Path()
    }:
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


def _own(reports: Path, name: str, listed: dict[str, list[str]]) -> bool:
    path = reports / name
    return path.is_file() and not path.is_symlink() and _digest(path) in listed.get(name, [])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _listed(reports: Path) -> dict[str, list[str]]:
    """Return names and digests of what a report has in a folder.

    Two digests where a kill left open which it is.
    """
    try:
        return dict(json.loads((reports / MANIFEST).read_text()))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise ReportError(
            f"{reports / MANIFEST}: is damaged; remove it, and the report in that folder"
        ) from None


def _list(reports: Path, listed: dict[str, list[str]]) -> None:
    with whole(reports / MANIFEST) as path:
        path.write_text(json.dumps(listed, indent=1, sort_keys=True) + "\n")
