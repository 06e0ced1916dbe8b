"""Remove a store: the files that zarr made of this package's variables, where there are no others."""

from __future__ import annotations

import os
import re
from pathlib import Path

import fsspec
import zarr
from fsspec.implementations.local import LocalFileSystem

from musclelib.sequences.schema import COORDINATES, SCHEMA, SequenceError

_ARRAY = "|".join((*SCHEMA, *COORDINATES))
_CHUNK = r"c(?:/\d+)*"
# as zarr calls what it has not yet renamed
_PARTIAL = rf"(?:(?:{_ARRAY})/)?(?:zarr|{_CHUNK})\.[0-9a-f]+\.partial"
_OWN = re.compile(rf"zarr\.json|(?:{_ARRAY})/(?:zarr\.json|{_CHUNK})|{_PARTIAL}")


def own_files(store: str | Path, mark: str) -> list[str]:
    """Return the names of a store's files, all of which zarr made.

    The attribute `mark` says what store it is.

    Raises
    ------
    SequenceError
        It has no such attribute, or there is something else in its folder.
    """
    try:
        ours = mark in zarr.open_group(str(store), mode="r").attrs
    except (FileNotFoundError, ValueError):
        ours = False
    if not ours:
        raise SequenceError(f"{store}: not a sequence store; it is left alone")
    system, root = fsspec.core.url_to_fs(str(store))
    names = [name.removeprefix(root).lstrip("/") for name in system.find(root)]
    others = [name for name in names if not _OWN.fullmatch(name)]
    if others:
        raise SequenceError(
            f"{store}: not only a store is in this folder, which is left alone:"
            f" {', '.join(others[:3])}{', ...' if len(others) > 3 else ''} must be moved elsewhere"
            " first, or another name chosen"
        )
    return names


def remove_marked(store: str | Path, mark: str) -> None:
    """Remove a store of which `own_files` tells.

    A kill leaves one that is not finished, and may be removed.

    Behind a symbolic link, the link and an empty folder stay.
    """
    names = own_files(store, mark)
    # from here on nobody reads it or goes on with it
    zarr.open_group(str(store), mode="r+").attrs.put({mark: 0})
    system, root = fsspec.core.url_to_fs(str(store))
    for name in names:
        if name != "zarr.json":
            system.rm_file(f"{root}/{name}")
    folders = (
        [folder for folder, _, _ in os.walk(root, topdown=False)]
        if isinstance(system, LocalFileSystem)
        else []
    )
    for folder in folders[:-1]:  # without the store's own, which comes last
        os.rmdir(folder)
    system.rm_file(f"{root}/zarr.json")
    if folders and not os.path.islink(root):
        os.rmdir(root)


def remove_partial(store: str | Path) -> None:
    """Remove what zarr had under a temporary name in a local store when it was killed.

    It has been written since.
    """
    for path in Path(store).rglob("*.partial") if Path(store).is_dir() else ():
        if re.fullmatch(_PARTIAL, path.relative_to(store).as_posix()):
            path.unlink()
