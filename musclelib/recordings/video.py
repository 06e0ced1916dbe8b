"""B-mode video as a stream of grey frames, cropped and resampled to a grid.

MP4, AVI and GIF files, TIFF stacks and folders of images are read, with the frames of one chunk in
memory. Frames are uint8 `(depth, lateral)`.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from musclelib.acquisition.area_average import area_average, check_grid
from musclelib.recordings import images
from musclelib.recordings.frame_times import frame_times


@dataclass(frozen=True, eq=False)
class Video:
    """A B-mode video that is read in chunks, see `open_video`.

    Attributes
    ----------
    path : Path
        The file or the folder of images.
    time : numpy.ndarray
        Time of each frame since the first [s]; uneven if the times in the file are.
    frame_rate : float
        Mean frame rate [Hz].
    crop : tuple of int
        Part of each frame that is used: left and upper edge, width, height [px of the file].
    shape : tuple of int
        Number of pixels of the resulting frames along depth and lateral.
    pixel_size : tuple of float
        Spacing of these pixels along depth and lateral [mm].
    bits : int
        Number of bits that grey values use in the file, 8 to 16; frames have the upper 8 of these.
    """

    path: Path
    time: np.ndarray
    frame_rate: float
    crop: tuple[int, int, int, int]
    shape: tuple[int, int]
    pixel_size: tuple[float, float]
    bits: int

    def __str__(self) -> str:
        return str(self.path)

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return len(self.time)

    @property
    def depth(self) -> np.ndarray:
        """Pixel centres below the upper edge of the crop [mm]."""
        return (np.arange(self.shape[0]) + 0.5) * self.pixel_size[0]

    @property
    def lateral(self) -> np.ndarray:
        """Pixel centres from the left edge of the crop [mm]."""
        return (np.arange(self.shape[1]) + 0.5) * self.pixel_size[1]

    def chunks(self, frames: int = 32) -> Iterator[np.ndarray]:
        """Yield the video in pieces of at most `frames` frames, uint8 `(time, depth, lateral)`.

        Raises
        ------
        ValueError
            The video stops before its last frame, or an image of the folder is unreadable or
            differs in size or type.
        """
        x0, y0, width, height = self.crop
        count = 0
        stream = itertools.islice(_grey_frames(self.path, self.bits), self.frame_count)
        while batch := list(itertools.islice(stream, frames)):
            count += len(batch)
            yield area_average(
                np.stack([frame[y0 : y0 + height, x0 : x0 + width] for frame in batch]), self.shape
            )
        if count < self.frame_count:
            raise ValueError(f"{self.path} stops after {count} of its {self.frame_count} frames")


def open_video(
    path: str | Path,
    *,
    pixel_size: float,
    crop: tuple[int, int, int, int] | None = None,
    frame_rate: float | None = None,
    shape: tuple[int, int] | None = None,
) -> Video:
    """Open a B-mode video: count its frames, which are decoded later, chunk by chunk.

    A file that announces more frames than decode (cut off, trimmed without encoding, or counted by
    its duration) is accepted with a warning.

    Parameters
    ----------
    path : str or Path
        MP4, AVI or GIF file, TIFF stack, or a folder of PNG, TIFF or BMP images, taken in natural
        order of their names with all pages of each; their numbers must be without gaps. For images
        of 16 bits, the largest value of all decides how many bits are used: the whole series has
        one scale and keeps the upper 8 of these bits.
    pixel_size : float
        Edge of a (square) pixel of the file [mm].
    crop : tuple of int, optional
        Left and upper edge, width and height of the part to use [px], counted from 0 at the upper
        left; by default the whole frame.
    frame_rate : float, optional
        Frame rate [Hz], by default that of the file; a folder of images needs it. Unevenly spaced
        frames keep the times of the file, and a rate for them is refused.
    shape : tuple of int, optional
        Number of pixels along depth and lateral to which frames are reduced by averaging areas; by
        default that of the crop.

    Raises
    ------
    FileNotFoundError
        The file or folder does not exist.
    ValueError
        The video does not decode or has no frames or too few, a size or rate is impossible or does
        not fit the times of the file, or the crop leaves the image.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no video or image folder {path}")
    if not (np.isfinite(pixel_size) and pixel_size > 0):
        raise ValueError(f"pixel_size = {pixel_size}: allowed is above 0 [mm]")
    stated, header, bits = _image_times(path) if _is_images(path) else _file_times(path)
    try:
        time, rate = frame_times(stated, header, frame_rate)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    first = next(_grey_frames(path, bits), None)
    if first is None:
        raise ValueError(f"{path} has no frame that decodes")
    height, width = first.shape
    crop = crop or (0, 0, width, height)
    _check_crop(crop, width, height, path)
    grid = shape or (crop[3], crop[2])
    check_grid(grid, (crop[3], crop[2]))
    size = (pixel_size * crop[3] / grid[0], pixel_size * crop[2] / grid[1])
    return Video(path, time, rate, crop, grid, size, bits)


