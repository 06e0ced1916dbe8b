"""Fit the choices of aponeuroses and of the fascicle angle to observers' measurements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from tqdm.auto import tqdm

from musclelib.muscle_state.geometry import orientation
from musclelib.muscle_state.geometry.aponeuroses import (
    HEIGHT,
    Candidates,
    find_candidates,
    refine_edge,
)
from musclelib.muscle_state.geometry.choice import Choice, fit_choice
from musclelib.muscle_state.geometry.orientation import (
    ANGLES,
    STEEPEST,
    angle_features,
    orientation_energy,
)
from musclelib.muscle_state.geometry.public_images import Marked

_STRETCHES = (1.0, 0.7, 1.4, 1.9)  # of the depth: steeper and flatter fascicles than observed


@dataclass(frozen=True)
class Example:
    """Features and targets of one image; `angles` holds one entry per stretch and mirror image."""

    participant: str
    pairs: np.ndarray
    pair_target: np.ndarray
    angles: list[tuple[np.ndarray, np.ndarray, float]]


def make_examples(images: Iterable[Marked]) -> list[Example]:
    """Return the examples of images; images in which no pair of curves fits are left out."""
    shown = tqdm(images, desc="examples", unit="image")
    return [example for image in shown if (example := _example(image)) is not None]


def fit_choices(examples: list[Example]) -> dict[str, Choice]:
    """Fit both choices to examples; each participant counts almost alike."""
    people = [example.participant for example in examples]
    importance = np.array([people.count(person) ** -0.7 for person in people])
    pairs = fit_choice(
        [example.pairs for example in examples],
        [example.pair_target for example in examples],
        importance,
        decay=0.003,
    )
    angles = [
        (*one[:2], one[2] * share)
        for example, share in zip(examples, importance, strict=True)
        for one in example.angles
    ]
    angle = fit_choice(
        [one[0] for one in angles],
        [one[1] for one in angles],
        np.array([one[2] for one in angles]),
        decay=0.01,
    )
    return {"aponeuroses": pairs, "angle": angle}


def _example(marked: Marked) -> Example | None:
    found = find_candidates(marked.image)
    if not found.pairs:
        return None
    away = _distance(found, marked)
    if away.min() > 10:
        return None
    target = np.exp(-(away - away.min()) / 1.5)
    upper, lower = found.pairs[int(away.argmin())]
    scale = marked.image.shape[0] / HEIGHT
    edges = [
        refine_edge(marked.image, found.curves[place].rows(marked.image.shape[1]) * scale, side)
        for place, side in ((upper, 1), (lower, -1))
    ]
    angle = float(np.nanmean(marked.angle))
    angles = []
    for stretch in _STRETCHES:
        steep = np.degrees(np.arctan(stretch * np.tan(np.radians(angle))))
        if abs(steep) < STEEPEST - 5:
            angles += _angle_examples(marked.image, edges, stretch, steep)
    return Example(marked.participant, found.features, target / target.sum(), angles)


def _distance(found: Candidates, marked: Marked) -> np.ndarray:
    """Return how far each pair is from the observers' aponeuroses [rows of the small image].

    The centre of a bright line lies a row or two outside of the inner edge that observers mark.
    """
    scale = HEIGHT / marked.image.shape[0]
    rows = np.array([curve.rows(3) for curve in found.curves])
    upper, lower = (rows[[pair[side] for pair in found.pairs]] for side in (0, 1))
    slope = np.tan(np.radians(np.nanmean(marked.superficial))) * found.width
    away = 0.3 * np.abs(upper[:, 2] - upper[:, 0] - slope)
    if marked.rows is not None:
        away += np.abs(upper[:, marked.end] + 1 - marked.rows[0] * scale)
        return away + np.abs(lower[:, marked.end] - 2 - marked.rows[1] * scale)
    height = (lower - upper)[:, marked.end] - 2 - np.nanmean(marked.height) * scale
    return away + np.abs(height)


def _angle_examples(
    image: np.ndarray, edges: list[np.ndarray], stretch: float, angle: float
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Return features, targets and importance of a stretched image and of its mirror image."""
    size = (image.shape[1], round(image.shape[0] * stretch))
    rows = [edge * stretch for edge in edges]
    height = round(orientation.HEIGHT * stretch**0.5)
    energy = orientation_energy(cv2.resize(image, size), rows[0], rows[1], height)
    if energy is None:
        return []
    slopes = [float(np.degrees(np.arctan(np.polyfit(np.arange(len(r)), r, 1)[0]))) for r in rows]
    mirrored = np.roll(energy[..., ::-1], 1, -1)
    allowed = np.abs(ANGLES) <= STEEPEST
    found = []
    for sign, power in ((1, energy), (-1, mirrored)):
        features = angle_features(power, (sign * slopes[0], sign * slopes[1]))
        target = np.exp(-0.5 * ((ANGLES[allowed] - sign * angle) / 3) ** 2)
        share = 1.0 if stretch == 1 else 0.4
        found.append((features[allowed], target / target.sum(), share))
    return found
