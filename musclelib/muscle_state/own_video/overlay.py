"""A film of a researcher's video with what was measured drawn over it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import xarray as xr

from musclelib.files import whole
from musclelib.muscle_state.own_video.measure import LEAST_CONFIDENCE
from musclelib.muscle_state.own_video.opening import OwnVideo

SUPERFICIAL, DEEP, FASCICLE = (86, 180, 233), (230, 159, 0), (0, 158, 115)
"""Colours of the lines, RGB, that colour-blind readers tell apart (Okabe and Ito)."""

_PLACES = (0.2, 0.35, 0.5, 0.65, 0.8)  # of the fascicles, as shares of the width
_CODEC = "mp4v"  # MPEG-4 part 2: what every build of OpenCV writes, at 150 frames/s


def write_overlay(
    own: OwnVideo, measures: xr.Dataset, path: str | Path, *, replace: bool = False
) -> None:
    """Write a film of the frames with aponeuroses, fascicles, values and confidence.

    It is played at the mean frame rate of the video; where frames are not even, the time that
    stands in each is right.

    Parameters
    ----------
    own : OwnVideo
        The video.
    measures : xarray.Dataset
        Its measures.
    path : str or Path
        Name of the film, `NAME.mp4`, which appears whole.
    replace : bool
        Whether an earlier file is replaced.

    Raises
    ------
    ValueError
        The name does not end in `.mp4`, the file exists and `replace` is false, or the measures are
        those of other frames.
    RuntimeError
        This build of OpenCV cannot write MP4.
    """
    path = Path(path)
    if path.suffix != ".mp4":
        raise ValueError(f"{path}: the name of the film must end in .mp4")
    if path.exists() and not replace:
        raise ValueError(f"{path} exists; choose another name, or set replace")
    _check_same(own, measures)
    with whole(path) as new:
        film = None
        for number, frame in enumerate(own.frames()):
            drawn = draw_overlay(frame, measures.isel(time=number))
            if film is None:
                code, size = cv2.VideoWriter.fourcc(*_CODEC), drawn.shape[1::-1]
                film = cv2.VideoWriter(str(new), code, own.video.frame_rate, size)
                if not film.isOpened():
                    raise RuntimeError(
                        f"{path}: this build of OpenCV cannot write MP4; install"
                        " opencv-python-headless"
                    )
            film.write(drawn[:, :, ::-1])
        if film is not None:
            film.release()


def draw_overlay(frame: np.ndarray, measures: xr.Dataset) -> np.ndarray:
    """Draw what was measured over one frame.

    Fascicles are straight lines at the measured angle, at fixed places; they show the angle and are
    not found one by one. Below the frame stand time, values and confidence.

    Parameters
    ----------
    frame : numpy.ndarray, (depth, lateral)
        Grey values, uint8.
    measures : xarray.Dataset
        The measures of this frame.

    Returns
    -------
    numpy.ndarray, (depth, lateral, 3)
        RGB, uint8, of an even number of pixels, with two lines of text below the frame.
    """
    drawn = np.repeat(frame[:, :, None], 3, axis=2)
    size = max(0.4, min(0.6, frame.shape[1] / 1200))  # of the text
    height = round(40 * size)
    upper, lower = (measures[f"{side}_row"].values for side in ("superficial", "deep"))
    if np.isfinite(upper).all() and np.isfinite(lower).all():
        for line in _fascicles(upper, lower, float(measures["fascicle_angle"])):
            _draw(drawn, line, FASCICLE)
        columns = np.arange(len(upper))
        for rows, colour in ((upper, SUPERFICIAL), (lower, DEEP)):
            _draw(drawn, np.column_stack([columns, rows]), colour)
    rows, columns = 2 * height + frame.shape[0] % 2, frame.shape[1] % 2
    drawn = np.pad(drawn, ((0, rows), (0, columns), (0, 0)))
    for number, text in enumerate(_texts(measures)):
        place = (6, frame.shape[0] + round((number + 0.72) * height))
        cv2.putText(
            drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA
        )
    return drawn


def _check_same(own: OwnVideo, measures: xr.Dataset) -> None:
    same = (
        np.array_equal(measures["frame"], np.arange(own.first, own.stop))
        and list(measures.attrs["crop"]) == list(own.video.crop)
        and measures.attrs["mirrored"] == str(own.mirrored).lower()
    )
    if not same:
        raise ValueError(
            f"{own}: the measures are those of other frames, of another crop or mirrored otherwise"
        )


def _fascicles(upper: np.ndarray, lower: np.ndarray, angle: float) -> list[np.ndarray]:
    """Return lines `(point, 2)` of column and row from one aponeurosis to the other."""
    columns = np.arange(len(upper))
    lines = []
    for share in _PLACES:
        middle = int(share * len(upper))
        row = (upper[middle] + lower[middle]) / 2
        rows = row + np.tan(np.radians(angle)) * (columns - middle)
        inside = (rows >= upper) & (rows <= lower)
        # the part that holds the middle, where an edge that bends is crossed more than once
        ends = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
        place = int(np.searchsorted(ends, middle, side="right"))
        if inside[middle] and place % 2:
            part = slice(ends[place - 1], ends[place])
            lines.append(np.column_stack([columns[part], rows[part]]))
    return lines


def _draw(drawn: np.ndarray, line: np.ndarray, colour: tuple[int, ...]) -> None:
    points = np.round(line * 16).astype(np.int32)[:, None]  # in sixteenths of a pixel
    cv2.polylines(drawn, [points], False, colour, 2, cv2.LINE_AA, 4)


def _texts(measures: xr.Dataset) -> list[str]:
    confidence = float(measures["confidence"])
    first = f"{float(measures['time']):.3f} s   confidence {confidence:.2f}"
    if confidence < LEAST_CONFIDENCE:
        return [first, "not measured"]
    length, thickness = measures["fascicle_length"], measures["thickness"]
    beyond = float(measures["extrapolated"])
    return [
        f"{first}   thickness {float(thickness):.1f} {thickness.attrs['units']}",
        f"fascicle {float(length):.1f} {length.attrs['units']} ({beyond:.0%} extrapolated)"
        f"   pennation {float(measures['pennation']):.1f} deg",
    ]
