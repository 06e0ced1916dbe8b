"""Open a researcher's B-mode video: which frames, which part of them, when, and on which scale."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from musclelib.muscle_state.geometry.image_area import find_image_area
from musclelib.muscle_state.own_video.scale import stated_pixel_size
from musclelib.recordings import Video, open_video

LEAST_SIDE = 64
"""Least rows and columns of the part of a frame that can be measured [px]."""

_SOUGHT = 8  # frames in which the ultrasound image is sought
_NEAR = 256  # frames from the first one among which they are
_DICOM = (".dcm", ".dicom", ".ima")


@dataclass(frozen=True, eq=False)
class OwnVideo:
    """The frames of a video in a range of time, see `open_own_video`.

    Attributes
    ----------
    video : Video
        The whole video, cropped. Its own pixel size means nothing where `pixel_size` is None.
    first, stop : int
        Number of the first frame of the range, and of the frame behind the last.
    pixel_size : float or None
        Edge of a (square) pixel [mm]; None where it is not known.
    scale : str
        Where the pixel size comes from.
    area : str
        Where the crop comes from.
    mirrored : bool
        Whether left and right are exchanged after reading.
    """

    video: Video
    first: int
    stop: int
    pixel_size: float | None
    scale: str
    area: str
    mirrored: bool

    def __str__(self) -> str:
        return str(self.video)

    def __len__(self) -> int:
        return self.stop - self.first

    @property
    def time(self) -> np.ndarray:
        """Time of each frame since the first of the whole video [s]."""
        return self.video.time[self.first : self.stop]

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels of a frame along depth and lateral."""
        return self.video.shape

    def frames(self) -> Iterator[np.ndarray]:
        """Yield the frames of the range, uint8 `(depth, lateral)`, with few in memory at a time.

        Raises
        ------
        ValueError
            The video stops early, or an image of the folder is unreadable.
        """
        every = itertools.chain.from_iterable(self.video.chunks())
        for frame in itertools.islice(every, self.first, self.stop):
            yield np.ascontiguousarray(frame[:, ::-1] if self.mirrored else frame)


def open_own_video(
    source: str | Path,
    *,
    pixel_size: float | None = None,
    crop: tuple[int, int, int, int] | None = None,
    frame_rate: float | None = None,
    times: str | Path | None = None,
    mirrored: bool = False,
    first: float = 0.0,
    last: float | None = None,
) -> OwnVideo:
    """Open a video of a muscle along its fascicles.

    Parameters
    ----------
    source : str or Path
        MP4, AVI or GIF file, TIFF stack or folder of images, see `recordings.open_video`.
    pixel_size : float, optional
        Edge of a (square) pixel [mm]. Without it, that of a TIFF file that ImageJ calibrated; if
        there is none, the scale is not known and nothing is given in millimetres.
    crop : tuple of int, optional
        Left and upper edge, width and height of the ultrasound image within the frame [px]; without
        it, the image is sought, see `find_image_area`.
    frame_rate : float, optional
        Frame rate [Hz], by default that of the file; a folder of images needs it, or `times`.
    times : str or Path, optional
        CSV file with a column `time` [s], one row for each frame, for frames that are not even.
    mirrored : bool
        Exchange left and right. Measures change the sign of their angles by it, and nothing else.
    first, last : float
        Range of time since the first frame [s]; without `last`, to the end.

    Raises
    ------
    FileNotFoundError
        The video or the file of times does not exist.
    ValueError
        The file is DICOM or does not decode, its times or its scale contradict what is given, no
        ultrasound image is found in it, or the range of time has no frame.
    """
    path = Path(source)
    _refuse_dicom(path)
    if frame_rate is not None and times is not None:
        raise ValueError("frame_rate and times are both given; give the one that is right")
    known, scale = _scale(path, pixel_size)
    # any rate will do for frames whose times are given one by one
    rate = 1.0 if times is not None and path.is_dir() else frame_rate
    video = open_video(path, pixel_size=known or 1.0, crop=crop, frame_rate=rate)
    if times is not None:
        clock = _read_times(Path(times), video)
        span = float(clock[-1]) if len(clock) > 1 else np.nan
        video = dataclasses.replace(video, time=clock, frame_rate=(len(clock) - 1) / span)
    begin, stop = _range(video, first, last)
    area = "given"
    if crop is None:
        video, area = _cropped(video, begin, stop), "found in the frames"
    if min(video.shape) < LEAST_SIDE:
        raise ValueError(
            f"{path}: the crop has {video.shape[1]} x {video.shape[0]} px (width x height); at"
            f" least {LEAST_SIDE} each are needed"
        )
    return OwnVideo(video, begin, stop, known, scale, area, mirrored)


