"""Motion features of B-mode frames: mean displacements around integration points (section III-D).

K-means over the corners of training frames gives integration points. Each corner of a frame belongs
to the nearest of them, and the displacements of the corners of a point are averaged. A frame thus
has one displacement for each point, wherever its own corners lie.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from scipy.spatial import KDTree
from sklearn.cluster import KMeans

from musclelib.acquisition.feature_tracks import corners, displacements
from musclelib.streams import Purpose, torch_seed

CORNERS = 1000
"""Largest number of corners of a frame (paper 3)."""

_NEIGHBOURS = 4  # number of points around an empty one from which its displacement is made


def integration_points(frames: Iterable[np.ndarray], count: int = 100, seed: int = 0) -> np.ndarray:
    """Return the means of the corners of frames, to which `motion_features` refer.

    Parameters
    ----------
    frames : iterable of numpy.ndarray
        Training frames `(depth, lateral)`; paper 3 takes 500, equidistant over its trials.
    count : int
        Number of means; paper 3 has 100.
    seed : int
        Seed of the first means.

    Returns
    -------
    numpy.ndarray
        float32 `(point, 2)` of (depth, lateral) [px], from the shallowest to the deepest.

    Raises
    ------
    ValueError
        The frames have fewer corners than there are means.
    """
    found = np.concatenate([np.empty((0, 2), np.float32), *(corners(f, CORNERS) for f in frames)])
    if len(found) < count:
        raise ValueError(
            f"integration points: the frames have {len(found)} corners, {count} means need at least"
            " as many"
        )
    drawn = torch_seed(Purpose.INTEGRATION_POINTS, seed) % 2**32
    centres = KMeans(count, n_init=1, random_state=drawn).fit(found).cluster_centers_
    return centres[np.lexsort(centres.T[::-1])].astype(np.float32)


def motion_features(
    frames: Iterable[np.ndarray], points: np.ndarray, window: int = 15
) -> np.ndarray:
    """Return the mean displacement around each integration point, from frame to frame.

    A point without corners that could be followed gets the mean of the nearest points that have
    some, weighted by the inverse distance. Paper 3 avoids such points by its choice of 100 means.

    Parameters
    ----------
    frames : iterable of numpy.ndarray
        Consecutive frames `(depth, lateral)`, uint8 or float.
    points : numpy.ndarray
        Integration points `(point, 2)` of (depth, lateral) [px].
    window : int
        Side length of the window of the Lucas-Kanade search [px].

    Returns
    -------
    numpy.ndarray
        Displacements [px], float32 `(time - 1, 2 * point)`: along depth of all points, then along
        lateral. Row k is the motion from frame k to frame k + 1; it is NaN if no corner of frame k
        could be followed.
    """
    tree = KDTree(points)
    rows = [_row(*pair, points, tree, window) for pair in itertools.pairwise(frames)]
    return np.stack(rows) if rows else np.empty((0, 2 * len(points)), np.float32)


def _row(
    frame: np.ndarray, following: np.ndarray, points: np.ndarray, tree: KDTree, window: int
) -> np.ndarray:
    places = corners(frame, CORNERS)
    moved, found = displacements(frame, following, places, window)
    return _means(places[found], moved[found], points, tree)


def _means(places: np.ndarray, moved: np.ndarray, points: np.ndarray, tree: KDTree) -> np.ndarray:
    """Return the mean displacement of the corners of each point, NaN without any corner."""
    if not len(places):
        return np.full(2 * len(points), np.nan, np.float32)
    own = tree.query(places)[1]
    counts = np.bincount(own, minlength=len(points))
    sums = [np.bincount(own, part, len(points)) for part in moved.T]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, np.newaxis]  # (point, 2)

    full, empty = np.flatnonzero(counts), np.flatnonzero(counts == 0)
    if len(empty):
        near = min(_NEIGHBOURS, len(full))
        distance, which = KDTree(points[full]).query(points[empty], np.arange(1, near + 1))
        weight = 1 / np.maximum(distance, 1e-6)
        weight /= weight.sum(axis=1, keepdims=True)
        means[empty] = (weight[..., np.newaxis] * means[full][which]).sum(axis=1)
    return means.T.ravel().astype(np.float32)
