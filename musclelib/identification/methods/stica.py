"""The method `stICA`: spatiotemporal independent components of overlapping regions."""

from __future__ import annotations

import numpy as np

from musclelib.identification.motor_units import SPACING, MotorUnits, check
from musclelib.identification.separation.infomax import infomax
from musclelib.identification.separation.lobes import CONTRAST, contrast, largest_lobe
from musclelib.identification.separation.low_rank import low_rank
from musclelib.identification.separation.regions import Region, merge, regions

COMPONENTS = 25
"""Largest number of components of a region."""

AREA = (3.0, 180.0)
"""Smallest and largest area of a territory [mm2]: circles of 2 and 15 mm, paper 2 has 2.5 to 10."""


def spatiotemporal(
    velocity: np.ndarray, frame_rate: float, spacing: tuple[float, float] = SPACING, seed: int = 0
) -> MotorUnits:
    """Identify units by spatiotemporal independent component analysis.

    Source: Rohlén et al., IEEE Access 8:50299, 2020. A grid of 5 x 5 squares of 20 x 20 mm covers
    the field. Each square is reduced to 25 singular vectors, or to those above white noise if these
    are fewer, and separated by `infomax`. A component is a unit if the largest lobe of its map has
    the area of a territory, holds at least half of the map's variance and lies within the square;
    of the components of several squares that show one unit, the most certain is kept. The source
    selected components by eye and by reference; these criteria are our own choice.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, in any unit; contraction is positive.
    frame_rate : float
        Frame rate [Hz]; without effect on this method.
    spacing : tuple of float
        Size of a pixel along depth and lateral [mm].
    seed : int
        Seed of the initial unmixing.

    Raises
    ------
    ValueError
        As `motor_units.check` and `regions`.
    """
    velocity = check(velocity)
    field = (velocity.shape[1], velocity.shape[2])
    pixel = spacing[0] * spacing[1]
    territory, trains, confidence = [], [], []
    for region in regions(field, spacing):
        for image, course in zip(*_components(velocity, region, seed), strict=True):
            lobe = largest_lobe(image)
            certain = contrast(image, lobe)
            if (
                not AREA[0] <= lobe.sum() * pixel <= AREA[1]
                or certain < CONTRAST
                or _cut(lobe, region, field)
            ):
                continue
            mask = np.zeros(field, bool)
            mask[region] = lobe
            territory.append(mask)
            trains.append(course * image[lobe].mean())  # the velocity within the territory
            confidence.append(certain)
    if not territory:
        return MotorUnits.none(len(velocity), field)
    return merge(MotorUnits(np.array(territory), np.array(trains), np.array(confidence)))


def _cut(mask: np.ndarray, region: Region, field: tuple[int, int]) -> bool:
    """Whether the edge of a region cuts a territory; another region holds the whole of it."""
    for axis, (part, pixels) in enumerate(zip(region, field, strict=True)):
        rows = np.atleast_1d(mask.any(axis=1 - axis))
        if (rows[0] and part.start > 0) or (rows[-1] and part.stop < pixels):
            return True
    return False


def _components(velocity: np.ndarray, region: Region, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps `(component, depth, lateral)` and courses `(component, time)` of a region."""
    part = velocity[:, *region]
    courses, maps = low_rank((part - part.mean(axis=0)).reshape(len(part), -1), COMPONENTS)
    if len(maps):
        maps, courses = infomax(maps, courses, seed)
    return maps.reshape(-1, *part.shape[1:]), courses
