"""From a component's map to a territory: its largest lobe, and how much of a motor unit there is in it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_fill_holes, label
from skimage.filters import threshold_otsu

CONTRAST = 0.5
"""A unit's territory holds at least this share of its map's variance."""

_TOUCHING = np.ones((3, 3), int)  # pixels that meet at a corner are of one lobe


def largest_lobe(image: np.ndarray) -> np.ndarray:
    """Mark the lobe of a map that holds the most energy, without holes.

    A map's territory is where it is above 0.

    Parameters
    ----------
    image : numpy.ndarray
        `(depth, lateral)`, in any unit.

    Returns
    -------
    numpy.ndarray
        `(depth, lateral)`, bool: above Otsu's threshold, and in one piece.
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
