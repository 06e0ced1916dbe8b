"""Files and folders that appear whole or not at all, and never at the cost of anything that is not the package's own.

What is made on the way lies in a folder of its own beside its place, `.NAME.musclelib`, with a mark
in it. A folder without the mark is never removed, whatever it is called; a kill leaves one with it,
which the same command clears.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "made-by-musclelib"
"""The file that marks a folder as one which the package made on the way, and may remove with all that is in it."""


def marked(folder: str | Path) -> Path:
    """Make a folder with the mark, or go on with one that has it.

    Raises
    ------
    FileExistsError
        A folder of that name is there with other files in it, and without the mark.
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
    """Remove a folder that has the mark, with all that is in it; leave any other as it is."""
    mark = Path(folder) / MARK
    if not mark.exists():
        return
    for item in mark.parent.iterdir():
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        elif item != mark:
            item.unlink()
    mark.unlink()  # last, so that what a kill leaves has the mark
    mark.parent.rmdir()


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield where to make a file or folder.

    It takes its place when the block ends without an error.

    A file that is there is replaced, a folder only where it is empty. Behind a symbolic link, that
    is done at the place which the link points to, and the link stays.

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
