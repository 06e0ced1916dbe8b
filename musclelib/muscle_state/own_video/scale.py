"""The size of a pixel that an image file states."""

from __future__ import annotations

from pathlib import Path

import tifffile

from musclelib.recordings.images import SUFFIXES, image_files

_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "\\u00B5m": 1e-3}


def stated_pixel_size(path: Path) -> float | None:
    """Return the edge of a pixel that a TIFF file calibrated by ImageJ states [mm].

    Other files state none that can be trusted: the resolution of a PNG image or of any other TIFF
    file is that of a print or of a screen.

    Parameters
    ----------
    path : Path
        A file, or a folder of images, of which the first counts.

    Returns
    -------
    float or None
        None where nothing is stated.

    Raises
    ------
    ValueError
        The pixels that it states are not square.
    """
    image = image_files(path)[0] if path.is_dir() else path
    if image.suffix.lower() not in SUFFIXES or not image.is_file():
        return None
    try:
        with tifffile.TiffFile(image) as file:
            unit = str((file.imagej_metadata or {}).get("unit", "")).strip()
            tags = file.pages.first.tags
            pixels = [tags[name].value for name in ("XResolution", "YResolution") if name in tags]
    except (tifffile.TiffFileError, OSError):
        return None  # another format, or a damaged file, which the reader of frames refuses
    if unit not in _MILLIMETRES or len(pixels) < 2 or not all(many and per for many, per in pixels):
        return None
    across, down = (_MILLIMETRES[unit] * per / many for many, per in pixels)
    if abs(across / down - 1) > 0.01:
        raise ValueError(
            f"{image} states pixels of {across:.4g} x {down:.4g} mm; resample it to square pixels"
        )
    return across
