"""Accuracy of the measured geometry against observers, without training on the participant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from skimage.feature import structure_tensor

from musclelib.muscle_state.geometry.choice import Choice
from musclelib.muscle_state.geometry.learning import fit_choices, make_examples
from musclelib.muscle_state.geometry.measure import measure_fascicles
from musclelib.muscle_state.geometry.public_images import (
    Marked,
    clip_frames,
    clip_video,
    lateral_gastrocnemius,
    vastus_lateralis,
)


def evaluate(mirror: str | Path) -> pd.DataFrame:
    """Return the root mean square errors against the mean of the observers.

    The choices are fitted anew for each participant, to the images of all other participants. The
    clips are measured as videos, the other sets image by image. Length is compared as observers
    have it: the height of the muscle at one end of the image, through the sine of the angle
    between fascicle and superficial aponeurosis.

    Parameters
    ----------
    mirror : str or Path
        Folder of the public recordings, such as `MUSCLELIB_DATA`.

    Returns
    -------
    DataFrame
        `set`, `method`, `images`, `rmse_angle_deg`, `rmse_thickness_mm`, `rmse_length_mm`; NaN
        where a quantity was not measured or the size of a pixel is not known. Methods are this
        one, the structure tensor of scikit-image between the same aponeuroses, and each observer
        against the mean of the others.
    """
    images = [
        *vastus_lateralis(mirror),
        *lateral_gastrocnemius(mirror),
        *clip_frames(mirror),
    ]
    examples = make_examples(images)
    measured = []
    for person in sorted({image.participant for image in images}):
        others = [example for example in examples if example.participant != person]
        own = [image for image in images if image.participant == person]
        measured += _measure(own, fit_choices(others), mirror)
    table = pd.DataFrame(measured)
    rows = [row for kind, part in table.groupby("set") for row in _rows(str(kind), part)]
    return pd.DataFrame(rows)


def structure_tensor_angle(image: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> float:
    """Return the dominant orientation between two aponeuroses by scikit-image [deg].

    Parameters
    ----------
    image : ndarray
        Grey values, `(depth, lateral)`.
    upper, lower : ndarray
        Rows of the inner edges of the aponeuroses, one per column; a margin of 5 % of the height
        is left out beside them.
    """
    row = np.arange(image.shape[0])[:, None]
    margin = 0.05 * image.shape[0]
    inside = (row > upper + margin) & (row < lower - margin)
    down, both, right = structure_tensor(image.astype(float), sigma=2, order="rc")
    twice = np.arctan2(2 * both[inside].sum(), (right - down)[inside].sum())
    normal = np.degrees(twice) / 2  # direction of the gradient from lateral
    return float((normal + 180) % 180 - 90)


def _measure(
    images: Sequence[Marked], choices: dict[str, Choice], mirror: str | Path
) -> list[dict[str, object]]:
    rows = []
    for name in dict.fromkeys(image.name for image in images):
        marked = [image for image in images if image.name == name]
        is_clip = marked[0].kind.endswith("clips")
        frames = clip_video(mirror, name) if is_clip else marked[0].image[None]
        found = measure_fascicles(frames, area=None, choices=choices)
        for image in marked:
            rows.append(_compare(image, found.isel(time=image.frame if is_clip else 0)))
    return rows


def _compare(marked: Marked, found: xr.Dataset) -> dict[str, object]:
    """Return what was measured and what observers measured, in the same way."""
    upper, lower = found["superficial_row"].values, found["deep_row"].values
    pixel = np.nan if marked.pixel is None else marked.pixel
    height = float(lower[marked.end] - upper[marked.end]) * pixel
    angle, slope = float(found["fascicle_angle"]), float(found["superficial_angle"])
    tensor = structure_tensor_angle(marked.image, upper, lower)
    seen = marked.height * pixel
    return {
        "set": marked.kind,
        "name": marked.name,
        "frame": marked.frame,
        "confidence": float(found["confidence"]),
        "ours": (angle, height, _length(height, angle, slope)),
        "structure tensor": (tensor, height, _length(height, tensor, slope)),
        "observers": (
            marked.angle,
            seen,
            _length(seen, marked.angle, marked.superficial),
        ),
    }


def _length(height: Any, angle: Any, slope: Any) -> Any:
    """Return the length of a fascicle between parallel aponeuroses."""
    return height * np.cos(np.radians(slope)) / np.sin(np.radians(np.abs(angle - slope)))


def _rows(kind: str, part: pd.DataFrame) -> list[dict[str, object]]:
    observers = np.stack([np.stack(values) for values in part["observers"]])  # image, measure, one
    truth = _mean(observers)
    rows = []
    for method in ("ours", "structure tensor"):
        rows.append(_row(kind, method, np.stack(list(part[method])) - truth))
    for one in range(observers.shape[2]):
        others = _mean(np.delete(observers, one, 2))
        rows.append(_row(kind, f"observer {one + 1}", observers[..., one] - others))
    return rows


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of the observers who measured something, NaN where nobody did."""
    known = np.isfinite(values)
    count = known.sum(2)
    total = np.where(known, values, 0).sum(2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _row(kind: str, method: str, error: np.ndarray) -> dict[str, object]:
    known = np.isfinite(error)
    square = np.where(known, error, 0) ** 2
    count = known.sum(0)
    rmse = np.sqrt(np.where(count > 0, square.sum(0) / np.maximum(count, 1), np.nan))
    names = ("rmse_angle_deg", "rmse_thickness_mm", "rmse_length_mm")
    row: dict[str, object] = {"set": kind, "method": method, "images": int(count[0])}
    return row | dict(zip(names, rmse, strict=True))
