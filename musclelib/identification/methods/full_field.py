"""The method `full field`: sparse maps of the whole field, found round by round."""

from __future__ import annotations

import numpy as np

from musclelib.identification.motor_units import SPACING, MotorUnits, check
from musclelib.identification.separation.lobes import CONTRAST, contrast, largest_lobe
from musclelib.identification.separation.low_rank import low_rank
from musclelib.identification.separation.regions import distinct
from musclelib.streams import Purpose, stream

_MOST = 80  # largest rank of a field
_PLACES = 16  # along each axis; at 40 mm, each is as wide as the smallest territory
_ITERATIONS = 40
_DISTINCT = 0.9  # cosine above which two directions count as one
_ROUNDS = 3
_PIXELS = 8  # pixels of the smallest territory; a circle of 2.5 mm has 12 in paper 2
_REST = 1e-6  # share of the sequence's energy that rounding errors leave


def full_field(
    velocity: np.ndarray, frame_rate: float, spacing: tuple[float, float] = SPACING, seed: int = 0
) -> MotorUnits:
    """Identify units without regions, by spatial sparsity and peeling, in the manner of velBSS.

    It shares the aim and the idea of velBSS (Rohlén et al., J Neural Eng 20:034001, 2023): one low
    rank for the whole field, and sparse sources by a fast fixed-point iteration instead of one
    decomposition for each region. The details of that method were not available; the steps here are
    our own choice. Every place of a grid starts from its mean direction among the whitened maps,
    and all are iterated at once to the nearest map of largest skewness. A map with a lobe that
    holds most of its variance is a unit. The trains of all units are the joint least-squares fit of
    the sequence on their maps, so that overlapping units do not leak into one another. What they
    explain is subtracted, and the rest is searched again for units that stronger ones hid.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, in any unit; contraction is positive.
    frame_rate, spacing
        As for every method; without effect on this one.
    seed : int
        Seed of the little noise in the starting directions.

    Raises
    ------
    ValueError
        As `motor_units.check`.
    """
    velocity = check(velocity)
    frames, *sides = velocity.shape
    field = (sides[0], sides[1])
    rest = moving = velocity.reshape(frames, -1) - velocity.reshape(frames, -1).mean(axis=0)
    rng = stream(Purpose.FULL_FIELD_START, seed)
    units, shapes = MotorUnits.none(frames, field), np.zeros((0, moving.shape[1]))
    for _ in range(_ROUNDS):
        _, components = low_rank(rest, _MOST)
        if not len(components):
            break
        maps = _sparse_maps(components, field, rng)
        images = maps.reshape(-1, *field)

        # maps with one dominant lobe are units, whose trains are first the means over their lobes
        lobes = np.array([largest_lobe(image) for image in images])
        certain = np.array([contrast(*pair) for pair in zip(images, lobes, strict=True)])
        good = (certain >= CONTRAST) & (lobes.sum(axis=(1, 2)) >= _PIXELS)
        inner = (maps * lobes.reshape(maps.shape))[good]
        inner /= inner.sum(axis=1, keepdims=True)
        every = MotorUnits(
            np.concatenate([units.territory, lobes[good]]),
            np.concatenate([units.twitch_train, inner @ rest.T]),
            np.concatenate([units.confidence, certain[good]]),
        )

        # units of earlier rounds may be found again; stop if no further one is left
        kept = distinct(every)
        if (kept < len(shapes)).all():
            break

        # fit all trains together, and subtract what the units explain
        shapes = np.concatenate([shapes, inner])[kept]
        trains = np.linalg.lstsq(shapes.T, moving.T, rcond=None)[0]
        rest = moving - trains.T @ shapes
        territory = every.territory[kept]
        sizes = territory.sum(axis=(1, 2))[:, None]  # a map's mean within its territory is 1 / size
        units = MotorUnits(territory, trains / sizes, every.confidence[kept])
        if (rest**2).sum() < _REST * (moving**2).sum():
            break
    return MotorUnits.sorted(units.territory, units.twitch_train, units.confidence)


def _sparse_maps(maps: np.ndarray, field: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return the maps of largest skewness in the span of orthogonal maps.

    Parameters
    ----------
    maps : numpy.ndarray
        `(component, pixel)`, orthogonal rows.
    field : tuple of int
        Number of pixels along depth and lateral.
    rng : numpy.random.Generator
        Stream of random numbers.

    Returns
    -------
    numpy.ndarray
        `(map, pixel)`.
    """
    white = maps / np.sqrt((maps**2).mean(axis=1, keepdims=True))

    # start from the mean direction of each place of a grid; noise gives every place a direction
    rows, columns = (np.arange(pixels) * min(_PLACES, pixels) // pixels for pixels in field)
    place = (rows[:, None] * (columns[-1] + 1) + columns).ravel()
    directions = np.array([np.bincount(place, component) for component in white]).T
    directions += 1e-6 * rng.standard_normal(directions.shape)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    # iterate all of them to the fixed points of the third moment
    for _ in range(_ITERATIONS):
        directions = (directions @ white) ** 2 @ white.T
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    # many places lead to the same map: keep each once, the most skewed first
    found = directions @ white
    kept: list[int] = []
    for number in np.argsort(-(found**3).sum(axis=1), kind="stable"):
        if not (directions[kept] @ directions[number] > _DISTINCT).any():
            kept.append(int(number))
    return found[kept]
