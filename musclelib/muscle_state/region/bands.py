"""A first contour without any training: the two aponeuroses as bright, nearly horizontal bands.

The pair of bands is found by dynamic programming over the columns, both bands at once, so that
they keep apart; each boundary is then the steepest edge on the inner side of its band.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import make_interp_spline

from musclelib.muscle_state.region.contours import contour_from_curves

_GRID = (128, 40)  # depth and lateral pixels of the reduced picture
_BAND = (1.0, 4.0)  # standard deviations of a band and of its surroundings [reduced rows]
_GAP = (0.15, 0.65)  # least and largest distance of the bands, as shares of the depth
_TOP = 0.02  # share of the depth at the top that shows the skin
_STEP_COST = 0.15  # of a band that changes its row from one column to the next
_DEPTH_COST = 0.25  # of a lower band at the bottom, per column: the upper pair counts
_EDGE_REACH = 0.035  # share of the depth within which an edge belongs to a band
_EDGE_BLUR = 1.5  # standard deviation along the depth at which edges are sought [px]


def find_bands(frame: np.ndarray) -> np.ndarray:
    """Return the contour between the two uppermost strong bands of a frame.

    Parameters
    ----------
    frame : numpy.ndarray, (depth, lateral)
        Frame whose whole width shows the muscle, which is 15 to 65 % of the depth thick.

    Returns
    -------
    numpy.ndarray, (40, 2)
        Depth and lateral position [px]; a frame without bands gives a contour too, which fits
        badly.
    """
    grey = np.asarray(frame, np.float32)
    small = cv2.resize(grey, _GRID[::-1], interpolation=cv2.INTER_AREA)
    scale = grey.shape[0] / _GRID[0]
    # bright to dark below the upper band, dark to bright above the lower one
    blurred = cv2.GaussianBlur(grey, (0, 0), sigmaX=grey.shape[1] / 100, sigmaY=_EDGE_BLUR)
    slope = np.gradient(cv2.resize(blurred, (_GRID[1], grey.shape[0])), axis=0)
    centres = (np.arange(_GRID[1]) + 0.5) * grey.shape[1] / _GRID[1] - 0.5
    curves = []
    for path, inward in zip(_pair_of_paths(_ridges(small)), (1, -1), strict=True):
        edge = _edge_path(-inward * slope, (path + 0.5) * scale - 0.5, inward)
        curve = make_interp_spline(centres, edge, k=1)  # the outer columns are extrapolated
        curves.append(curve(np.arange(grey.shape[1])))
    return contour_from_curves(*curves)


def _ridges(small: np.ndarray) -> np.ndarray:
    """Return how much brighter than its surroundings each pixel is, 0 to 1."""
    inner, outer = (cv2.GaussianBlur(small, (0, 0), sigmaX=1.0, sigmaY=width) for width in _BAND)
    ridge = np.maximum(inner - outer, 0)
    ridge[: round(_TOP * len(ridge))] = 0
    return np.minimum(ridge / max(float(np.quantile(ridge, 0.98)), 1e-6), 1)


def _pair_of_paths(ridge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows, by column, of the pair of paths of the largest sum."""
    rows, columns = ridge.shape
    gap = np.arange(rows)[None] - np.arange(rows)[:, None]
    allowed = (gap >= _GAP[0] * rows) & (gap <= _GAP[1] * rows)
    fixed = np.where(allowed, -_DEPTH_COST * np.arange(rows) / rows, -np.inf)
    score = fixed + ridge[:, 0, None] + ridge[None, :, 0]
    steps = []
    for column in range(1, columns):
        score, up = _best_step(score, axis=0)
        score, down = _best_step(score, axis=1)
        steps.append((up, down))
        score = score + fixed + ridge[:, column, None] + ridge[None, :, column]
    pairs = [np.unravel_index(score.argmax(), score.shape)]
    for up, down in reversed(steps):
        row, low = pairs[-1]
        low = low + down[row, low]
        pairs.append((row + up[row, low], low))
    upper, lower = np.array(pairs[::-1]).T
    return upper, lower


def _best_step(score: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the best score with which a row is reached from itself or a neighbour, and whence."""
    padded = np.pad(
        score, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], constant_values=-np.inf
    )
    size = score.shape[axis]
    choices = np.stack(
        [
            padded.take(range(1 + step, 1 + step + size), axis=axis) - _STEP_COST * abs(step)
            for step in (-1, 0, 1)
        ]
    )
    best = choices.argmax(axis=0)
    return choices.max(axis=0), (best - 1).astype(np.int8)


def _edge_path(edge: np.ndarray, middle: np.ndarray, inward: int) -> np.ndarray:
    """Return the rows of a smooth path along the steepest edge on the inner side of a band."""
    reach = max(round(_EDGE_REACH * len(edge)), 3)
    offsets = np.arange(-reach // 3, reach + 1) * inward
    rows = np.clip(np.round(middle).astype(int) + offsets[:, None], 0, len(edge) - 1)
    gain = np.maximum(np.take_along_axis(edge, rows, axis=0), 0)
    gain = gain / max(float(gain.max()), 1e-6)
    score, back = gain[:, 0], []
    change = np.diff(np.round(middle)) * inward
    jump = np.arange(len(offsets))[:, None] - np.arange(len(offsets))[None]  # to, from
    for column in range(1, edge.shape[1]):
        total = score[None] - 0.05 * (jump + change[column - 1]) ** 2
        back.append(total.argmax(axis=1))
        score = total.max(axis=1) + gain[:, column]
    path = [int(score.argmax())]
    for sources in reversed(back):
        path.append(int(sources[path[-1]]))
    return rows[path[::-1], np.arange(edge.shape[1])].astype(float)
