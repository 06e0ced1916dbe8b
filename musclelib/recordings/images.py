"""Read images as frames: every page of PNG, TIFF and BMP files, as grey values on one scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import tifffile

from musclelib.recordings.series import check_series, natural_order

SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
_FLAGS = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
_PAGES = 16  # number of pages of a stack in memory at a time


def image_files(path: Path) -> list[Path]:
    """Return the images of a folder in natural order of their names, or the single image.

    Raises
    ------
    ValueError
        The folder holds no images, or a numbered series with gaps.
    """
    found = path.iterdir() if path.is_dir() else [path]
    images = sorted(
        (image for image in found if image.suffix.lower() in SUFFIXES),
        key=lambda image: natural_order(image.name),
    )
    if not images:
        raise ValueError(f"{path} holds no images; allowed are {', '.join(SUFFIXES)}")
    check_series([image.stem for image in images], path)
    return images


def survey(images: Sequence[Path]) -> tuple[int, int]:
    """Count the pages of images and the bits that their grey values use.

    Scanners write 8, 10 or 12 bits into images of 16 bits. The largest value of all pages decides,
    at least 8 bits, so that one scale holds for all pages; images of 16 bits are read once for it.

    Returns
    -------
    tuple of int
        The number of pages and the number of bits.

    Raises
    ------
    ValueError
        An image does not decode, has values other than integers of 8 or 16 bits, or keeps several
        planes in one page.
    """
    for image in images:
        _check_tiff(image)
    if next(_pages(images[0])).dtype == np.uint8:
        return sum(_count(image) for image in images), 8
    largest = [int(page.max()) for image in images for page in _pages(image)]
    return len(largest), max(8, max(largest).bit_length())


def grey_pages(images: Sequence[Path], bits: int) -> Iterator[np.ndarray]:
    """Yield every page of images in order as grey values, uint8 `(depth, lateral)`.

    Parameters
    ----------
    images : sequence of Path
        The images.
    bits : int
        Number of bits that their values use, see `survey`; the upper 8 of these are kept.

    Raises
    ------
    ValueError
        An image does not decode, differs from the first in size or type, or has values other than
        integers of 8 or 16 bits.
    """
    first = None
    for image in images:
        for page in _pages(image):
            first = page if first is None else first
            if page.shape != first.shape or page.dtype != first.dtype:
                raise ValueError(
                    f"{image} is {page.shape} px, {page.dtype}; the first image is {first.shape}"
                    f" px, {first.dtype}"
                )
            yield (page >> (bits - 8)).astype(np.uint8)


def _check_tiff(image: Path) -> None:
    """Refuse a TIFF file whose pages are not grey frames; the decoder refuses damaged files."""
    try:
        with tifffile.TiffFile(image) as file:
            page = file.pages.first
    except Exception:  # of many types, for PNG and BMP images as well
        return
    if page.dtype is not None and page.dtype.kind == "f":
        raise ValueError(
            f"{image} holds {page.dtype} numbers; grey values are uint8 or uint16: convert it"
        )
    # tifffile writes three or four frames like this unless their photometric is stated
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1:
        raise ValueError(
            f"{image} keeps {page.samplesperpixel} planes in one page: write frames as pages"
            " (tifffile: photometric='minisblack'), colours pixel by pixel"
        )


def _count(image: Path) -> int:
    count = int(cv2.imcount(str(image), _FLAGS))
    if count < 1:
        raise ValueError(f"{image} does not decode as an image")
    return count


def _pages(image: Path) -> Iterator[np.ndarray]:
    """Yield the pages of one image unchanged, uint8 or uint16, with a few in memory at a time."""
    count = _count(image)
    for start in range(0, count, _PAGES):
        wanted = min(_PAGES, count - start)
        pages = cv2.imreadmulti(str(image), start, wanted, flags=_FLAGS)[1]
        for page in pages:
            if page.dtype not in (np.uint8, np.uint16):
                raise ValueError(
                    f"{image} holds {page.dtype} numbers; grey values are uint8 or uint16:"
                    " convert it"
                )
            yield page
        if len(pages) < wanted:
            raise ValueError(f"{image} does not decode as an image")
