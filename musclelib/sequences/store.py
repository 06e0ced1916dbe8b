"""Stores of sequences on zarr 3, in a local folder or at any fsspec URL.

A store holds any number of sequences of one geometry. A chunk is one training clip (the unit of
reading), a shard is one whole sequence (the unit of writing), so that a job that owns a sequence
owns its files, and an interrupted job leaves whole files or none. The group attribute
`finished_sequences` is set last: unfinished sequences are never seen.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec

from musclelib.sequences.integrity import check_whole
from musclelib.sequences.moments import with_moments
from musclelib.sequences.removal import remove_marked, remove_partial
from musclelib.sequences.schema import COORDINATES, FRAMES, SequenceError, check

CLIP_FRAMES = 32
"""Number of frames of one chunk, the clip on which the networks of paper 1 are trained."""

COUNT = "finished_sequences"


@contextmanager
def writing(store: str | Path) -> Iterator[None]:
    """Turn errors of a full disk or a closed folder into one line that says what to do."""
    try:
        yield
    except OSError as error:
        raise SequenceError(
            f"{store}: cannot be written ({error.strerror or error}); what is finished stays: free"
            " space or open the folder and run the same command again, or choose another place"
        ) from error


def create(store: str | Path, like: xr.Dataset, count: int) -> None:
    """Lay out a store for `count` sequences of the variables and geometry of `like`.

    An unfinished store of the same layout is continued.

    Raises
    ------
    SequenceError
        A finished store, or one that was begun with other variables, parameters or geometry,
        exists.
    """
    attributes = {**like.attrs, COUNT: 0}
    folder = Path(store)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "zarr.json").exists():
        raise SequenceError(f"{store}: a folder with other files in it; choose another name")
    try:
        with writing(store):
            root = zarr.open_group(str(store), mode="a", zarr_format=3, attributes=attributes)
    except ValueError as error:
        if isinstance(error, SequenceError):
            raise
        raise SequenceError(f"{store}: something else is there ({error})") from None
    if root.attrs.get(COUNT) != 0:
        raise SequenceError(
            f"{store}: exists already, with other content; choose another name or remove it"
        )
    begun = root.attrs.asdict()
    if begun != attributes:
        version, own = begun.get("version"), attributes.get("version")
        other = version is not None and version != own  # what is being removed says nothing
        raise SequenceError(
            f"{store}: was begun"
            f" {f'by version {version}, not {own}' if other else 'with other parameters'}; choose"
            " another name or remove it"
        )
    for name, variable in like.variables.items():
        per_sequence = "sequence" in variable.dims
        shape = (count, *variable.shape[1:]) if per_sequence else variable.shape
        if str(name) in root:
            found = root[str(name)]
            if not isinstance(found, zarr.Array) or (found.shape, found.dtype) != (
                shape,
                variable.dtype,
            ):
                raise SequenceError(
                    f"{store}: {name} was begun with another shape or type; remove the store"
                )
            if not per_sequence:
                found[...] = variable.values  # a kill may have left the array without values
            continue
        chunks, shards = _layout(variable) if per_sequence else (shape, None)
        root.create_array(
            str(name),
            data=None if per_sequence else variable.values,
            shape=shape if per_sequence else None,
            dtype=variable.dtype if per_sequence else None,
            chunks=chunks,
            shards=shards,
            # without shuffling, lz4 decompresses a clip about as fast as memory is copied
            compressors=BloscCodec(cname="lz4", clevel=1, shuffle="noshuffle"),
            fill_value=np.nan if variable.dtype.kind == "f" else None,
            dimension_names=[str(dim) for dim in variable.dims],
            attributes=dict(variable.attrs),
        )


def put(store: str | Path, index: int, dataset: xr.Dataset) -> None:
    """Write one sequence at `index`, variable by variable in the order of the data set.

    Parameters
    ----------
    store : str or Path
        A store that `create` has laid out.
    index : int
        Place of the sequence in the store.
    dataset : xarray.Dataset
        The sequence, with `sequence` of size 1.
    """
    root = zarr.open_group(str(store), mode="r+")
    for name, variable in dataset.data_vars.items():
        if "sequence" in variable.dims:
            array = root[str(name)]
            assert isinstance(array, zarr.Array)
            with writing(store):
                # a chunk equal to the fill value is written as well: which files exist must not
                # depend on the values
                array.with_config({"write_empty_chunks": True})[index] = variable.values[0]


def finish(store: str | Path, count: int) -> None:
    """Declare the first `count` sequences of a store finished."""
    remove_partial(store)
    zarr.open_group(str(store), mode="r+").attrs[COUNT] = count


def remove(store: str | Path) -> None:
    """Remove a store, finished or not.

    Raises
    ------
    SequenceError
        The store is not a sequence store, or its folder holds other files, which are never removed.
    """
    with writing(store):
        remove_marked(store, COUNT)


def write(dataset: xr.Dataset, store: str | Path, *, replace: bool = False) -> None:
    """Check a data set and write it to a store.

    The moments are computed again, in case the velocity was cropped or scaled. A store with the
    same content is left unchanged, so that a step can be repeated; an unfinished one is written
    again. A store with other content is refused, or removed first.

    Parameters
    ----------
    dataset : xarray.Dataset
        Sequences that follow the schema.
    store : str or Path
        Local folder or fsspec URL, such as `s3://bucket/name`.
    replace : bool
        Whether a store with other content is removed.

    Raises
    ------
    SequenceError
        The data set does not follow the schema, the store has other content, or it cannot be
        written.
    """
    dataset = with_moments(dataset)
    check(dataset)
    try:
        same = open(store).identical(dataset)
    except Exception:  # codecs raise many types of error for a damaged file
        same = False  # the store is missing or unfinished; `create` refuses any other
    if same:
        return
    try:
        create(store, dataset, dataset.sizes["sequence"])
    except SequenceError:
        if not replace:
            raise
        remove(store)
        create(store, dataset, dataset.sizes["sequence"])
    for index in range(dataset.sizes["sequence"]):
        put(store, index, dataset.isel(sequence=[index]))
    finish(store, dataset.sizes["sequence"])


def append(store: str | Path, dataset: xr.Dataset) -> None:
    """Append sequences to a finished store.

    An interruption leaves the store as it was before, and the same call can be repeated.

    Raises
    ------
    SequenceError
        The data set differs from the store in variables, geometry, units or coordinates.
    """
    dataset = with_moments(dataset)
    check(dataset)
    old = open(store)
    for name in old.data_vars:
        if name not in dataset or dataset[name].shape[1:] != old[name].shape[1:]:
            found = dataset[name].shape[1:] if name in dataset else "nothing"
            raise SequenceError(
                f"{store}: {name} has shape {old[name].shape[1:]} a sequence; {found} was given"
            )
        if dataset[name].attrs["units"] != old[name].attrs["units"]:
            raise SequenceError(
                f"{store}: {name} is in {old[name].attrs['units']}, not"
                f" {dataset[name].attrs['units']}"
            )
    for name in ("domain", "parameters"):
        if old.attrs[name] != dataset.attrs[name]:
            raise SequenceError(
                f"{store}: {name} is {old.attrs[name]!r}, not {dataset.attrs[name]!r}"
            )
    unknown = [name for name in dataset.data_vars if name not in old]
    if unknown:
        raise SequenceError(
            f"{store}: has no variable {unknown[0]!r}; it has {', '.join(map(str, old.data_vars))}"
        )
    for name in COORDINATES:
        if not np.allclose(old[name], dataset[name], rtol=0, atol=1e-9):
            raise SequenceError(f"{store}: {name} differs from that of the store")
    root = zarr.open_group(str(store), mode="r+")
    start, total = old.sizes["sequence"], old.sizes["sequence"] + dataset.sizes["sequence"]
    for name, array in root.arrays():
        if name in old.data_vars:
            array.resize((total, *array.shape[1:]))
    for index in range(dataset.sizes["sequence"]):
        put(store, start + index, dataset.isel(sequence=[index])[list(old.data_vars)])
    finish(store, total)


def open(store: str | Path) -> xr.Dataset:
    """Open a store lazily, as dask arrays whose chunks are clips.

    Unfinished sequences are left out with a warning.

    Raises
    ------
    SequenceError
        The store does not exist, is not a sequence store, is unfinished, does not follow the schema
        or lacks a part.
    """
    try:
        count = zarr.open_group(str(store), mode="r").attrs.get(COUNT)
        # decode_timedelta: the unit "s" must not turn times into datetime types
        dataset = xr.open_zarr(str(store), consolidated=False, chunks={}, decode_timedelta=False)
    except FileNotFoundError:
        raise SequenceError(f"{store}: there is no zarr store of that name") from None
    except (ValueError, KeyError, json.JSONDecodeError) as error:
        raise SequenceError(f"{store}: cannot be read as zarr 3 ({error})") from error
    if not isinstance(count, int):
        raise SequenceError(f"{store}: a zarr store, but not of musclelib (no attribute {COUNT!r})")
    if count == 0:
        raise SequenceError(
            f"{store}: not finished; run the command that makes it again, it goes on where it"
            " stopped"
        )
    total = dataset.sizes.get("sequence", 0)
    if count > total:
        raise SequenceError(f"{store}: {count} sequences are declared, {total} are there")
    if count < total:
        warnings.warn(f"{store}: {total - count} unfinished sequences are left out", stacklevel=2)
        dataset = dataset.isel(sequence=slice(count))
    del dataset.attrs[COUNT]
    try:
        check(dataset, values=False)
    except SequenceError as error:
        raise SequenceError(f"{store}: {error}") from None
    check_whole(store, dataset)
    return dataset


def each(dataset: xr.Dataset, name: str = "velocity") -> Iterator[np.ndarray]:
    """Yield the sequences `(time, depth, lateral)`, with one in memory at a time.

    Raises
    ------
    SequenceError
        The data set does not have the variable `name`.
    """
    if name not in dataset:
        raise SequenceError(
            f"there is no variable {name!r}; there are {', '.join(map(str, dataset.data_vars))}"
        )
    for index in range(dataset.sizes["sequence"]):
        yield dataset[name].isel(sequence=index).to_numpy()


def true_velocity(dataset: xr.Dataset) -> Iterator[np.ndarray]:
    """Yield the true velocity of each sequence, `(time, depth, lateral)` [mm/s].

    Stores keep it as a sum of maps times signals, which takes a hundredth of the space on disk.

    Raises
    ------
    SequenceError
        The data set does not hold a true velocity.
    """
    for name in ("true_map", "true_signal"):
        if name not in dataset:
            raise SequenceError(
                f"there is no variable {name!r}: the true velocity of these sequences is not known"
            )
    for index in range(dataset.sizes["sequence"]):
        part = dataset[["true_map", "true_signal"]].isel(sequence=index)
        yield np.tensordot(part.true_signal.to_numpy(), part.true_map.to_numpy(), (0, 0))


def _layout(variable: xr.Variable) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Return chunk and shard, one clip and one sequence for frames, one sequence for the rest."""
    if variable.dims != FRAMES:
        return (1, *(max(size, 1) for size in variable.shape[1:])), None
    frames, *plane = variable.shape[1:]
    clip = min(CLIP_FRAMES, frames)
    whole = -(-frames // clip) * clip
    return (1, clip, *plane), (1, whole, *plane)
