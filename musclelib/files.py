"""Write files and folders that appear whole or not at all, without touching a user's files.

Unfinished work lies in a separate folder beside its place, `.NAME.musclelib`, with a mark in it. A
folder without the mark is never removed, whatever its name; a kill leaves a folder with the mark,
which the same command clears.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "made-by-musclelib"
"""Name of the file that marks a folder as unfinished work, which the package may remove."""


def marked(folder: str | Path) -> Path:
    """Make a folder with the mark, or continue with one that has the mark.

    Raises
    ------
    FileExistsError
        A folder of this name with other files and without the mark exists.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MARK).exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"{folder}: a folder that is not of musclelib is in the way; move it elsewhere"
        )
    (folder / MARK).touch()
    return folder


def clear(folder: str | Path) -> None:
    """Remove a folder that has the mark, with everything in it; leave any other unchanged."""
    mark = Path(folder) / MARK
    if not mark.exists():
        return
    for item in mark.parent.iterdir():
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        elif item != mark:
            item.unlink()
    mark.unlink()  # last, so that a kill leaves a folder with the mark
    mark.parent.rmdir()


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path for a file or folder, which is moved to `path` when the block ends.

    If the block ends with an error, nothing is moved. An existing file is replaced, an existing
    folder only if it is empty. If `path` is a symbolic link, the link stays and its target is
    replaced.

    Raises
    ------
    OSError
        The place cannot be written.
    """
    place = Path(os.path.realpath(path))
    workshop = place.with_name(f".{place.name}.musclelib")
    clear(workshop)
    marked(workshop)
    try:
        yield workshop / place.name
        os.replace(workshop / place.name, place)
    finally:
        clear(workshop)
