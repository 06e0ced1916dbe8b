"""Compute a result for every data set and method of a study, and keep each as soon as it exists.

A run that was stopped goes on where it stopped. A result is found again by a digest of everything
that it was made from, so that a result of other parameters, data or weights is never served.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from torch import nn
from tqdm.auto import tqdm

from musclelib import __version__, sequences
from musclelib.files import whole
from musclelib.networks import weights
from musclelib.parameters import Parameters


def run_cases(
    compute: Callable[..., pd.DataFrame | xr.Dataset],
    cases: Iterable[Mapping[str, Any]],
    folder: str | Path,
    made_from: Any,
) -> pd.DataFrame:
    """Compute every case that is not kept yet, and return one table of all cases.

    Parameters
    ----------
    compute : callable
        Takes the values of one case as keyword arguments and returns its table, or its arrays.
    cases : iterable of mapping
        The values of each case, which JSON can hold, by name, as `{"method": "edges", "count": 5}`;
        all cases have the same names.
    folder : str or Path
        Where results are kept: a table as CSV, arrays as a zarr group, each whole or not at all.
    made_from : object
        What all results depend on besides the values of their case, nested as JSON is: numbers and
        texts, `Parameters`, sequences (`xarray.Dataset`), networks, and files (`Path`), for example
        of weights. The version of musclelib is added.

    Returns
    -------
    pandas.DataFrame
        The values of a case, then the columns of its table, a block of rows for each case; for
        arrays one row, whose column `arrays` names the zarr group.

    Raises
    ------
    TypeError
        A case or `made_from` holds something else.
    """
    tables = []
    shared = _digest([__version__, made_from])
    for case in tqdm(list(cases), unit="case", desc=Path(folder).name):
        kept = Path(folder) / _digest([shared, case])[:16]
        table, arrays = kept.with_suffix(".csv"), kept.with_suffix(".zarr")
        if not table.exists() and not arrays.exists():
            _keep(compute(**case), table, arrays)
        rows = pd.read_csv(table) if table.exists() else pd.DataFrame({"arrays": [str(arrays)]})
        tables.append(pd.concat([pd.DataFrame([case] * len(rows), rows.index), rows], axis=1))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _keep(result: pd.DataFrame | xr.Dataset, table: Path, arrays: Path) -> None:
    """Write a result under the name for its kind."""
    if isinstance(result, xr.Dataset):
        with whole(arrays) as new:
            result.to_zarr(new, consolidated=False)
    else:
        with whole(table) as new:
            result.to_csv(new, index=False)


def _digest(made_from: Any) -> str:
    return hashlib.sha256(json.dumps(made_from, sort_keys=True, default=_said).encode()).hexdigest()


def _said(value: Any) -> str:
    """Return a text that is the same for values from which the same results are made."""
    if isinstance(value, Parameters):
        return f"{type(value).__name__} {value.to_json()}"
    if isinstance(value, xr.Dataset):
        return sequences.digest(value)
    if isinstance(value, nn.Module):
        return weights.digest(value)
    if isinstance(value, Path):
        return hashlib.sha256(value.read_bytes()).hexdigest()
    raise TypeError(f"{type(value).__name__}: no digest of it is known; see run_cases, made_from")
