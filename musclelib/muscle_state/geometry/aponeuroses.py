"""Candidates for the two aponeuroses of a muscle, and their precise course through the image.

Aponeuroses are bright, long and nearly lateral lines. Curves of constant bend are laid over a
ridge-filtered image; the brightest ones are the candidates. Which two of them bound the muscle is
a learnt choice on features of a pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

HEIGHT = 128  # rows of the image in which curves are looked for
_POINTS = 32  # points at which a curve is compared with the image
_SLOPE = 0.25  # steepest aponeurosis, rows per column
_BENDS = np.array([-8.0, -4.0, 0.0, 4.0, 8.0])  # rows by which a curve leaves its chord
_COUNT = 12  # candidates
_APART = 0.15  # smallest mean distance of two aponeuroses, as a share of the image's height


@dataclass(frozen=True)
class Curve:
    """A candidate: row at the middle, rise from left to right, bend [rows], mean ridge strength."""

    row: float
    rise: float
    bend: float
    strength: float

    def rows(self, width: int) -> np.ndarray:
        """Return the row of the curve in each of `width` columns."""
        place = np.linspace(-0.5, 0.5, width)
        return self.row + self.rise * place - self.bend * 4 * place**2


@dataclass(frozen=True)
class Candidates:
    """Pairs of curves of one image, `curves[upper], curves[lower]`, and features of each pair."""

    curves: list[Curve]
    pairs: list[tuple[int, int]]
    features: np.ndarray
    width: int  # of the small image to which the curves belong


def find_candidates(frame: np.ndarray) -> Candidates:
    """Find the pairs of curves that may be the aponeuroses in a frame, grey values.

    The features of a pair do not change when the image is mirrored or its contrast is scaled.
    """
    scale = HEIGHT / frame.shape[0]
    size = (max(48, round(frame.shape[1] * scale)), HEIGHT)
    image = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    image *= 40.0 / max(float(image.std()), 1e-6)
    curves = _curves(_ridges(image))
    features, pairs = _pairs(image, curves)
    return Candidates(curves, pairs, features, image.shape[1])


def refine_edge(frame: np.ndarray, rows: np.ndarray, inward: int) -> np.ndarray:
    """Return the inner edge of an aponeurosis near `rows`, one row per column of the frame.

    The edge, where brightness falls off towards the muscle, is what observers mark.

    Parameters
    ----------
    frame : ndarray
        Grey values, `(depth, lateral)`.
    rows : ndarray
        Rows of the candidate in the frame, one per column.
    inward : int
        1 where the muscle lies below the aponeurosis, -1 where it lies above.
    """
    depth, width = frame.shape
    reach = max(4, round(0.045 * depth))
    offsets = np.arange(-reach, 2 * reach + 1)  # inward positive
    columns = np.linspace(0, width - 1, 64)
    base = np.interp(columns, np.arange(width), rows)
    smooth = cv2.GaussianBlur(
        frame.astype(np.float32), (0, 0), sigmaX=width / 60, sigmaY=depth / 300
    )
    strip = cv2.remap(
        smooth,
        np.repeat(columns[None], len(offsets), 0).astype(np.float32),
        (base + inward * offsets[:, None]).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )

    contrast = strip.std() + 1e-6
    near = strip / contrast - 0.5 * (offsets[:, None] / (0.5 * reach)) ** 2
    near[offsets > reach] = -np.inf
    peak = _smooth_path(near)
    fall = -np.gradient(strip, axis=0) / contrast
    beyond = offsets[:, None] - offsets[peak]
    fall = np.where((beyond >= 0) & (beyond <= 0.8 * reach), fall, -np.inf)
    edge = offsets[fall.argmax(0)]
    found = _robust_polynomial(columns, base + inward * edge, 3)
    return np.asarray(np.polynomial.polynomial.Polynomial(found)(np.arange(width) / width))


def _smooth_path(score: np.ndarray) -> np.ndarray:
    """Return the path of the highest score from left to right that moves one step a column."""
    total = score[:, 0].copy()
    back = np.zeros(score.shape, int)
    index = np.arange(len(score))
    for column in range(1, score.shape[1]):
        padded = np.pad(total, 1, constant_values=-np.inf)
        moves = np.stack([padded[:-2] - 0.1, total, padded[2:] - 0.1])
        best = moves.argmax(0)
        back[:, column] = np.clip(index + best - 1, 0, len(score) - 1)
        total = moves.max(0) + score[:, column]
    path = [int(total.argmax())]
    for column in range(score.shape[1] - 1, 0, -1):
        path.append(int(back[path[-1], column]))
    return np.array(path[::-1])


def _robust_polynomial(columns: np.ndarray, rows: np.ndarray, degree: int) -> np.ndarray:
    place = columns / (columns[-1] + 1)
    weight = np.ones(len(rows))
    for _ in range(5):
        found = np.polynomial.polynomial.polyfit(place, rows, degree, w=weight)
        away = np.abs(rows - np.polynomial.polynomial.polyval(place, found))
        weight = 1 / np.sqrt(1 + (away / (1.5 * np.median(away) + 0.3)) ** 2)
    return np.asarray(found)


def _ridges(image: np.ndarray) -> np.ndarray:
    """Return how strongly each pixel belongs to a bright, nearly lateral line."""
    mean = cv2.GaussianBlur(image, (0, 0), 12)
    spread = np.sqrt(cv2.GaussianBlur((image - mean) ** 2, (0, 0), 20)) + 4
    level = (image - mean) / spread
    strongest = np.zeros_like(level)
    for width in (1.2, 2.4):
        blurred = cv2.GaussianBlur(level, (0, 0), sigmaX=4, sigmaY=width)
        strongest[1:-1] = np.maximum(
            strongest[1:-1],
            (2 * blurred[1:-1] - blurred[2:] - blurred[:-2]) * width**1.5,
        )
    return strongest


@lru_cache(maxsize=8)
def _grid(width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rises, the pixels on each curve and their weight in its mean strength."""
    place = np.linspace(-0.5, 0.5, _POINTS)
    rises = np.linspace(-_SLOPE * width, _SLOPE * width, 2 * int(_SLOPE * width / 3) + 1)
    middle = np.arange(HEIGHT)[:, None, None, None]
    rows = middle + rises[:, None, None] * place - _BENDS[:, None] * 4 * place**2
    rows = np.rint(rows).astype(np.int32)
    inside = (rows >= 1) & (rows <= HEIGHT - 2)
    columns = np.rint(np.linspace(2, width - 3, _POINTS)).astype(np.int32)
    pixels = np.where(inside, np.clip(rows, 0, HEIGHT - 1) * width + columns, HEIGHT * width)
    count = inside.sum(-1)
    share = np.where(count >= 20, 1 / np.maximum(count, 1), 0).astype(np.float32)
    return rises, pixels, share


