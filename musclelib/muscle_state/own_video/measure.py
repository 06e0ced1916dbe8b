"""Measure the geometry of a muscle in every frame of a researcher's video."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import xarray as xr

from musclelib import __version__
from musclelib.muscle_state.geometry.measure import measure_fascicles
from musclelib.muscle_state.own_video.opening import OwnVideo

LEAST_CONFIDENCE = 0.25
"""Confidence below which a frame is not measured.

14 photographs had at most 0.08; 61 public images of muscles along their fascicles had 0.22 to 0.86,
one of them below 0.3. Images across a muscle reached 0.39: they are not told apart.
"""

_DEGREES = {
    "fascicle_angle": "angle of the fascicles to the image's horizontal",
    "pennation": "angle between fascicles and deep aponeurosis",
    "superficial_pennation": "angle between fascicles and superficial aponeurosis",
    "superficial_angle": "angle of the superficial aponeurosis",
    "deep_angle": "angle of the deep aponeurosis",
}
_LENGTHS = {
    "thickness": "distance of the aponeuroses in the middle column",
    "fascicle_length": "length of a straight fascicle through the middle of the muscle",
}
_ROWS = {
    "superficial_row": "inner edge of the superficial aponeurosis below the crop's upper edge",
    "deep_row": "inner edge of the deep aponeurosis below the crop's upper edge",
}
_BLOCK = 400  # frames in memory at a time
_OVERLAP = 24  # frames that two blocks share, so that each is judged with its neighbours


def measure_video(own: OwnVideo, signals: xr.Dataset | None = None) -> xr.Dataset:
    """Measure fascicles and aponeuroses over time.

    The measures are those of `measure_fascicles`. A frame in which its confidence is below
    `LEAST_CONFIDENCE`, or that shows no muscle, keeps its place and its confidence but has no
    values (NaN), and a warning says how many these are.

    Parameters
    ----------
    own : OwnVideo
        The video.
    signals : xarray.Dataset, optional
        Signals at its frames, see `signals_at_frames`.

    Returns
    -------
    xarray.Dataset
        By `time` [s]: `fascicle_angle`, `pennation`, `superficial_pennation`, `superficial_angle`,
        `deep_angle` [deg, positive where a structure runs down to the right], `thickness` and
        `fascicle_length` [mm, or pixel where the scale is not known], `extrapolated` (share of the
        length outside the image), `confidence` (0 to 1), and the signals. By `time` and `lateral`
        [pixel of the crop]: `superficial_row` and `deep_row`. Coordinate `frame`: the number of the
        frame in the source, counted from 0. Attributes say where everything comes from.

    Raises
    ------
    ValueError
        No frame shows a muscle with enough confidence, the video does not decode to its end, or the
        signals are at other times than the frames.
    """
    if signals is not None and not np.array_equal(signals["time"], own.time):
        raise ValueError(f"{own}: the signals are at other times than the frames")
    measured, repeated = _measure_blocks(own)
    _check(own, measured["confidence"], repeated)
    unit = "pixel" if own.pixel_size is None else "mm"
    about = {name: ("deg", text) for name, text in _DEGREES.items()}
    about |= {name: (unit, text) for name, text in _LENGTHS.items()}
    about |= {name: ("pixel", text) for name, text in _ROWS.items()}
    about["extrapolated"] = ("1", "share of the fascicle length outside the image")
    about["confidence"] = ("1", "confidence of the geometry")
    doubtful = measured["confidence"] < LEAST_CONFIDENCE
    variables = {}
    for name, (units, long_name) in about.items():
        values = measured[name]
        if name != "confidence":
            values[doubtful] = np.nan
        dims = ("time", "lateral")[: values.ndim]
        variables[name] = (dims, values, {"units": units, "long_name": long_name})
    dataset = xr.Dataset(
        variables,
        {
            "time": ("time", own.time, {"units": "s", "long_name": "time since the first frame"}),
            "frame": ("time", np.arange(own.first, own.stop), {"units": "1"}),
            "lateral": ("lateral", np.arange(own.shape[1]), {"units": "pixel"}),
        },
        _attributes(own, repeated),
    )
    return dataset if signals is None else dataset.assign(signals.data_vars)


def _attributes(own: OwnVideo, repeated: int) -> dict[str, object]:
    return {
        "source": own.video.path.name,
        "crop": list(own.video.crop),
        "crop_from": own.area,
        "pixel_size": "not known" if own.pixel_size is None else own.pixel_size,
        "pixel_size_from": own.scale,
        "mirrored": str(own.mirrored).lower(),
        "frame_rate": own.video.frame_rate,
        "angles": "positive where a structure runs down to the right in the frames"
        + (" after left and right were exchanged" if own.mirrored else ""),
        "least_confidence": LEAST_CONFIDENCE,
        "repeated_frames": repeated,
        "state": "not estimated",
        "version": __version__,
    }


def _measure_blocks(own: OwnVideo) -> tuple[dict[str, np.ndarray], int]:
    """Return the measures of all frames by name, and how many frames repeat the one before."""
    parts: dict[str, list[np.ndarray]] = {}
    repeated = 0
    last: np.ndarray | None = None
    for block, kept in _blocks(own.frames()):
        for frame in block[kept]:
            repeated += last is not None and np.array_equal(frame, last)
            last = frame
        for name, values in _measure(block, own).items():
            parts.setdefault(name, []).append(values[kept])
    return {name: np.concatenate(values) for name, values in parts.items()}, repeated


def _blocks(frames: Iterator[np.ndarray]) -> Iterator[tuple[np.ndarray, slice]]:
    """Yield overlapping blocks of frames, and which of their frames are kept; each is kept once."""
    held: list[np.ndarray] = []
    begin = 0
    for frame in frames:
        if len(held) == _BLOCK:
            stop = _BLOCK - _OVERLAP // 2
            yield np.stack(held), slice(begin, stop)
            held, begin = held[-_OVERLAP:], _OVERLAP - _OVERLAP // 2
        held.append(frame)
    yield np.stack(held), slice(begin, len(held))


def _measure(block: np.ndarray, own: OwnVideo) -> dict[str, np.ndarray]:
    size = None if own.pixel_size is None else (own.pixel_size, own.pixel_size)
    shape = {name: len(block) for name in (*_DEGREES, *_LENGTHS, "extrapolated", "confidence")}
    try:
        found = measure_fascicles(block, pixel_size=size, area=None)
    except ValueError:  # the input is right, so no frame of the block shows a muscle
        empty = {name: np.full(count, np.nan) for name, count in shape.items()}
        empty |= {name: np.full((len(block), own.shape[1]), np.nan, np.float32) for name in _ROWS}
        return empty | {"confidence": np.zeros(len(block))}
    rows = {name: found[name].values.astype(np.float32) for name in _ROWS}
    return {name: found[name].values.astype(float) for name in shape} | rows


def _check(own: OwnVideo, confidence: np.ndarray, repeated: int) -> None:
    doubtful = int((confidence < LEAST_CONFIDENCE).sum())
    if doubtful == len(confidence):
        raise ValueError(
            f"{own}: no frame shows fascicles between two aponeuroses (largest confidence"
            f" {confidence.max():.2f}, needed {LEAST_CONFIDENCE}); is it a muscle along its"
            " fascicles, and the crop right?"
        )
    if doubtful:
        warnings.warn(
            f"{own}: {doubtful} of {len(confidence)} frames are not measured (NaN), their"
            f" confidence is below {LEAST_CONFIDENCE}",
            stacklevel=3,
        )
    if repeated and repeated == len(confidence) - 1:
        warnings.warn(f"{own}: all frames are the same, nothing moves", stacklevel=3)
