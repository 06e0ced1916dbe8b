"""Accuracy of the measured geometry against observers, without training on the participant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from skimage.feature import structure_tensor
from tqdm.auto import tqdm

from musclelib.metrics.intervals import ratio_interval
from musclelib.muscle_state.geometry.learning import Example, fit_choices
from musclelib.muscle_state.geometry.measure import measure_fascicles
from musclelib.muscle_state.geometry.public_images import CLIPS, Marked, clip_video

_MEASURES = {"angle": "deg", "thickness": "mm", "length": "mm"}


def evaluate(
    participant: str, images: Sequence[Marked], examples: Sequence[Example]
) -> pd.DataFrame:
    """Compare the images of one participant with the observers, who measured each of them.

    The choices are fitted anew, to the examples of all other participants. Clips are measured as
    videos, the other sets image by image. Length is compared as observers have it: the height of
    the muscle at one end of the image, through the sine of the angle between fascicle and
    superficial aponeurosis.

    Parameters
    ----------
    participant : str
        Participant of the images to measure.
    images : sequence of Marked
        See `public_images`.
    examples : sequence of Example
        Of these images, see `make_examples`.

    Returns
    -------
    DataFrame
        A row for each image and method: `set`, `name`, `frame`, `method`, the errors `angle` [deg],
        `thickness` and `length` [mm], and `confidence` of this method; NaN where a quantity was
        not measured or the size of a pixel is not known. Methods are this one ("ours"), the
        angle by the structure tensor of scikit-image between the same aponeuroses, both against the
        mean of the observers, and each observer against the mean of the others.
    """
    choices = fit_choices([example for example in examples if example.participant != participant])
    own = [image for image in images if image.participant == participant]
    rows: list[dict[str, object]] = []
    for name in tqdm(list(dict.fromkeys(image.name for image in own)), desc=participant):
        marked = [image for image in own if image.name == name]
        is_clip = marked[0].kind == CLIPS
        frames = clip_video(name) if is_clip else marked[0].image[None]
        found = measure_fascicles(frames, area=None, choices=choices)
        for image in marked:
            rows += _compare(image, found.isel(time=image.frame if is_clip else 0))
    return pd.DataFrame(rows)


def accuracy(errors: pd.DataFrame) -> pd.DataFrame:
    """Return the root mean square errors of each set and method.

    Parameters
    ----------
    errors : DataFrame
        Rows of `evaluate` for any participants, whose names are in the column `participant`.

    Returns
    -------
    DataFrame
        `set`, `method`, `rmse_angle_deg`, `rmse_thickness_mm`, `rmse_length_mm`, `images`, the mean
        errors `bias_angle_deg` and `bias_length_mm`, and 95 % confidence intervals of the first and
        the third as text. The bootstrap draws whole groups whose images resemble one another: the
        participants of a set, or the videos where there is one participant.
    """
    rows = []
    for (kind, method), part in errors.groupby(["set", "method"], sort=False):
        group = part["participant"] if part["participant"].nunique() > 1 else part["name"]
        row: dict[str, object] = {"set": kind, "method": method}
        intervals = {}
        for name, unit in _MEASURES.items():
            row[f"rmse_{name}_{unit}"], intervals[name] = _rmse(part[name], group)
        row["images"] = int(part["angle"].notna().sum())
        for name in ("angle", "length"):
            row[f"bias_{name}_{_MEASURES[name]}"] = float(part[name].mean())
            row[f"interval_{name}_{_MEASURES[name]}"] = intervals[name]
        rows.append(row)
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


def _compare(marked: Marked, found: xr.Dataset) -> Iterator[dict[str, object]]:
    """Yield the errors of each method in one image."""
    upper, lower = found["superficial_row"].values, found["deep_row"].values
    pixel = np.nan if marked.pixel is None else marked.pixel
    height = float(lower[marked.end] - upper[marked.end]) * pixel
    angle, slope = float(found["fascicle_angle"]), float(found["superficial_angle"])
    seen = marked.height * pixel
    observed = np.stack(
        [marked.angle, seen, _length(seen, marked.angle, marked.superficial)]
    )  # measure, observer
    about: dict[str, object] = {"set": marked.kind, "name": marked.name, "frame": marked.frame}
    ours = np.array([angle, height, _length(height, angle, slope)]) - _mean(observed)
    sure = {"confidence": float(found["confidence"])}
    yield about | {"method": "ours"} | _named(ours) | sure
    tensor = structure_tensor_angle(marked.image, upper, lower) - _mean(observed)[0]
    yield about | {"method": "structure tensor", "angle": float(tensor)}
    for one in range(observed.shape[1]):
        error = observed[:, one] - _mean(np.delete(observed, one, 1))
        yield about | {"method": f"observer {one + 1}"} | _named(error)


def _named(errors: np.ndarray) -> dict[str, object]:
    return dict(zip(_MEASURES, map(float, errors), strict=True))


def _length(height: Any, angle: Any, slope: Any) -> Any:
    """Return the length of a fascicle between parallel aponeuroses."""
    return height * np.cos(np.radians(slope)) / np.sin(np.radians(np.abs(angle - slope)))


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of the observers who measured something, NaN where nobody did."""
    known = np.isfinite(values)
    count = known.sum(1)
    total = np.where(known, values, 0).sum(1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _rmse(errors: pd.Series, group: pd.Series) -> tuple[float, str]:
    """Return the root mean square and its confidence interval, NaN and "" without errors."""
    squares = (errors**2).groupby(group)
    total, count = squares.sum().to_numpy(), squares.count().to_numpy()
    if not count.sum():
        return np.nan, ""
    found = np.sqrt(ratio_interval(total, count))
    return float(found[0]), f"{found[1]:.2f} to {found[2]:.2f}"