def read_image(path: str | Path, crop: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """Read one image as grey values, uint8 `(depth, lateral)`.

    An image of 16 bits keeps the upper 8 of the bits that its largest value needs; read images that
    belong together with `open_video`, which gives the folder one scale.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The image does not decode, has several pages, or the crop leaves it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no image {path}")
    count, bits = images.survey([path])
    if count > 1:
        raise ValueError(
            f"{path} is a stack of {count} pages, no single image; open_video reads it"
        )
    (image,) = images.grey_pages([path], bits)
    x0, y0, width, height = crop or (0, 0, image.shape[1], image.shape[0])
    _check_crop((x0, y0, width, height), image.shape[1], image.shape[0], path)
    return np.asarray(image[y0 : y0 + height, x0 : x0 + width])


def _check_crop(crop: tuple[int, int, int, int], width: int, height: int, path: Path) -> None:
    x0, y0, crop_width, crop_height = crop
    inside = x0 >= 0 and y0 >= 0 and x0 + crop_width <= width and y0 + crop_height <= height
    if not inside or crop_width < 1 or crop_height < 1:
        raise ValueError(
            f"{path}: crop (x0, y0, width, height) = {crop} leaves the image of {width} x"
            f" {height} px"
        )


def _is_images(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in images.SUFFIXES


def _image_times(path: Path) -> tuple[np.ndarray, float, int]:
    count, bits = images.survey(images.image_files(path))
    return np.full(count, np.nan), float("nan"), bits


def _file_times(path: Path) -> tuple[np.ndarray, float, int]:
    """Return the times of frames in a file [s], NaN where not stated, its frame rate and bits."""
    with _Capture(path) as capture:
        announced = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        times = []
        while announced > 0 and capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3)
        rate = float(capture.get(cv2.CAP_PROP_FPS))
    if not times:
        raise ValueError(f"{path} has no frames")
    if len(times) < announced:
        warnings.warn(
            f"{path} announces {announced} frames, but {len(times)} decode: is it cut off?",
            stacklevel=3,
        )
    stated = np.array(times)
    # OpenCV returns 0 for frames without a time, such as the last of an AVI file with B-frames
    stated[(stated < 0) | (stated == 0) & (np.arange(len(stated)) > 0)] = np.nan
    return stated, rate, 8


def _grey_frames(path: Path, bits: int) -> Iterator[np.ndarray]:
    return (
        images.grey_pages(images.image_files(path), bits)
        if _is_images(path)
        else _file_frames(path)
    )


def _file_frames(path: Path) -> Iterator[np.ndarray]:
    with _Capture(path) as capture:
        while True:
            decoded, frame = capture.read()
            if not decoded:
                return
            yield frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)


class _Capture:
    """OpenCV's reader of a video file, released at the end; always FFmpeg, on every system."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> cv2.VideoCapture:
        self.capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        if not self.capture.isOpened():
            raise ValueError(
                f"{self.path} does not decode as a video; it is damaged, cut off or of another"
                " format"
            )
        return self.capture

    def __exit__(self, *_: object) -> None:
        self.capture.release()
