"""Public recordings by name, from a local mirror, the cache folder or the network.

`registry.txt` (pooch's format: name, SHA-256, URL) lists the recordings. None is part of the
package; each comes from its publisher under the publisher's licence, and is checked by SHA-256.
"""

from __future__ import annotations

import difflib
import functools
import os
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pooch
import requests

from musclelib.parameters import ParameterError

MIRROR = "MUSCLELIB_DATA"
"""Environment variable that names a folder with the recordings; if set, nothing is downloaded."""

REGISTRY = "registry:"
"""Prefix that distinguishes the name of a public recording from the path of a file."""

_DESCRIBED = (  # as the notebooks and parameter files describe them
    "rotating disk phantom",
    "soleym/ml-muscle-feature-extraction",
    "joshrbaxter/ultrasound_tracking",
)


class MissingRecordingError(RuntimeError):
    """A public recording is neither here nor downloadable; the message says how to get it."""


class Entry(NamedTuple):
    """One line of the registry: the SHA-256 of a recording and where it comes from."""

    sha256: str
    url: str


@functools.cache
def registry() -> dict[str, Entry]:
    """Return the entries of all recordings by name, such as `"gm_torque_angle/p6_params.mat"`."""
    index = pooch.create(path="", base_url="")
    with resources.as_file(resources.files("musclelib") / "registry.txt") as path:
        index.load_registry(path)
    return {name: Entry(sha256, index.urls[name]) for name, sha256 in index.registry.items()}


def cache_folder() -> Path:
    """Return the folder of downloads, in the user's cache folder of the operating system."""
    return Path(pooch.os_cache("musclelib"))


def fetch(name: str) -> Path:
    """Return the path of one recording, and download it first if necessary.

    If the environment variable `MUSCLELIB_DATA` is set, only the folder that it names is searched;
    otherwise the cache folder, to which missing recordings are downloaded. A printed line and a
    progress bar announce a download.

    Parameters
    ----------
    name : str
        Name in the registry, such as `"gm_torque_angle/p6_params.mat"`.

    Raises
    ------
    ValueError
        The name is unknown or leaves the data folder, or the SHA-256 of a file is not the
        registered one.
    FileNotFoundError
        `MUSCLELIB_DATA` is set, and the file is not in that folder.
    ConnectionError
        The file could not be downloaded; the message says how to get it by hand.
    """
    _refuse_escape(name)
    if name not in registry():
        raise ValueError(_unknown("recording", name, list(registry())))
    mirror = os.environ.get(MIRROR)
    return _from_mirror(name, Path(mirror)) if mirror else _from_cache(name, cache_folder())


def local_path(source: str) -> Path:
    """Return the path of a source: the path of a file or folder, or `registry:NAME`.

    Raises
    ------
    MissingRecordingError
        The public recording is neither in the mirror nor downloadable.
    FileNotFoundError
        The file or folder does not exist.
    """
    if source.startswith(REGISTRY):
        try:
            return fetch(source.removeprefix(REGISTRY))
        except (FileNotFoundError, ConnectionError) as error:
            raise MissingRecordingError(str(error)) from None
    if not Path(source).exists():
        raise FileNotFoundError(f"there is no file or folder {source}")
    return Path(source)


def check_description(source: str, description: str) -> None:
    """Refuse to describe a user's own file as one of the public recordings that the study imports.

    Raises
    ------
    ParameterError
        `source` is a path, and `description` names a public recording.
    """
    if not source.startswith(REGISTRY) and any(name in description for name in _DESCRIBED):
        raise ParameterError(
            f"description = {description!r} is that of a public recording, not of {source}: set"
            " it, and every other parameter, to your own recording"
        )


def fetch_folder(prefix: str) -> Path:
    """Return the path of a folder of recordings after fetching all files in and below it.

    Parameters
    ----------
    prefix : str
        Folder in the registry, such as `"longitudinal_bmode/apo_images"`.

    Raises
    ------
    ValueError, FileNotFoundError, ConnectionError
        As in `fetch`.
    """
    _refuse_escape(prefix)
    prefix = prefix.rstrip("/")
    names = [name for name in registry() if name.startswith(prefix + "/")]
    if not names:
        folders = sorted(
            {str(parent) for name in registry() for parent in PurePosixPath(name).parents} - {"."}
        )
        raise ValueError(_unknown("folder", prefix, folders))
    root = fetch(names[0]).parents[len(PurePosixPath(names[0]).parts) - 1]
    for name in names[1:]:
        fetch(name)
    return root / prefix


def _refuse_escape(name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name:
        raise ValueError(
            f"{name!r} leaves the data folder; a name is relative, such as"
            f" {next(iter(registry()))!r}"
        )


def _unknown(kind: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = (
        "close are " + ", ".join(close)
        if close
        else f"allowed are the {len(known)} in musclelib/registry.txt"
    )
    return f"no {kind} is called {name!r}; {hint}"


def _is_registered(path: Path, name: str) -> bool:
    return bool(pooch.file_hash(str(path)) == registry()[name].sha256)


def _from_mirror(name: str, mirror: Path) -> Path:
    path = mirror / name
    if not path.is_file():
        raise FileNotFoundError(
            f"{name} is not in the folder that {MIRROR} names ({mirror}): put the file from"
            f" {registry()[name].url} there, or unset {MIRROR} to download it"
        )
    if not _is_registered(path, name):
        raise ValueError(
            f"{path} is not the registered {name}: its SHA-256 is {pooch.file_hash(str(path))}, not"
            f" {registry()[name].sha256}; replace it by the file from {registry()[name].url}"
        )
    return path


def _from_cache(name: str, folder: Path) -> Path:
    path = folder / name
    sha256, url = registry()[name]
    if path.is_file() and _is_registered(path, name):
        return path
    # the progress bar adds the size if the server states it
    print(f"fetching {name} from {url} into {folder}")
    downloader = pooch.HTTPDownloader(progressbar=True, chunk_size=2**16)
    try:
        pooch.retrieve(url, sha256, fname=path.name, path=path.parent, downloader=downloader)
    except requests.RequestException as error:
        raise ConnectionError(
            f"{name} could not be downloaded from {url} ({type(error).__name__}): put that file at"
            f" {path} by hand, or set {MIRROR} to a folder that holds {name}"
        ) from None
    except ValueError:  # another file came, such as a network's log-in page; pooch has removed it
        raise ConnectionError(
            f"{url} did not serve the registered {name}: the SHA-256 of what came is not {sha256};"
            f" get it by hand, put it at {path}, or set {MIRROR} to a folder that holds {name}"
        ) from None
    return path
