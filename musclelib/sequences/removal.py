"""Remove a store: only files that zarr made for the variables of this package."""

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
# names of files that zarr has not yet renamed
_PARTIAL = rf"(?:(?:{_ARRAY})/)?(?:zarr|{_CHUNK})\.[0-9a-f]+\.partial"
_OWN = re.compile(rf"zarr\.json|(?:{_ARRAY})/(?:zarr\.json|{_CHUNK})|{_PARTIAL}")


def own_files(store: str | Path, mark: str) -> list[str]:
    """Return the names of the files of a store, after checking that zarr made all of them.

    Parameters
    ----------
    store : str or Path
        Local folder or fsspec URL.
    mark : str
        Name of the attribute that identifies the kind of the store.

    Raises
    ------
    SequenceError
        The store does not have the attribute, or its folder holds other files.
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
    """Remove the files of a store after the checks of `own_files`.

    A kill leaves an unfinished store, which can be removed again. If the store is a symbolic link,
    the link and an empty folder stay.
    """
    names = own_files(store, mark)
    # mark the store as unfinished first, so that nobody reads or continues it from here on
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
    for folder in folders[:-1]:  # the store's folder is last and goes after its zarr.json
        os.rmdir(folder)
    system.rm_file(f"{root}/zarr.json")
    if folders and not os.path.islink(root):
        os.rmdir(root)


def remove_partial(store: str | Path) -> None:
    """Remove the temporary files that a killed process left in a local store, now written again."""
    for path in Path(store).rglob("*.partial") if Path(store).is_dir() else ():
        if re.fullmatch(_PARTIAL, path.relative_to(store).as_posix()):
            path.unlink()
