"""Times of a video's frames, evenly spaced or as its file states them one by one."""

from __future__ import annotations

import numpy as np

_TICKS = (1e-2, 1e-3)  # clocks of GIF, and of Matroska and FLV [s]


def frame_times(stated: np.ndarray, header: float, given: float | None) -> tuple[np.ndarray, float]:
    """Return the times of frames and their mean rate.

    Screen recorders, phones and dropped frames make videos with unevenly spaced frames, whose times
    are then taken from the file. Times count as even if they differ from even ones by no more than
    the resolution of the file's clock, which may be a hundredth or a thousandth of a second; a rate
    given by the user then replaces that of the file.

    Parameters
    ----------
    stated : numpy.ndarray
        Time of each frame in the file [s], NaN where the file states none.
    header : float
        Frame rate in the header of the file [Hz], NaN without one.
    given : float, optional
        Frame rate given by the user [Hz].

    Returns
    -------
    time : numpy.ndarray
        Times since the first frame [s].
    rate : float
        Frame rate [Hz], the mean for uneven times.

    Raises
    ------
    ValueError
        No usable rate is stated, times are uneven and some are not stated, or a rate is given for
        uneven times.
    """
    rate = _even_rate(stated, header)
    if rate is None and given is not None:
        steps = 1e3 * np.diff(stated)
        raise ValueError(
            f"its frames are {np.nanmin(steps):.3g} to {np.nanmax(steps):.3g} ms apart, which no"
            " frame_rate describes; leave it None to take the times of the file, or export the"
            " frames as images"
        )
    if rate is None and np.isnan(stated).any():
        raise ValueError(
            "its frames are not even, and the times of some are not stated; convert it to a"
            " constant rate"
        )
    if rate is None:
        return stated - stated[0], float((len(stated) - 1) / (stated[-1] - stated[0]))
    rate = rate if given is None else given
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"it has no usable frame rate ({rate} Hz); give frame_rate, above 0 [Hz]")
    return np.arange(len(stated)) / rate, float(rate)


def _even_rate(stated: np.ndarray, header: float) -> float | None:
    """Return the rate of evenly spaced frames, that of the header if the times agree with it.

    None if they are uneven, NaN without times.
    """
    frames = np.flatnonzero(np.isfinite(stated))
    times = stated[frames]
    if len(times) < 2:
        return header
    if np.any(np.diff(times) <= 0):
        return float("nan")
    step = np.polyfit(frames, times, 1)[0]
    tick = next(
        (
            tick
            for tick in _TICKS
            if np.allclose(times / tick, np.round(times / tick), rtol=0, atol=1e-3)
        ),
        0.0,
    )
    allowed = max(0.6 * tick, 0.01 * step)  # rounding moves a time by half a tick
    for rate in (header, 1 / step):
        if rate > 0 and np.ptp(times - frames / rate) / 2 <= allowed:
            return float(rate)
    return None
