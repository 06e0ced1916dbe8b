"""Separate motor units by the edges of their territories.

Maps of units overlap, so they are not independent, and an independent component analysis of maps
mixes neighbours. Where one territory ends, though, seldom another one does: from one side of its
rim to the other, the velocity changes by this unit's alone. The spatial differences of a sequence
are sparse and nearly independent, whatever overlaps.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from musclelib.identification.separation.band import Band, singular

LAG = 1.9
"""Distance of the differences [mm]: 3 pixels of paper 2."""

_ITERATIONS, _TOLERANCE = 300, 1e-4
_SHARE = 1e-3  # of the energy: weaker components say nothing of rims
# of the mean power: separation of exact plateaus is caught in poor optima, and noise frees it
_DITHER = 1e-3


def separate(band: Band, rank: int, lag: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Separate a sequence into maps and trains, by FastICA of its spatial differences in the first singular vectors.

    Parameters
    ----------
    band : Band
        The sequence.
    rank : int
        Components, at least 1; fewer where the field has fewer differences.
    lag : int
        Distance over which differences are taken [pixel].
    seed : int
        Seed of the first guess of the unmixing, and of the dither of a sequence that has hardly any
        noise.

    Returns
    -------
    maps : numpy.ndarray
        `(unit, depth, lateral)`, such that they stand out upwards.
    trains : numpy.ndarray
        `(unit, coefficient)`; maps times trains sum up to the sequence, as far as its rank reaches.
    """
    values = band.coefficients
    weak = _DITHER * float((values**2).mean()) - band.noise
    if weak > 0:
        noise = np.random.default_rng(np.random.SeedSequence((seed, 0, 32))).standard_normal(
            values.shape, np.float32
        )
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
    analysis = FastICA(
        rank, whiten="unit-variance", random_state=seed, max_iter=_ITERATIONS, tol=_TOLERANCE
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what was reached is used
        analysis.fit(differences.T)
    sources = analysis.components_ @ maps.reshape(rank, -1)
    trains = (times @ analysis.mixing_).T
    signs = np.where((sources**3).sum(axis=1) < 0, -1, 1)[:, None]
    return (sources * signs).reshape(rank, *band.field), (trains * signs).astype(np.float32)


def sharpness(band: Band) -> float:
    """Return how the squared difference of two pixels grows with their distance: 1 for sharp rims, 2 for smooth maps.

    The exponent of the variogram from 1 to 4 pixels, of the components that have more than 0.1 % of
    the energy.
    """
    times, strengths = band.parts
    times = times[:, strengths**2 > _SHARE * (strengths**2).sum()]
    maps = (times.T @ band.coefficients).reshape(-1, *band.field)
    sides = [(axis, side) for axis, side in enumerate(band.field, 1) if side > 4]
    if not sides:
        return 1.0  # too small to tell
    near, far = (
        sum(
            np.mean((maps.take(range(h, side), axis) - maps.take(range(side - h), axis)) ** 2)
            for axis, side in sides
        )
        for h in (1, 4)
    )
    return float(np.log2(far / near) / 2)