def _refuse_dicom(path: Path) -> None:
    marked = False
    if path.is_file():
        with path.open("rb") as file:
            marked = file.read(132)[128:] == b"DICM"
    inside = path.is_dir() and any(item.suffix.lower() in _DICOM for item in path.iterdir())
    if marked or inside or (path.is_file() and path.suffix.lower() in _DICOM):
        raise ValueError(
            f"{path} is DICOM, which is not read yet: export it as MP4 or AVI, or its frames as PNG"
            " or TIFF, and give pixel_size [mm] (ten times its Physical Delta Y, 0018,602E)"
        )


def _scale(path: Path, given: float | None) -> tuple[float | None, str]:
    """Return the edge of a pixel [mm] and where it comes from."""
    stated = stated_pixel_size(path)
    if given is not None and stated is not None and abs(given / stated - 1) > 0.02:
        raise ValueError(
            f"{path}: pixel_size = {given:g} mm is given, but the file states {stated:.4g} mm;"
            " leave it out to take that of the file, or correct the file"
        )
    if given is not None:
        return given, "given"
    return stated, "not known" if stated is None else "stated in the file"


def _read_times(path: Path, video: Video) -> np.ndarray:
    """Return the times of frames in a CSV file, since the first [s]."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of times {path}")
    try:
        times = pd.read_csv(path)["time"].to_numpy(float)
    except (KeyError, ValueError):
        raise ValueError(f"{path} has no column time of numbers [s] as CSV") from None
    if len(times) != video.frame_count:
        raise ValueError(
            f"{path} has {len(times)} times for the {video.frame_count} frames of {video}; needed"
            " is one a frame"
        )
    steps = np.diff(times)
    if not (np.isfinite(times).all() and (steps > 0).all()):
        raise ValueError(f"{path}: the times must be finite and ascend from frame to frame")
    if len(steps) and np.median(steps) >= 1:
        raise ValueError(
            f"{path}: frames are {np.median(steps):g} s apart; if the times are in ms, divide them"
            " by 1000"
        )
    return times - times[0]


def _range(video: Video, first: float, last: float | None) -> tuple[int, int]:
    last = np.inf if last is None else last
    inside = np.flatnonzero((video.time >= first) & (video.time <= last))
    if not len(inside):
        raise ValueError(
            f"{video} has no frame from {first:g} to {last:g} s; it lasts {video.time[-1]:.4g} s"
        )
    return int(inside[0]), int(inside[-1]) + 1


def _cropped(video: Video, first: int, stop: int) -> Video:
    """Return the video with the crop that the ultrasound image fills."""
    every = itertools.chain.from_iterable(video.chunks())
    step = max(1, min(stop - first, _NEAR) // _SOUGHT)
    some = np.stack(list(itertools.islice(every, first, min(stop, first + _NEAR), step)))
    try:
        top, bottom, left, right = find_image_area(some)
    except ValueError as error:
        raise ValueError(f"{video}: {error}; or give crop = (x0, y0, width, height)") from None
    crop = (left, top, right - left, bottom - top)
    return dataclasses.replace(video, crop=crop, shape=(crop[3], crop[2]))
