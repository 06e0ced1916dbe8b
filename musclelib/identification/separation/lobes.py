"""The largest lobe of a component's map as a territory, and its share of the map's variance."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_fill_holes, label
from skimage.filters import threshold_otsu

CONTRAST = 0.5
"""Smallest share of a map's variance between the territory of a motor unit and the rest."""

_TOUCHING = np.ones((3, 3), int)  # pixels that meet at a corner belong to one lobe


def largest_lobe(image: np.ndarray) -> np.ndarray:
    """Return the lobe of a map that holds the most energy, with its holes filled.

    Parameters
    ----------
    image : numpy.ndarray
        `(depth, lateral)`, in any unit; a territory has values above 0.

    Returns
    -------
    numpy.ndarray
        `(depth, lateral)`, bool: one connected region above Otsu's threshold.
    """
    above = image > max(threshold_otsu(image), 0)
    pieces, count = label(above, _TOUCHING)
    if not count:
        return above
    energy = np.bincount(pieces.ravel(), (image**2).ravel(), count + 1)
    return binary_fill_holes(pieces == 1 + energy[1:].argmax())


def contrast(image: np.ndarray, mask: np.ndarray) -> float:
    """Return the share of a map's variance that lies between a territory and the rest, 0 to 1."""
    share = mask.mean()
    spread = image.var()
    if not 0 < share < 1 or spread == 0:
        return 0.0
    return float(share * (1 - share) * (image[mask].mean() - image[~mask].mean()) ** 2 / spread)
