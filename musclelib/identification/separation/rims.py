"""Separate motor units by the edges of their territories.

Maps of units overlap, so they are not independent, and an independent component analysis of maps
mixes neighbours. But where one territory ends, another one seldom does: across a rim the velocity
changes only by that of this unit. The spatial differences of a sequence are therefore sparse and
nearly independent, however territories overlap.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.random import RandomState
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from musclelib.identification.separation.band import Band, singular
from musclelib.streams import Purpose, stream

LAG = 1.9
"""Distance of the differences [mm]: 3 pixels of paper 2."""

_ITERATIONS, _TOLERANCE = 300, 1e-4
_SHARE = 1e-3  # share of the energy: the maps of weaker components say nothing about rims
# share of the mean power: on exact plateaus the separation stops at poor optima, and noise helps
_DITHER = 1e-3


def separate(band: Band, rank: int, lag: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Separate a sequence into maps and trains by FastICA of its spatial differences.

    The differences are those of the maps of the first singular vectors.

    Parameters
    ----------
    band : Band
        The sequence.
    rank : int
        Number of components, at least 1; fewer if the field has fewer differences.
    lag : int
        Distance over which differences are taken [pixel].
    seed : int
        Seed of the initial unmixing, and of the noise that is added to a sequence almost without
        noise.

    Returns
    -------
    maps : numpy.ndarray
        `(unit, depth, lateral)`, with the sign that makes a territory positive.
    trains : numpy.ndarray
        `(unit, coefficient)`; maps times trains sum to the sequence, within its rank.
    """
    values = band.coefficients
    weak = _DITHER * float((values**2).mean()) - band.noise
    if weak > 0:
        noise = stream(Purpose.RIMS_DITHER, seed).standard_normal(values.shape, np.float32)
        values = values + np.sqrt(weak) * noise
    lag = min(lag, max(band.field) - 1)
    rank = min(
        rank,
        sum((side - lag) * other for side, other in (band.field, band.field[::-1]) if side > lag),
    )
    times = singular(values)[0][:, :rank]
    maps = (times.T @ values).reshape(rank, *band.field)
    differences = np.concatenate(
        [
            (maps[:, lag:] - maps[:, :-lag]).reshape(rank, -1),
            (maps[:, :, lag:] - maps[:, :, :-lag]).reshape(rank, -1),
        ],
        axis=1,
    )
    start = RandomState(stream(Purpose.RIMS_START, seed).bit_generator)
    analysis = FastICA(
        rank, whiten="unit-variance", random_state=start, max_iter=_ITERATIONS, tol=_TOLERANCE
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last iterate is used
        analysis.fit(differences.T)
    sources = analysis.components_ @ maps.reshape(rank, -1)
    trains = (times @ analysis.mixing_).T
    signs = np.where((sources**3).sum(axis=1) < 0, -1, 1)[:, None]
    return (sources * signs).reshape(rank, *band.field), (trains * signs).astype(np.float32)


def sharpness(band: Band) -> float:
    """Return the exponent of the maps' variogram: 1 for sharp rims, 2 for smooth maps.

    It is the exponent with which the squared difference of two pixels grows from a distance of 1 to
    4 pixels, in the components with more than 0.1 % of the energy.
    """
    times, strengths = band.parts
    times = times[:, strengths**2 > _SHARE * (strengths**2).sum()]
    maps = (times.T @ band.coefficients).reshape(-1, *band.field)
    sides = [(axis, side) for axis, side in enumerate(band.field, 1) if side > 4]
    if not sides:
        return 1.0  # the field is too small for an estimate
    near, far = (
        sum(
            np.mean((maps.take(range(h, side), axis) - maps.take(range(side - h), axis)) ** 2)
            for axis, side in sides
        )
        for h in (1, 4)
    )
    return float(np.log2(far / near) / 2)
