"""Compare sets of sequences pair by pair, as Table 1 of Ali et al. 2022.

BioMed Eng OnLine 21:46.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Iterator
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from musclelib.metrics.arrays import Array
from musclelib.metrics.content import MAX_LAG, cross_correlation
from musclelib.metrics.spatial import (
    bhattacharyya_distance,
    histogram_correlation,
    kspace,
    kspace_range,
    log_variance_map,
    map_histogram,
    structural_similarity,
)
from musclelib.metrics.temporal import log_psd, psd_correlation

DIMS = ("sequence", "time", "depth", "lateral")

_AXES = {
    "log_variance": ("sequence", "depth", "lateral"),
    "histogram": ("sequence", "bin"),
    "kspace": ("sequence", "ky", "kx"),
    "log_psd": ("sequence", "frequency"),
    "frequency": ("frequency",),
}

Sequences = Iterable[npt.ArrayLike] | xr.DataArray


@dataclasses.dataclass(frozen=True)
class Features:
    """Spatial and temporal features of a set of sequences, computed once for many comparisons.

    Attributes
    ----------
    log_variance : numpy.ndarray
        Maps `(sequence, depth, lateral)` [decades], see `log_variance_map`.
    histogram : numpy.ndarray
        `(sequence, bin)` on `HISTOGRAM_EDGES`, the same for every set.
    kspace : numpy.ndarray
        `(sequence, ky, kx)`, see `kspace`.
    log_psd : numpy.ndarray
        `(sequence, frequency)` [decades], see `log_psd`.
    frequency : numpy.ndarray
        `(frequency,)` [Hz].
    """

    log_variance: Array
    histogram: Array
    kspace: Array
    log_psd: Array
    frequency: Array

    @classmethod
    def of(cls, sequences: Sequences, frame_rate: float, segment: float = 0.5) -> Self:
        """Compute the features, with one sequence in memory at a time.

        Parameters
        ----------
        sequences : iterable of numpy.ndarray, or xarray.DataArray
            Arrays `(time, depth, lateral)`, or one with the dims sequence, time, depth, lateral.
        frame_rate : float
            Frame rate [Hz].
        segment : float
            Duration of a segment of the power spectral density [s].

        Raises
        ------
        ValueError
            The set is empty, or one sequence is invalid or differs in size from the first; the
            message says which.
        """
        found: dict[str, list[Array]] = {
            "log_variance": [],
            "histogram": [],
            "kspace": [],
            "log_psd": [],
        }
        frequency: Array = np.empty(0)
        # `enumerate` would hold a sequence in memory while the next one is made
        for sequence in _one_by_one(sequences):
            index = len(found["log_variance"])
            try:
                log_variance = log_variance_map(sequence)
                frequency, density = log_psd(sequence, frame_rate, segment)
                items = (log_variance, map_histogram(log_variance), kspace(log_variance), density)
            except ValueError as error:
                raise ValueError(f"sequence {index}: {error}") from None
            for values, item in zip(found.values(), items, strict=True):
                values.append(item)
                if item.shape != values[0].shape:
                    raise ValueError(
                        f"sequence {index} has the shape {sequence.shape}, unlike sequence 0"
                    )
            del sequence
        if not found["log_variance"]:
            raise ValueError("there is no sequence to compute features of")
        stacks = {name: np.stack(values) for name, values in found.items()}
        return cls(frequency=frequency, **stacks)

    def to_dataset(self) -> xr.Dataset:
        """Return the features with the names of their axes, for a zarr group."""
        return xr.Dataset({name: (dims, getattr(self, name)) for name, dims in _AXES.items()})

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """Build from what `to_dataset` returned.

        Raises
        ------
        KeyError
            A feature is missing.
        """
        return cls(**{name: dataset[name].values for name in _AXES})


def compare(
    first: Features, second: Features | None = None, band: tuple[float, float] | None = None
) -> xr.Dataset:
    """Compare every sequence of one set with every sequence of another.

    Parameters
    ----------
    first : Features
        N sequences.
    second : Features, optional
        M sequences. Without it the first set is compared with itself, and no sequence with itself:
        the diagonal is NaN, and `summary` leaves it out.
    band : tuple of float, optional
        Lowest and highest frequency that enter Corr_PSD [Hz]; all by default.

    Returns
    -------
    xarray.Dataset
        `D_Bhat`, `Corr`, `SSI` and `Corr_PSD`, each `(first, second)`: Bhattacharyya distance and
        correlation of the map histograms, SSIM of the K-spaces, correlation of the log power
        spectral densities.

    Raises
    ------
    ValueError
        The two sets differ in the size of their maps or in their frequencies, or a set of a single
        sequence is compared with itself.
    """
    other = first if second is None else second
    shape = first.log_variance.shape[1:]
    if other.log_variance.shape[1:] != shape:
        raise ValueError(
            f"maps of first are {shape}, of second {other.log_variance.shape[1:]}; they must agree"
        )
    if not np.array_equal(first.frequency, other.frequency):
        raise ValueError(
            "first and second have other frequencies; the frame rate and the segment must agree"
        )
    matrices = {
        "D_Bhat": bhattacharyya_distance(first.histogram, other.histogram),
        "Corr": histogram_correlation(first.histogram, other.histogram),
        "SSI": structural_similarity(first.kspace, other.kspace, kspace_range(shape)),
        "Corr_PSD": psd_correlation(first.log_psd, other.log_psd, first.frequency, band),
    }
    if second is None:
        if len(first.histogram) < 2:
            raise ValueError(
                "a set of one sequence cannot be compared with itself; at least two are needed"
            )
        for matrix in matrices.values():
            np.fill_diagonal(matrix, np.nan)
    return xr.Dataset({name: (("first", "second"), matrix) for name, matrix in matrices.items()})


def summary(comparison: xr.Dataset) -> pd.DataFrame:
    """Return mean and sample SD of each metric over all pairs that are not NaN.

    The pairs share sequences and are not independent: the SD is the spread of the pairs and not the
    error of the mean.

    Returns
    -------
    pandas.DataFrame
        A row for each metric, columns `mean` and `SD`.
    """
    pairs = pd.DataFrame({str(name): matrix.values.ravel() for name, matrix in comparison.items()})
    return pd.DataFrame({"mean": pairs.mean(), "SD": pairs.std()}).rename_axis("metric")


def content_consistency(
    originals: Sequences, translations: Sequences, frame_rate: float, max_lag: float = MAX_LAG
) -> pd.DataFrame:
    """Tabulate the content consistency of each pair of sequences (xCorr and Lag of Table 1).

    Parameters
    ----------
    originals, translations : iterable of numpy.ndarray, or xarray.DataArray
        Sequences as for `Features.of`, in the same order.
    frame_rate : float
        Frame rate [Hz].
    max_lag : float
        Largest lag searched [ms], see `cross_correlation`.

    Returns
    -------
    pandas.DataFrame
        A row for each pair: mean and SD over the pixels of the largest correlation (`xCorr`,
        `xCorr_SD`) and of its lag (`Lag`, `Lag_SD`) [ms], positive where the translation is later;
        `pixels`, the number of pixels that are not constant and enter the means.

    Raises
    ------
    ValueError
        A pair is invalid or constant at every pixel, or one set has more sequences than the other.
    """
    rows = []
    pairs = zip(_one_by_one(originals), _one_by_one(translations), strict=True)
    for index, (original, translation) in enumerate(pairs):
        try:
            correlation, lag = cross_correlation(original, translation, frame_rate, max_lag)
        except ValueError as error:
            raise ValueError(f"pair {index}: {error}") from None
        counts = np.isfinite(correlation)
        if not counts.any():
            raise ValueError(
                f"pair {index}: every pixel is constant in one of the two; there is no content"
            )
        r, ms = correlation[counts].astype(np.float64), lag[counts].astype(np.float64)
        row = {"xCorr": r.mean(), "xCorr_SD": r.std(), "Lag": ms.mean(), "Lag_SD": ms.std()}
        rows.append(row | {"pixels": int(counts.sum())})
    return pd.DataFrame(rows).rename_axis("pair")


def _one_by_one(sequences: Sequences) -> Iterator[Array]:
    """Iterate over the sequences of a set; a lazy `DataArray` loads one at a time."""
    if isinstance(sequences, xr.DataArray):
        if set(sequences.dims) != set(DIMS):
            raise ValueError(f"sequences have the dims {sequences.dims}; needed are {DIMS}")
        return map(operator.attrgetter("values"), sequences.transpose(*DIMS))
    return map(np.asarray, sequences)