def _curves(ridges: np.ndarray) -> list[Curve]:
    """Return the strongest curves from top to bottom, a few rows apart."""
    rises, pixels, share = _grid(ridges.shape[1])
    strength = np.append(np.sqrt(ridges).ravel(), np.float32(0))[pixels].sum(-1) * share
    strength = (strength - 0.005 * np.abs(_BENDS)).reshape(HEIGHT, -1)
    best, which = strength.max(1), strength.argmax(1)
    found = []
    for _ in range(_COUNT):
        row = int(best.argmax())
        if best[row] <= 0:
            break
        rise, bend = np.unravel_index(which[row], (len(rises), len(_BENDS)))
        found.append(Curve(float(row), float(rises[rise]), float(_BENDS[bend]), float(best[row])))
        best[max(0, row - 3) : row + 4] = 0
    return sorted(found, key=lambda curve: curve.row)


def _pairs(image: np.ndarray, curves: list[Curve]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return the features of every pair of curves that leaves room for a muscle."""
    width = image.shape[1]
    rows = [curve.rows(width) for curve in curves]
    means = _Means(image)
    features, pairs = [], []
    for upper in range(len(curves)):
        for lower in range(upper + 1, len(curves)):
            gap = rows[lower] - rows[upper]
            if gap.min() >= 0.08 * HEIGHT and gap.mean() >= _APART * HEIGHT:
                features.append(_describe(curves, rows, upper, lower, means))
                pairs.append((upper, lower))
    return np.array(features), pairs


class _Means:
    """Means of an image and of its orientation between two curves, from cumulative sums."""

    def __init__(self, image: np.ndarray) -> None:
        blurred = cv2.GaussianBlur(image, (0, 0), 0.8)
        across = cv2.Sobel(blurred, cv2.CV_32F, 1, 0)
        along = cv2.Sobel(blurred, cv2.CV_32F, 0, 1)
        power = cv2.GaussianBlur(across**2 + along**2, (0, 0), 4) + 4
        maps = [image, 2 * across * along / power, (along**2 - across**2) / power]
        first = np.zeros((1, image.shape[1]))
        self.sums = np.stack([np.vstack([first, np.cumsum(m, 0, np.float64)]) for m in maps])
        self.columns = np.arange(image.shape[1])
        self.image = image

    def between(self, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Return grey value, obliqueness and laterality between two curves."""
        first = np.clip(upper, 0, HEIGHT - 1).astype(int)
        last = np.clip(np.maximum(lower, upper), 0, HEIGHT - 1).astype(int)
        total = self.sums[:, last, self.columns] - self.sums[:, first, self.columns]
        return np.asarray(total.sum(1) / max((last - first).sum(), 1))

    def on(self, rows: np.ndarray) -> float:
        """Return the mean grey value on a curve."""
        near = np.clip(np.rint(rows), 0, HEIGHT - 1).astype(int)
        return float(self.image[near, self.columns].mean())


def _describe(
    curves: list[Curve], rows: list[np.ndarray], upper: int, lower: int, means: _Means
) -> list[float]:
    top, bottom, width = curves[upper], curves[lower], means.image.shape[1]
    middle = [c for c in curves[upper + 1 : lower] if c.row - top.row > 4 < bottom.row - c.row]
    parallel = [c.strength for c in middle if abs(c.rise - top.rise) < 0.08 * width]
    rival = max(parallel, default=0.0)
    above = max((c.strength for c in curves[:upper]), default=0.0)
    below = max((c.strength for c in curves[lower + 1 :]), default=0.0)
    inside = means.between(rows[upper] + 4, rows[lower] - 4)
    first = means.between(rows[upper] + 4, rows[upper] + 16)
    last = means.between(rows[lower] - 16, rows[lower] - 4)
    deeper = means.between(rows[lower] + 4, rows[lower] + 16)
    level, side = inside[0] + 1, np.sign(inside[1])
    thickness = float((rows[lower] - rows[upper]).mean()) / HEIGHT
    return [
        *(top.strength, bottom.strength, max((c.strength for c in middle), default=0.0), rival),
        *(thickness, thickness**2, top.row / HEIGHT, (top.row / HEIGHT) ** 2, float(top.row < 6)),
        *(abs(top.rise - bottom.rise) / width, abs(top.rise) / width, abs(bottom.rise) / width),
        *(abs(top.bend) / 8, abs(bottom.bend) / 8),
        np.log((means.on(rows[upper]) + 1) / level),
        np.log((means.on(rows[lower]) + 1) / level),
        np.log((deeper[0] + 1) / level),
        np.log((last[0] + 1) / level),
        *(abs(inside[1]), inside[2], first[1] * side, first[2], last[1] * side, last[2]),
        *(deeper[1] * side, deeper[2], above, below),
        max(rival - top.strength + 0.15, 0.0),
        max(rival - bottom.strength + 0.15, 0.0),
        max(above - top.strength, 0.0),
    ]
