"""Paper 1's filters for velocity: band-pass in time, median in space, spline resampling."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import make_interp_spline
from scipy.ndimage import median_filter
from scipy.signal import butter, sosfiltfilt

from musclelib.parameters import ParameterError, Parameters, quantity


@dataclass(frozen=True)
class FilterParameters(Parameters):
    """Filters and target grid; the defaults are those of paper 1, "Experimental dataset"."""

    low: float = quantity(5.0, "Hz", "lower corner of the band-pass", above=0)
    high: float = quantity(50.0, "Hz", "upper corner of the band-pass", above=0)
    order: int = quantity(4, doc="order of the Butterworth prototype", low=1)
    window: float = quantity(1.0, "mm", "side of the spatial median's window", above=0)
    rate: float = quantity(512.0, "Hz", "frame rate after resampling", above=0)
    shape: tuple[int, int, int] = quantity(
        (1024, 128, 128), doc="(time, depth, lateral) after resampling", low=2
    )

    def check(self) -> None:
        """Refuse an empty band."""
        if self.low >= self.high:
            raise ParameterError(
                f"FilterParameters.low = {self.low:g} Hz must be below high = {self.high:g} Hz"
            )


def band_pass(
    values: NDArray[Any], rate: float, low: float, high: float, order: int = 4, workers: int = 1
) -> NDArray[np.float32]:
    """Filter every pixel along time by a Butterworth band-pass, forwards and backwards.

    The filter has zero phase, because a twitch must stay at the time of its firing: labels and
    features are compared within 15 ms, and a single pass delays 10 Hz by 34 ms and 30 Hz by 13 ms.
    The gain is squared in return: -6 dB at the corner frequencies. A recording is continued at its
    ends by point reflection, which is not how the tissue moved: at 5 to 50 Hz and order 4 the error
    is 5 % of a 20 Hz tone one period of the lower corner from an end, and below 1 % after two
    periods (0.4 s).

    Parameters
    ----------
    values : numpy.ndarray
        `(time, depth, lateral)`.
    rate : float
        Frame rate [Hz].
    low, high : float
        Corner frequencies [Hz].
    order : int
        Order of the low-pass prototype, as in `scipy.signal.butter`.
    workers : int
        Number of threads.

    Returns
    -------
    numpy.ndarray of float32
        Filtered values, of the same shape.

    Raises
    ------
    ValueError
        The upper corner is not below half the frame rate, or the recording is not longer than one
        period of the lower corner.

    Examples
    --------
    >>> import numpy as np
    >>> from musclelib.acquisition import band_pass
    >>> time = np.arange(2000) / 1000
    >>> drift, twitches = np.sin(2 * np.pi * time), np.sin(2 * np.pi * 20 * time)
    >>> filtered = band_pass((drift + twitches)[:, None, None], 1000.0, 5.0, 50.0)[:, 0, 0]
    >>> bool(np.abs(filtered - twitches)[500:-500].max() < 0.02)
    True
    """
    if high >= rate / 2:
        raise ValueError(
            f"band-pass to {high:g} Hz needs more than {2 * high:g} frames a second; got {rate:g}"
        )
    period = round(rate / low)  # the padding: what the slowest oscillation needs to settle
    if len(values) <= period:
        raise ValueError(
            f"recording too short for the band-pass from {low:g} Hz: {len(values)} frames at"
            f" {rate:g} Hz; more than {period} are needed"
        )
    sections = butter(order, (low, high), "bandpass", fs=rate, output="sos")
    out = np.empty(values.shape, np.float32)

    def work(row: int) -> None:
        out[:, row] = sosfiltfilt(sections, values[:, row].T.astype(float), padlen=period).T

    _rows(work, values.shape[1], workers)
    return out


def spatial_median(
    values: NDArray[np.float32], spacing: tuple[float, float], window: float = 1.0
) -> NDArray[np.float32]:
    """Filter every frame by the median over a square window; edge pixels continue the image.

    Parameters
    ----------
    values : numpy.ndarray of float32
        `(time, depth, lateral)`.
    spacing : tuple of float
        Distance between pixels along depth and lateral [mm].
    window : float
        Side of the window [mm], which is rounded to the nearest odd number of pixels.

    Returns
    -------
    numpy.ndarray of float32
        Filtered values, of the same shape.
    """
    rows, columns = (
        2 * round((window / step - 1) / 2) + 1 if window > step else 1 for step in spacing
    )
    # OpenCV accepts these sizes for float32 and is tens of times faster
    if rows == columns and rows in (3, 5):
        return np.stack(
            [cv2.medianBlur(frame, rows) for frame in np.ascontiguousarray(values, np.float32)]
        )
    return np.stack([median_filter(frame, (rows, columns), mode="nearest") for frame in values])


def resample(
    values: NDArray[Any],
    coordinates: tuple[ArrayLike, ...],
    targets: tuple[ArrayLike, ...],
    workers: int = 1,
) -> NDArray[np.float32]:
    """Interpolate with cubic splines (not-a-knot), one axis after the other.

    Parameters
    ----------
    values : numpy.ndarray
        Any number of axes, at least two, for example `(time, depth, lateral)`.
    coordinates, targets : tuple of array
        For each axis, the coordinates of the values and those wanted, in the same unit.
    workers : int
        Number of threads.

    Returns
    -------
    numpy.ndarray of float32
        Interpolated values; each axis has the length of its targets.

    Raises
    ------
    ValueError
        An axis and its coordinates differ in length, an axis has fewer than four points, or a
        target lies outside the coordinates.
    """
    for axis, (here, there) in enumerate(zip(coordinates, targets, strict=True)):
        here, there = np.asarray(here, float), np.asarray(there, float)
        if here.size != values.shape[axis] or here.size < 4:
            raise ValueError(
                f"axis {axis} has {values.shape[axis]} values and {here.size} coordinates; a cubic"
                " spline needs as many of both, at least 4"
            )
        slack = 1e-6 * (here[-1] - here[0])  # rounding of end points
        if there.min() < here[0] - slack or there.max() > here[-1] + slack:
            raise ValueError(
                f"axis {axis}: targets from {there.min():g} to {there.max():g} leave the data,"
                f" which span {here[0]:g} to {here[-1]:g}"
            )
        values = np.moveaxis(_spline(np.moveaxis(values, axis, 0), here, there, workers), 0, axis)
    return np.ascontiguousarray(values, np.float32)


def check_length(span: float, filters: FilterParameters) -> None:
    """Refuse velocities that span less time than the samples wanted.

    Parameters
    ----------
    span : float
        Time between the first and the last velocity [s].
    filters : FilterParameters
        Number and rate of the samples wanted.

    Raises
    ------
    ValueError
        The recording is too short.
    """
    samples, needed = filters.shape[0], (filters.shape[0] - 1) / filters.rate
    if span < needed:
        raise ValueError(
            f"recording too short: its velocities span {span:.4g} s; {samples} samples at"
            f" {filters.rate:g} Hz need {needed:.4g} s"
        )


def apply_filters(
    values: NDArray[Any],
    here: tuple[NDArray[Any], ...],
    rate: float,
    filters: FilterParameters,
    workers: int = 1,
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float64]]]:
    """Apply band-pass, median and resampling to velocity, in the order of paper 1.

    Parameters
    ----------
    values : numpy.ndarray
        Velocity `(time, depth, lateral)`.
    here : tuple of array
        Times [s], depths and lateral positions [mm] of the values, evenly spaced.
    rate : float
        Frame rate of the values [Hz].
    filters : FilterParameters
        Filters and target grid, evenly spaced from the first to the last depth and lateral
        position.
    workers : int
        Number of threads.

    Returns
    -------
    values : numpy.ndarray of float32
        Filtered velocity, of shape `filters.shape`.
    there : dict
        The new coordinates `time` [s], `depth` and `lateral` [mm].

    Raises
    ------
    ValueError
        The recording is too short for the band-pass or for the samples wanted.
    """
    samples, rows, columns = filters.shape
    time, depth, lateral = here
    check_length(float(time[-1] - time[0]), filters)
    values = band_pass(values, rate, filters.low, filters.high, filters.order, workers)
    values = spatial_median(
        values, (float(depth[1] - depth[0]), float(lateral[1] - lateral[0])), filters.window
    )
    there = {
        "time": time[0] + np.arange(samples) / filters.rate,
        "depth": np.linspace(depth[0], depth[-1], rows),
        "lateral": np.linspace(lateral[0], lateral[-1], columns),
    }
    return resample(values, here, tuple(there.values()), workers), there


def _rows(work: Callable[[int], None], count: int, workers: int) -> None:
    """Do the work row by row, which keeps arrays in double precision small, on several cores."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(count)))


def _spline(
    source: NDArray[Any], here: NDArray[np.float64], there: NDArray[np.float64], workers: int
) -> NDArray[np.float32]:
    out = np.empty((there.size, *source.shape[1:]), np.float32)

    def work(row: int) -> None:
        out[:, row] = make_interp_spline(here, source[:, row], k=3)(there)

    _rows(work, source.shape[1], workers)
    return out
