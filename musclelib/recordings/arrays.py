"""Open a user's array lazily, from npy, MAT, HDF5 or zarr, with its dims in the order wanted.

The result is an `xarray.DataArray` on dask, so that only what is sliced and computed is read. Every
read opens the file again, which lets dask send the work to other processes and leaves no file open.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import dask.array as da
import h5py
import numpy as np
import scipy.io
import xarray as xr
import zarr

from musclelib.recordings.packing import ATTRIBUTES, text, unpack, zarr_attributes
from musclelib.recordings.series import check_series, natural_order

BLOCK_BYTES = 2**25
"""Size of the blocks in which an array is read [byte]."""

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
MATLAB_USER_BLOCK = 512  # bytes of text before the HDF5 part of a MAT v7.3 file
MATLAB_NUMBERS = {
    "double",
    "single",
    "logical",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}


def open_array(
    path: str | Path,
    variable: str | None = None,
    axes: str | None = None,
    dims: str = "frame sample element",
) -> xr.DataArray:
    """Open one array of a file without reading it.

    Parameters
    ----------
    path : str or Path
        An npy, MAT (v5 to v7.3) or HDF5 file, or a zarr folder, recognised by its content. A MAT
        file up to v7 cannot be read in parts: its variable is loaded at once.
    variable : str, optional
        Name of the array in the file, `"group/name"` in HDF5 and zarr. A pattern such as
        `"data/rf_data/frame_*/shot_1"` stacks all arrays that match, in natural order, along a new
        first axis; their numbers must be without gaps. The name may be omitted if only one array of
        the file has as many axes as `dims`.
    axes : str, optional
        Names of the axes of the array as stored, outermost first, such as `"sample element frame"`;
        by default `dims`. For every MAT file these are the axes that MATLAB shows (`size`).
    dims : str
        The same names in the order wanted.

    Returns
    -------
    xarray.DataArray
        A lazy array with the dims wanted. Complex values stored as pairs `real, imag` are complex.
        NaN stays NaN. Packed numbers (CF conventions: `scale_factor`, `_FillValue` and the like)
        are unpacked, with NaN for missing pixels. The attribute `source` names the file; `units`
        and `unpacked`, where they exist, the unit that the file states and the attributes that were
        applied.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The format is unknown, the file is truncated, the variable is missing, ambiguous or not
        numeric, its axes are not those stated, the arrays to stack differ in shape or unit or have
        a gap in their numbers, or an attribute cannot be applied.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from musclelib.recordings import open_array
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "rf.npy", np.zeros((128, 64, 10), np.int16))
    ...     array = open_array(Path(folder) / "rf.npy", axes="sample element frame")
    >>> dict(array.sizes)
    {'frame': 10, 'sample': 128, 'element': 64}
    """
    path = Path(path)
    wanted = dims.split()
    stored_axes = (axes or dims).split()
    if sorted(stored_axes) != sorted(wanted) or len(set(wanted)) != len(wanted):
        raise ValueError(f"axes {axes!r} and dims {dims!r} must be the same names, each once")
    variables = _variables(path)
    name, names = _select(path, variables, variable, len(wanted))
    stacked = name not in variables
    split = stored_axes.index(wanted[0]) - stacked  # a stacked axis is split by its arrays
    parts, applied = zip(
        *(_open(path, key, variables[key], split if split >= 0 else None) for key in names),
        strict=True,
    )
    array = da.stack(parts) if stacked else parts[0]
    if array.ndim != len(stored_axes):
        raise ValueError(
            f"{path}: {name or 'the array'} has {array.ndim} axes {array.shape}, but axes names"
            f" {len(stored_axes)}: {' '.join(stored_axes)}"
        )
    attributes = {
        "source": path.name,
        "units": text(variables[names[0]].attributes.get("units")),
        # stacked arrays may be packed alike or each in another way
        "unpacked": "; ".join(filter(None, dict.fromkeys(applied))),
    }
    result = xr.DataArray(array, dims=stored_axes, name=PurePosixPath(name).name or None)
    result.attrs = {key: value for key, value in attributes.items() if value}
    return result.transpose(*wanted)


class _Variable(NamedTuple):
    """One array of a file: its shape, its type and the function that opens it lazily."""

    shape: tuple[int, ...]
    kind: str
    numeric: bool
    open: Callable[[int | None], da.Array]
    """Opens the array in blocks along the axis given; None leaves the blocks to dask."""
    attributes: Mapping[str, Any]
    """The file's attributes of the values: their `units`, and how they are packed."""


