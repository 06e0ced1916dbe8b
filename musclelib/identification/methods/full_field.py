"""Motor units from the whole field at once: each place asks what moves it, and what was found is taken away."""

from __future__ import annotations

import numpy as np

from musclelib.identification.motor_units import SPACING, MotorUnits, check
from musclelib.identification.separation.lobes import CONTRAST, contrast, largest_lobe
from musclelib.identification.separation.low_rank import low_rank
from musclelib.identification.separation.regions import distinct

_MOST = 80  # largest rank of a field
_PLACES = 16  # along each axis; of 40 mm, each is as wide as the smallest territory
_ITERATIONS = 40
_DISTINCT = 0.9  # cosine of two directions that are one
_ROUNDS = 3
_PIXELS = 8  # of the smallest territory; a circle of 2.5 mm has 12 in paper 2
_REST = 1e-6  # share of the sequence's energy below which a rest is what rounding left


def _sparse_maps(maps: np.ndarray, field: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return the maps `(map, pixel)` of largest skewness in the span of orthogonal ones, as places climb to them."""
    white = maps / np.sqrt((maps**2).mean(axis=1, keepdims=True))
    rows, columns = (np.arange(pixels) * min(_PLACES, pixels) // pixels for pixels in field)
    place = (rows[:, None] * (columns[-1] + 1) + columns).ravel()
    ways = np.array([np.bincount(place, component) for component in white]).T
    ways += 1e-6 * rng.standard_normal(ways.shape)  # no place is without a way
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    for _ in range(_ITERATIONS):
        ways = (ways @ white) ** 2 @ white.T  # the fixed point of the third moment
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    found = ways @ white
    kept: list[int] = []
    for way in np.argsort(-(found**3).sum(axis=1), kind="stable"):
        if not (ways[kept] @ ways[way] > _DISTINCT).any():
            kept.append(int(way))
    return found[kept]


def full_field(
    velocity: np.ndarray, frame_rate: float, spacing: tuple[float, float] = SPACING, seed: int = 0
) -> MotorUnits:
    """Identify units without regions, by spatial sparsity and peeling: akin to velBSS.

    With velBSS (Rohlén et al., J Neural Eng 20:034001, 2023) it shares the aim and the idea: the
    whole field in one low rank, and sparse sources by a fast fixed-point iteration instead of one
    decomposition a region. That source's steps in detail were not at hand, so that these are ours.
    Every place of a grid starts from its own mean direction among the whitened maps and climbs to
    the nearest map of largest skewness, all at once. Maps with a lobe that holds most of their
    variance are units; their trains are the least squares of the sequence on their maps, all
    together, so that overlapping units do not leak into one another. What they explain is taken
    away, and the rest is searched again for units that stronger ones hid.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)`, in any unit; contraction is positive.
    frame_rate, spacing
        As for every method; make no difference to this one.
    seed : int
        Seed of what little chance there is in the starts.

    Raises
    ------
    ValueError
        As `check`.
    """
    velocity = check(velocity)
    frames, *sides = velocity.shape
    field = (sides[0], sides[1])
    rest = moving = velocity.reshape(frames, -1) - velocity.reshape(frames, -1).mean(axis=0)
    rng = np.random.default_rng(seed)
    units, shapes = MotorUnits.none(frames, field), np.zeros((0, moving.shape[1]))
    for _ in range(_ROUNDS):
        _, components = low_rank(rest, _MOST)
        if not len(components):
            break
        maps = _sparse_maps(components, field, rng)
        images = maps.reshape(-1, *field)
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
        kept = distinct(every)
        if (kept < len(shapes)).all():
            break
        shapes = np.concatenate([shapes, inner])[kept]
        trains = np.linalg.lstsq(shapes.T, moving.T, rcond=None)[0]
        rest = moving - trains.T @ shapes
        territory = every.territory[kept]
        sizes = territory.sum(axis=(1, 2))[:, None]  # a map's mean within its territory is 1 / size
        units = MotorUnits(territory, trains / sizes, every.confidence[kept])
        if (rest**2).sum() < _REST * (moving**2).sum():
            break
    return MotorUnits.sorted(units.territory, units.twitch_train, units.confidence)
