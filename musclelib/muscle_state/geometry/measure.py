"""Measure muscle geometry in any longitudinal image or video."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
import xarray as xr

from musclelib.muscle_state.geometry.aponeuroses import (
    HEIGHT,
    Candidates,
    find_candidates,
    refine_edge,
)
from musclelib.muscle_state.geometry.choice import Choice, load_choices
from musclelib.muscle_state.geometry.image_area import find_image_area
from musclelib.muscle_state.geometry.orientation import (
    ANGLES,
    allowed,
    angle_features,
    orientation_energy,
)
from musclelib.muscle_state.geometry.over_time import best_path, posterior

WEIGHTS = Path(__file__).with_name("weights.json")
_SURE = 6.0  # deg: evidence this near to the measured angle counts for its confidence
_SEEN = (0.2, 0.35)  # ridge strength of a line that is none, and of the faintest aponeurosis


@lru_cache(maxsize=1)
def shipped_choices() -> dict[str, Choice]:
    """Return the choices that were fitted to all public images, see the card in `weights.json`."""
    return load_choices(WEIGHTS)


def measure_fascicles(
    frames: np.ndarray,
    *,
    pixel_size: tuple[float, float] | None = None,
    area: tuple[int, int, int, int] | str | None = "find",
    continuous: bool = True,
    choices: dict[str, Choice] | None = None,
) -> xr.Dataset:
    """Measure aponeuroses, thickness, fascicle angle, pennation and fascicle length.

    Every frame is measured by itself; of a video, the most probable course over time is taken, so
    that single frames do not stand out and nothing drifts. Angles [deg] are positive where a
    structure runs down to the right. Pixels are taken as square where their size is not known.

    Parameters
    ----------
    frames : ndarray
        Grey values, `(time, depth, lateral)` or a single image `(depth, lateral)`.
    pixel_size : tuple of float, optional
        Size of a pixel along depth and lateral [mm]. Without it, no millimetres are returned:
        thickness and length are in pixels.
    area : tuple of int, "find" or None
        First row, row behind the last, first column, column behind the last of the ultrasound
        image; "find" looks for it, None takes the whole frame.
    continuous : bool
        The frames are a video; otherwise they are images that have nothing to do with each other.
    choices : dict of Choice, optional
        Learnt choices, see `fit_choices`; the shipped ones by default.

    Returns
    -------
    Dataset
        By `time`: `fascicle_angle`, `superficial_angle`, `deep_angle`, `pennation` to the deep and
        `superficial_pennation` to the superficial aponeurosis [deg], `thickness` perpendicular to
        the superficial aponeurosis at the middle column, `fascicle_length` of a straight fascicle
        through the middle of the muscle up to the straightened aponeuroses, `extrapolated`, its
        share outside the image, and `confidence` (0 to 1). By `time` and `lateral`:
        `superficial_row` and `deep_row`, the inner edges of the aponeuroses [pixel of `frames`].
        Frames without a muscle hold NaN and confidence 0. Attribute `area` holds the area.

    Raises
    ------
    ValueError
        Frames of another shape, values that are not finite, a pixel size that is not positive, an
        area outside the frames, or no muscle in any frame.
    """
    frames, area = _checked(frames, area, pixel_size)
    top, bottom, left, right = area
    inside = frames[:, top:bottom, left:right]
    aspect = 1.0 if pixel_size is None else pixel_size[1] / pixel_size[0]
    learnt = choices or shipped_choices()

    with ThreadPoolExecutor(_threads()) as pool:
        images = list(pool.map(lambda frame: _square(frame, aspect), inside))
        found = list(pool.map(find_candidates, images))
        scores = [learnt["aponeuroses"].scores(c.features) if c.pairs else None for c in found]
        chosen = best_path(found, scores, continuous=continuous)
        if all(pair is None for pair in chosen):
            raise ValueError("no muscle between two aponeuroses in any frame")
        edges = list(pool.map(_edges, images, found, chosen))
        upper, lower = _steady(np.array(edges), continuous)
        angle_scores = np.array(
            list(pool.map(partial(_angle_scores, learnt["angle"]), images, upper, lower))
        )
    angle = posterior(angle_scores, continuous=continuous)
    sure = [_pair_confidence(*one) for one in zip(found, scores, chosen, strict=True)]
    confidence = np.array(sure) * _angle_confidence(angle_scores, angle)
    unit = 1.0 if pixel_size is None else pixel_size[0]
    rows = _describe(upper, lower, angle, unit, aspect)
    return _dataset(rows, upper, lower, confidence, area, pixel_size, aspect)


def _threads() -> int:
    return max(1, min(4, cv2.getNumberOfCPUs()))


def _checked(
    frames: np.ndarray,
    area: tuple[int, int, int, int] | str | None,
    pixel_size: tuple[float, float] | None,
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    frames = np.asarray(frames)
    frames = frames[None] if frames.ndim == 2 else frames
    if frames.ndim != 3 or not len(frames):
        raise ValueError(f"frames have shape {frames.shape}; allowed is (time, depth, lateral)")
    if frames.dtype.kind not in "uif":
        raise ValueError(f"frames are {frames.dtype}; allowed are real numbers")
    if frames.dtype.kind == "f" and not np.isfinite(frames).all():
        raise ValueError("frames hold values that are not finite")
    if pixel_size is not None and not all(np.isfinite(s) and s > 0 for s in pixel_size):
        raise ValueError(f"pixel_size is {pixel_size}; allowed are two positive numbers of mm")
    if isinstance(area, str):
        if area != "find":
            raise ValueError(f'area is "{area}"; allowed are "find", None and four numbers')
        area = find_image_area(frames)
    depth, width = frames.shape[1:]
    top, bottom, left, right = area or (0, depth, 0, width)
    if not (0 <= top <= bottom - 64 <= depth - 64 and 0 <= left <= right - 64 <= width - 64):
        raise ValueError(
            f"area {(top, bottom, left, right)} of frames of {depth} x {width} pixels; allowed "
            "are at least 64 rows and columns within the frames"
        )
    return frames, (top, bottom, left, right)


def _square(frame: np.ndarray, aspect: float) -> np.ndarray:
    """Return a frame with square pixels as high as those of `frame`."""
    frame = frame if frame.dtype == np.uint8 else frame.astype(np.float32)
    if abs(aspect - 1) < 0.01:
        return np.ascontiguousarray(frame)
    size = (round(frame.shape[1] * aspect), frame.shape[0])
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))


def _edges(image: np.ndarray, found: Candidates, pair: int | None) -> np.ndarray:
    """Return the rows of both inner edges, `(2, lateral)`, NaN without a pair."""
    width = image.shape[1]
    if pair is None:
        return np.full((2, width), np.nan)
    scale = image.shape[0] / HEIGHT
    curves = (found.curves[place] for place in found.pairs[pair])
    rows = [(curve.rows(width) + 0.5) * scale - 0.5 for curve in curves]
    edges = [refine_edge(image, row, side) for row, side in zip(rows, (1, -1), strict=True)]
    return np.array(edges)


def _steady(edges: np.ndarray, continuous: bool) -> np.ndarray:
    """Return the edges `(edge, time, lateral)`, of a video smoothed over a few frames."""
    edges = np.moveaxis(edges, 1, 0)
    if not continuous or edges.shape[1] < 3:
        return edges
    known = np.isfinite(edges)
    weight = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)

    def smooth(values: np.ndarray) -> np.ndarray:
        padded = np.pad(values, ((0, 0), (4, 4), (0, 0)), mode="edge")
        return sum(w * padded[:, k : k + values.shape[1]] for k, w in enumerate(weight))

    total = smooth(np.where(known, edges, 0)) / np.maximum(smooth(known.astype(float)), 1e-9)
    return np.where(known, total, np.nan)


def _angle_scores(
    choice: Choice, image: np.ndarray, upper: np.ndarray, lower: np.ndarray
) -> np.ndarray:
    """Return the score of every angle, all 0 where the image tells nothing."""
    flat = allowed(np.zeros(len(ANGLES)))
    if np.isnan(upper).any():
        return flat
    energy = orientation_energy(image, upper, lower)
    if energy is None:
        return flat
    slopes = (_line(upper), _line(lower))
    angles = tuple(float(np.degrees(np.arctan(slope))) for slope, _ in slopes)
    return allowed(choice.scores(angle_features(energy, (angles[0], angles[1]))))


def _line(rows: np.ndarray) -> tuple[float, float]:
    """Return slope and middle of the straight line through an edge."""
    place = np.arange(len(rows)) - (len(rows) - 1) / 2
    return float(place @ rows / (place @ place)), float(rows.mean())


def _pair_confidence(found: Candidates, scores: np.ndarray | None, chosen: int | None) -> float:
    """Return the probability of the chosen pair and its close neighbours, if they are lines."""
    if chosen is None or scores is None:
        return 0.0
    chance = np.exp(scores - scores.max())
    middle = np.array([[found.curves[p].row for p in pair] for pair in found.pairs])
    near = np.abs(middle - middle[chosen]).max(1) <= 0.05 * HEIGHT
    # a choice takes the best pair, even where no pair is one: in shades, noise or another picture
    strength = np.array([found.curves[place].strength for place in found.pairs[chosen]])
    seen = np.clip((strength - _SEEN[0]) / (_SEEN[1] - _SEEN[0]), 0, 1).prod()
    return float(seen * chance[near].sum() / chance.sum())


def _angle_confidence(scores: np.ndarray, angle: np.ndarray) -> np.ndarray:
    chance = np.exp(scores - scores.max(1, keepdims=True))
    near = np.abs(ANGLES - angle[:, None]) <= _SURE
    return np.asarray((chance * near).sum(1) / chance.sum(1))


def _describe(
    upper: np.ndarray, lower: np.ndarray, angle: np.ndarray, unit: float, aspect: float
) -> dict[str, np.ndarray]:
    """Return the measures by time, from straight lines through the edges."""
    width = upper.shape[1]
    lines = np.array([[_line(a), _line(b)] for a, b in zip(upper, lower, strict=True)])
    (top_slope, top_row), (deep_slope, deep_row) = lines[:, 0].T, lines[:, 1].T
    superficial, deep = np.degrees(np.arctan(top_slope)), np.degrees(np.arctan(deep_slope))
    middle = width // 2
    gap = lower[:, middle] - upper[:, middle]
    angle = np.where(np.isfinite(gap), angle, np.nan)

    # a line through the middle of the muscle meets both straightened aponeuroses
    slope, start = np.tan(np.radians(angle)), (top_row + deep_row) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.array(
            [
                (row - start) / (slope - s)
                for row, s in ((top_row, top_slope), (deep_row, deep_slope))
            ]
        )
    span = np.abs(ends[1] - ends[0])
    seen = np.abs(np.clip(ends[1], -width / 2, width / 2) - np.clip(ends[0], -width / 2, width / 2))
    crossing = (ends[0] * ends[1] < 0) & np.isfinite(span)
    length = np.where(crossing, span / np.cos(np.radians(angle)), np.nan)
    return {
        "fascicle_angle": angle,
        "superficial_angle": superficial,
        "deep_angle": deep,
        "pennation": np.abs(angle - deep),
        "superficial_pennation": np.abs(angle - superficial),
        "thickness": gap * np.cos(np.radians(superficial)) * unit,
        "fascicle_length": length * unit,
        "extrapolated": np.where(crossing, 1 - seen / np.maximum(span, 1e-9), np.nan),
    }


def _dataset(
    rows: dict[str, np.ndarray],
    upper: np.ndarray,
    lower: np.ndarray,
    confidence: np.ndarray,
    area: tuple[int, int, int, int],
    pixel_size: tuple[float, float] | None,
    aspect: float,
) -> xr.Dataset:
    top, _, left, right = area
    columns = (np.arange(right - left) + 0.5) * aspect - 0.5
    own = np.arange(upper.shape[1])
    curves = {
        name: np.array([np.interp(columns, own, line) for line in lines]) + top
        for name, lines in (("superficial_row", upper), ("deep_row", lower))
    }
    units = {"thickness": "pixel", "fascicle_length": "pixel", "extrapolated": "1"}
    if pixel_size is not None:
        units |= {"thickness": "mm", "fascicle_length": "mm"}
    measures = {name: ("time", v, {"units": units.get(name, "deg")}) for name, v in rows.items()}
    lines = {n: (("time", "lateral"), v, {"units": "pixel"}) for n, v in curves.items()}
    return xr.Dataset(
        measures | lines | {"confidence": ("time", confidence, {"units": "1"})},
        coords={"lateral": ("lateral", np.arange(left, right), {"units": "pixel"})},
        attrs={
            "area": list(area),
            "pixel_size": "not known" if pixel_size is None else list(pixel_size),
            "angles": "positive where a structure runs down to the right",
        },
    )