@dataclass(frozen=True)
class _Stored:
    """One array in a file in the form that dask slices; slicing reads from the file."""

    read: Callable[[Path, str, Any], np.ndarray]
    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...] | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        return self.read(self.path, self.name, key)

    def describe(self, attributes: Mapping[str, Any]) -> _Variable:
        known = {name: attributes[name] for name in ("units", *ATTRIBUTES) if name in attributes}
        return _Variable(self.shape, str(self.dtype), _is_numeric(self.dtype), self.open, known)

    def open(self, split: int | None) -> da.Array:
        wanted = tuple("auto" if split in (axis, None) else -1 for axis in range(self.ndim))
        # whole frames, and multiples of the chunks on disk, so that nothing is decompressed twice
        blocks = da.core.normalize_chunks(wanted, self.shape, BLOCK_BYTES, self.dtype, self.chunks)
        return da.from_array(self, chunks=blocks, name=False, asarray=True)


def _open(path: Path, name: str, stored: _Variable, split: int | None) -> tuple[da.Array, str]:
    return unpack(stored.open(split), stored.attributes, f"{path}: {name or 'the array'}")


def _select(
    path: Path, variables: dict[str, _Variable], variable: str | None, ndim: int
) -> tuple[str, list[str]]:
    """Return the name or pattern of the arrays wanted, and the names of all that match."""
    if variable is None:
        names = [
            name
            for name, stored in variables.items()
            if stored.numeric and len(stored.shape) == ndim
        ]
        if len(names) != 1:
            found = "no array" if not names else f"more than one array ({', '.join(names)})"
            raise ValueError(f"{path} holds {found} of {ndim} axes; it holds {_listing(variables)}")
        return names[0], names
    variable = variable.strip("/")
    names = sorted((name for name in variables if _matches(name, variable)), key=natural_order)
    names = [variable] if variable in variables else names
    if not names:
        hint = "; leave the name empty" if list(variables) == [""] else ""
        raise ValueError(
            f"{path} has no variable {variable!r}; it holds {_listing(variables)}{hint}"
        )
    for name in names:
        if not variables[name].numeric:
            raise ValueError(
                f"{path}: {name} is of type {variables[name].kind}; only numbers are read, no"
                " objects"
            )
        if variables[name].shape != variables[names[0]].shape:
            raise ValueError(
                f"{path}: {names[0]} has shape {variables[names[0]].shape} and {name} has"
                f" {variables[name].shape}; only arrays of one shape can be stacked"
            )
        units = [text(variables[key].attributes.get("units")) for key in (names[0], name)]
        if units[0] != units[1]:
            raise ValueError(
                f"{path}: {names[0]} is in {units[0] or 'no unit'!r} and {name} in"
                f" {units[1] or 'no unit'!r}; only arrays of one unit can be stacked"
            )
    check_series(names, path)
    return variable, names


