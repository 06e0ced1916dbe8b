"""Unpack numbers that a file keeps as counts with a factor, an offset and marks of missing pixels.

The attributes are those of the CF conventions (2.5.1 and 8.1), which netCDF-4, HDF5 and zarr share.
xarray decodes them too, but drops the imaginary part of complex counts and ignores the valid range.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
import zarr

_SIZES = {
    "scale_factor": 1,
    "add_offset": 1,
    "_FillValue": 1,
    "missing_value": None,  # any number
    "valid_range": 2,
    "valid_min": 1,
    "valid_max": 1,
}
ATTRIBUTES = (*_SIZES, "_Unsigned")
"""Attributes of an array that determine how its values follow from its counts."""


def unpack(counts: da.Array, attributes: Mapping[str, Any], where: str) -> tuple[da.Array, str]:
    """Turn the counts of an array into its values, lazily.

    Parameters
    ----------
    counts : dask.array.Array
        The array as stored.
    attributes : mapping
        The attributes of the array; those in `ATTRIBUTES` are applied.
    where : str
        File and name of the array, for messages.

    Returns
    -------
    values : dask.array.Array
        Counts times `scale_factor` plus `add_offset`, and NaN where the count is `_FillValue` or a
        `missing_value` or lies outside the valid range; `counts` itself if no attribute changes the
        values.
    applied : str
        The attributes that were applied, empty without any.

    Raises
    ------
    ValueError
        An attribute is not a number, or has not one value for the whole array.
    """
    numbers = {
        name: _numbers(attributes[name], name, where) for name in _SIZES if name in attributes
    }
    numbers = {name: values for name, values in numbers.items() if values.size}
    applied = [f"{name} {' '.join(map(str, values))}" for name, values in numbers.items()]
    if counts.dtype.kind == "c" and not numbers.keys().isdisjoint(
        ("valid_range", "valid_min", "valid_max")
    ):
        raise ValueError(
            f"{where}: has a valid range, but holds complex numbers, which have no order; mend the"
            " file"
        )
    if counts.dtype.kind == "i" and text(attributes.get("_Unsigned")).lower() == "true":
        applied.append("_Unsigned")
        unsigned = np.dtype(f"u{counts.dtype.itemsize}")
        # the marks and limits are written in the signed type of the counts
        for name in numbers.keys() - {"scale_factor", "add_offset"}:
            numbers[name] = numbers[name].astype(counts.dtype).astype(unsigned)
        counts = counts.astype(unsigned)
    if not numbers:
        return counts, ", ".join(applied)
    scaled = "scale_factor" in numbers or "add_offset" in numbers
    dtype = np.result_type(counts.dtype, np.float64 if scaled else np.float32)
    values = da.map_blocks(
        _unpack, counts, numbers, dtype, dtype=dtype, meta=np.empty((0,) * counts.ndim, dtype)
    )
    return values, ", ".join(applied)


def zarr_attributes(array: zarr.Array) -> dict[str, Any]:
    """Return the attributes of a zarr array, with its mark of missing pixels as xarray means it.

    The fill value of zarr is not such a mark: it stands for pixels that were never written. Only
    xarray, in format 2, keeps `_FillValue` there.
    """
    attributes: dict[str, Any] = dict(array.attrs)
    mark = attributes.get("_FillValue")
    if (
        array.metadata.zarr_format == 2
        and "_ARRAY_DIMENSIONS" in attributes
        and array.fill_value is not None
    ):
        attributes["_FillValue"] = array.fill_value
    # in format 3 xarray writes the bytes of a real number
    elif array.dtype.kind == "f" and isinstance(mark, str):
        with contextlib.suppress(ValueError):
            attributes["_FillValue"] = np.frombuffer(base64.b64decode(mark), "<f8")
    return attributes


def text(attribute: Any) -> str:
    """Return the text of an attribute, however a file stores it; empty without any."""
    first = next((item for item in np.ravel(attribute) if isinstance(item, str | bytes)), "")
    return (first.decode(errors="replace") if isinstance(first, bytes) else first).strip()


def _numbers(value: Any, name: str, where: str) -> np.ndarray:
    """Return the numbers of an attribute, without NaN, which marks missing pixels by itself."""
    try:
        numbers = np.ravel(value)
        numbers = numbers if numbers.dtype.kind in "iufc" else numbers.astype(float)
    except (TypeError, ValueError):
        numbers = np.array([])
    is_mark = name in ("_FillValue", "missing_value")
    possible = is_mark or (np.isfinite(numbers).all() and (numbers.all() or name != "scale_factor"))
    if numbers.size == 0 or numbers.size != (_SIZES[name] or numbers.size) or not possible:
        raise ValueError(
            f"{where}: its attribute {name} = {value!r} is no number for the whole array; mend the"
            " file"
        )
    return numbers[~np.isnan(numbers)]


def _unpack(counts: np.ndarray, numbers: Mapping[str, np.ndarray], dtype: np.dtype) -> np.ndarray:
    values = counts.astype(dtype)
    values *= numbers.get("scale_factor", [1])[0]
    values += numbers.get("add_offset", [0])[0]
    missing = np.zeros(counts.shape, bool)
    for mark in (*numbers.get("_FillValue", ()), *numbers.get("missing_value", ())):
        missing |= counts == (mark.astype(counts.dtype) if counts.dtype.kind in "fc" else mark)

    def bounded(limit: np.generic) -> np.ndarray:
        """Limits hold for the counts, unless they have a type that only the values can have."""
        return values if limit.dtype.kind == "f" and counts.dtype.kind in "iu" else counts

    for limit in (*numbers.get("valid_range", ())[:1], *numbers.get("valid_min", ())):
        missing |= bounded(limit) < limit
    for limit in (*numbers.get("valid_range", ())[1:], *numbers.get("valid_max", ())):
        missing |= bounded(limit) > limit
    values[missing] = np.nan
    return values
