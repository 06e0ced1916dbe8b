"""Paper 1's filters for velocity sequences, in its order: band-pass in time, median in space, spline resampling."""

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
    order: int = quantity(4, "1", "order of the Butterworth prototype", low=1)
    window: float = quantity(1.0, "mm", "side of the spatial median's window", above=0)
    rate: float = quantity(512.0, "Hz", "frames a second after resampling", above=0)
    shape: tuple[int, int, int] = quantity(
        (1024, 128, 128), "1", "(time, depth, lateral) after resampling", low=2
    )

    def check(self) -> None:
        """Refuse an empty band."""
        if self.low >= self.high:
            raise ParameterError(
                f"FilterParameters.low = {self.low:g} Hz must be below high = {self.high:g} Hz"
            )


def _rows(work: Callable[[int], None], count: int, workers: int) -> None:
    """Do the work row by row, since it is done in double precision, on several cores."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(count)))


def band_pass(
    values: NDArray[Any], rate: float, low: float, high: float, order: int = 4, workers: int = 1
) -> NDArray[np.float32]:
    """Butterworth band-pass of every pixel along time, forwards and backwards.

    Zero phase, because a twitch must stay at the time of its firing: labels and features are
    compared within 15 ms, and a single pass delays 10 Hz by 34 ms and 30 Hz by 13 ms. The price is
    the gain squared: -6 dB at the corners. A recording's ends are continued by point reflection,
    which is not how the tissue moved: at 5 to 50 Hz and order 4 this leaves 5 % of a 20 Hz tone one
    period of the lower corner from an end, below 1 % after two (0.4 s).

    Parameters
    ----------
    values : array
        Shape ``(time, depth, lateral)``.
    rate : float
        Frames a second [Hz].
    low, high : float
        Corners [Hz].
    order : int
        Order of the low-pass prototype, as in ``scipy.signal.butter``.
    workers : int
        Threads.

    Returns
    -------
    array of float32
        Same shape.

    Raises
    ------
    ValueError
        The upper corner is not below half the frame rate, or the recording is not longer than one
        period of the lower corner.
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
    """Median of every frame over a square window; the image is continued by its edge.

    Parameters
    ----------
    values : array of float32
        Shape ``(time, depth, lateral)``.
    spacing : tuple of float
        Distance between pixels in depth and lateral [mm].
    window : float
        Side of the window [mm]; taken as the nearest odd number of pixels.

    Returns
    -------
    array of float32
        Same shape.
    """
    rows, columns = (
        2 * round((window / step - 1) / 2) + 1 if window > step else 1 for step in spacing
    )
    # the sizes OpenCV takes for float32, tens of times faster
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
    values : array
        Any number of axes, at least two, for example ``(time, depth, lateral)``.
    coordinates, targets : tuple of array
        For each axis, where the values are and where they are wanted, in the same unit.
    workers : int
        Threads.

    Returns
    -------
    array of float32
        Its shape is that of the targets.

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


def _spline(
    source: NDArray[Any], here: NDArray[np.float64], there: NDArray[np.float64], workers: int
) -> NDArray[np.float32]:
    out = np.empty((there.size, *source.shape[1:]), np.float32)

    def work(row: int) -> None:
        out[:, row] = make_interp_spline(here, source[:, row], k=3)(there)

    _rows(work, source.shape[1], workers)
    return out


def check_length(span: float, filters: FilterParameters) -> None:
    """Refuse velocities that span less time [s] than the samples wanted.

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
    """Band-pass, median and resample velocity, in paper 1's order.

    Parameters
    ----------
    values : array
        Velocity ``(time, depth, lateral)``.
    here : tuple of array
        Its times [s], depths and lateral positions [mm], evenly spaced.
    rate : float
        Its frames a second [Hz].
    filters : FilterParameters
        Filters and target grid, evenly spaced from the first to the last depth and lateral
        position.
    workers : int
        Threads.

    Returns
    -------
    values : array of float32
        Of shape `filters.shape`.
    there : dict
        Its coordinates: time, depth, lateral.

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