def _matches(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern part by part, so that `*` stays within one group."""
    parts, wanted = name.split("/"), pattern.split("/")
    return name == pattern or (
        len(parts) == len(wanted)
        and all(fnmatch.fnmatchcase(*pair) for pair in zip(parts, wanted, strict=True))
    )


def _is_numeric(dtype: np.dtype) -> bool:
    return bool(np.issubdtype(dtype, np.number) or dtype == np.bool_)


def _listing(variables: dict[str, _Variable]) -> str:
    return (
        ", ".join(f"{name or 'an array'} {stored.shape}" for name, stored in variables.items())
        or "no array"
    )


def _variables(path: Path) -> dict[str, _Variable]:
    """Return every array of the file by name, with its shape but without reading its values."""
    if path.is_dir():
        return _zarr_variables(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        head = file.read(MATLAB_USER_BLOCK + len(HDF5_MAGIC))
    if head.startswith(b"\x93NUMPY"):
        return {"": _npy(path).describe({})}
    if head.startswith(HDF5_MAGIC) or head[MATLAB_USER_BLOCK:] == HDF5_MAGIC:
        return _hdf5_variables(path, matlab=head.startswith(b"MATLAB 7.3") or path.suffix == ".mat")
    if head.startswith(b"MATLAB 5.0"):
        return _mat5_variables(path)
    raise ValueError(
        f"{path} is of an unknown format; allowed are npy, MAT (v5 to v7.3), HDF5 and zarr"
    )


def _npy(path: Path) -> _Stored:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        objects = "objects" in str(error).lower()
        reason = (
            "holds Python objects; only numbers are read" if objects else f"is truncated ({error})"
        )
        raise ValueError(f"{path} {reason}") from None
    return _Stored(_read_npy, path, "", array.shape, array.dtype)


def _read_npy(path: Path, _: str, key: Any) -> np.ndarray:
    return np.array(np.load(path, mmap_mode="r", allow_pickle=False)[key])


def _hdf5_variables(path: Path, matlab: bool) -> dict[str, _Variable]:
    variables: dict[str, _Variable] = {}

    def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
        # MATLAB keeps its cells in the group "#refs#"
        if isinstance(item, h5py.Dataset) and not name.startswith("#"):
            shape = item.shape or ()
            dtype = _complex_dtype(item.dtype) or item.dtype
            # MATLAB writes column-major data into a row-major format, so HDF5 sees every shape
            # reversed
            read = _read_matlab_hdf5 if matlab else _read_hdf5
            step = -1 if matlab else 1
            chunks = item.chunks and item.chunks[::step]
            variables[name] = _Stored(read, path, name, shape[::step], dtype, chunks).describe(
                item.attrs
            )

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be opened as HDF5, it is truncated or damaged: {error}"
        ) from None
    return variables


def _complex_dtype(stored: np.dtype) -> np.dtype | None:
    """Return the complex type of a compound `real, imag`, as MATLAB stores complex numbers."""
    if stored.names != ("real", "imag"):
        return None
    return np.result_type(stored["real"], stored["imag"], np.complex64)


def _read_hdf5(path: Path, name: str, key: Any) -> np.ndarray:
    try:
        with h5py.File(path, "r") as file:
            dataset: Any = file[name]
            data = dataset[key]
    except OSError as error:
        raise ValueError(
            f"{path}: {name} cannot be read, the file is truncated or damaged: {error}"
        ) from None
    complex_dtype = _complex_dtype(data.dtype)
    if complex_dtype is None:
        return np.asarray(data)
    result = np.empty(data.shape, complex_dtype)
    result.real, result.imag = data["real"], data["imag"]
    return result


def _read_matlab_hdf5(path: Path, name: str, key: tuple[slice, ...]) -> np.ndarray:
    return _read_hdf5(path, name, key[::-1]).T


def _mat5_variables(path: Path) -> dict[str, _Variable]:
    try:
        contents = scipy.io.whosmat(str(path))
    except Exception as error:  # SciPy raises many types of error for a damaged file
        raise ValueError(
            f"{path} cannot be opened as MAT, it is truncated or damaged: {error}"
        ) from None
    return {
        name: _Variable(
            shape, kind, kind in MATLAB_NUMBERS, functools.partial(_load_mat5, path, name), {}
        )
        for name, shape, kind in contents
    }


def _load_mat5(path: Path, name: str, _: int | None) -> da.Array:
    try:
        array = scipy.io.loadmat(str(path), variable_names=[name])[name]
    except Exception as error:
        raise ValueError(
            f"{path}: {name} cannot be read, the file is truncated or damaged: {error}"
        ) from None
    return da.from_array(array)


def _zarr_variables(path: Path) -> dict[str, _Variable]:
    try:
        opened = zarr.open(path, mode="r")
    except FileNotFoundError:
        raise ValueError(f"{path} is a folder, but not a zarr store") from None
    if isinstance(opened, zarr.Array):
        found = {"": opened}
    else:
        members = sorted(opened.members(max_depth=None))
        found = {name: member for name, member in members if isinstance(member, zarr.Array)}
    return {
        name: (
            _Stored(_read_zarr, path, name, array.shape, array.dtype, array.chunks).describe(
                zarr_attributes(array)
            )
        )
        for name, array in found.items()
    }


def _read_zarr(path: Path, name: str, key: Any) -> np.ndarray:
    opened: Any = zarr.open(path, mode="r")
    return np.asarray((opened[name] if name else opened)[key])
