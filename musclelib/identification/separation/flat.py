"""Motor units as flat territories: a pixel moves with the sum of the trains of its territories.

Masks and trains are improved in turn, units whose motion the others explain as well are removed,
and units that the rest of the sequence still shows are added. All work is on the coefficients of a
`Band`; masks are `(unit, pixel)`, of 0 and 1.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import idct
from scipy.ndimage import binary_dilation, label, uniform_filter

from musclelib.identification.separation.band import Band
from musclelib.metrics.matching import overlap

_ROUNDS, _TURNS = 4, 3
_SMALLEST = 5  # pixels of the smallest territory
_SURE = 1.3  # energy of a unit, at least, relative to the largest of noise
_LIKE, _SAME = 0.9, 0.7  # correlation of trains and overlap of territories of one and the same unit
_LARGEST = 0.3  # share of the field of the largest territory
_SIDES = np.ones((3, 3))  # pixels that meet at a corner are connected


class Flat:
    """Flat territories in one sequence.

    Parameters
    ----------
    band : Band
        The sequence.
    window : int
        Side of the squares in which further units are sought [pixel], about the diameter of the
        largest territory.
    """

    def __init__(self, band: Band, window: int) -> None:
        self.band, self.values, self.window = band, band.coefficients, min(window, *band.field)

    def solve(self, masks: np.ndarray) -> np.ndarray:
        """Improve masks until there is no unit left to remove or to add."""
        masks = self.whole(masks)
        for turn in range(_ROUNDS):
            masks = self.settle(masks)
            masks = self.settle(self.unite(masks))
            masks = self.settle(self.prune(masks))
            if turn < _ROUNDS - 1:
                further = self.further(masks)
                if not len(further):
                    break
                masks = np.concatenate([masks, further])
        return masks

    def trains(self, masks: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Return the least-squares trains of masks, `(unit, coefficient)`."""
        values = self.values if values is None else values
        ridge = 1e-2 * np.eye(len(masks), dtype=np.float32)  # two equal masks share their train
        return np.linalg.solve(masks @ masks.T + ridge, masks @ values.T)

    def settle(self, masks: np.ndarray) -> np.ndarray:
        """Fit masks and trains in turn."""
        for _ in range(_TURNS):
            if not len(masks):
                break
            before, trains = masks, self.trains(masks)
            masks = self.whole(
                self.assign(masks, trains @ self.values, trains @ trains.T, smooth=True)
            )
            if masks.shape == before.shape and (masks == before).all():
                break
        return masks

    def assign(
        self, masks: np.ndarray, products: np.ndarray, gram: np.ndarray, smooth: bool
    ) -> np.ndarray:
        """Assign every pixel to the territories whose trains fit it best, one unit after the other.

        Parameters
        ----------
        masks : numpy.ndarray
            `(unit, pixel)`, the masks to start from.
        products, gram : numpy.ndarray
            Products of the trains with the pixels, `(unit, pixel)`, and with one another, `(unit,
            unit)`.
        smooth : bool
            Whether the four neighbours of a pixel count as well (a Potts model), each as much as a
            factor e in the likelihood of the pixel.
        """
        masks = masks.copy()
        rest = products - gram @ masks  # products of the trains with what the masks do not explain
        for _ in range(2):
            changed = False
            for unit, power in enumerate(np.diag(gram)):
                # half the decrease of each pixel's squared error if it belongs to the unit
                gain = rest[unit] + power * (masks[unit] - 0.5)

                # neighbours favour their own side, in two sweeps since they change with the mask
                if smooth:
                    mask = masks[unit]
                    for _ in range(2):
                        favour = gain / self.band.noise + self._neighbours(mask)
                        mask = (favour > 0).astype(np.float32)
                else:
                    mask = (gain > 0).astype(np.float32)

                # the units after this one see what it explains now
                changes = mask - masks[unit]
                places = np.flatnonzero(changes)
                if len(places):
                    rest[:, places] -= np.outer(gram[:, unit], changes[places])
                    masks[unit], changed = mask, True
            if not changed:
                break
        return masks

    def whole(self, masks: np.ndarray) -> np.ndarray:
        """Reduce each mask to its largest connected part, and drop masks that are too small."""
        kept = []
        for mask in masks:
            parts, _ = label(mask.reshape(self.band.field), _SIDES)
            sizes = np.bincount(parts.ravel(), minlength=2)[1:]
            if sizes.max() >= _SMALLEST:
                kept.append((parts == 1 + sizes.argmax()).ravel())
        return np.array(kept, np.float32).reshape(-1, masks.shape[1])

    def unite(self, masks: np.ndarray) -> np.ndarray:
        """Make one unit of two that have the same territory or the same train."""
        while len(masks) > 1:
            trains = self.trains(masks)
            same = overlap(masks[:, None], masks[:, None])
            like = np.corrcoef(trains)
            np.fill_diagonal(same, 0)
            np.fill_diagonal(like, 0)

            # of two units with one territory, the one with the stronger train stays
            one, other = np.unravel_index(same.argmax(), same.shape)
            if same[one, other] > _SAME:
                weaker = min(one, other, key=lambda unit: float((trains[unit] ** 2).sum()))
                masks = np.delete(masks, weaker, axis=0)
                continue

            # two units with one train become one with both territories
            one, other = np.unravel_index(like.argmax(), like.shape)
            if like[one, other] <= _LIKE:
                break
            both = masks[[one, other]].max(0)
            masks = np.where((np.arange(len(masks)) == one)[:, None], both, masks)
            masks = np.delete(masks, other, axis=0)
        return masks

    def prune(self, masks: np.ndarray) -> np.ndarray:
        """Remove every unit whose motion its neighbours, fitted without it, explain as well.

        They do if without the unit no more energy is left unexplained than a unit could have by
        chance in noise. The least important units are examined first, and units that contract
        slowly and relax quickly before all others: those are differences of units and not units.
        """
        if not len(masks):
            return masks
        trains = self.trains(masks)
        importance = (trains**2).sum(axis=1) * masks.sum(axis=1)
        importance = importance * np.where(_skew(trains) < 0, 0.1, 1)

        alive = np.ones(len(masks), bool)
        for unit in np.argsort(importance):
            near, places, fitted, loss = self._without(unit, masks, alive)
            if loss < _SURE * self.band.chance(masks[unit].sum()):
                masks = masks.copy()
                masks[np.ix_(near, places)] = fitted
                alive[unit] = False
        return self.whole(masks[alive])

    def further(self, masks: np.ndarray) -> np.ndarray:
        """Return the masks of further units in the part of the sequence that masks do not explain.

        Units are sought in squares, in which even small ones exceed the noise.
        """
        rest = self.values - self.trains(masks).T @ masks if len(masks) else self.values
        images, window = rest.reshape(-1, *self.band.field), self.window

        # the strongest train of each square, if it is stronger than that of noise
        found: list[tuple[float, int, int, np.ndarray]] = []
        for row in range(0, self.band.field[0] - window + 1, max(1, window // 2)):
            for column in range(0, self.band.field[1] - window + 1, max(1, window // 2)):
                square = images[:, row : row + window, column : column + window]
                square = square.reshape(len(rest), -1)  # (coefficient, pixel)
                wide = len(square) < window**2  # the smaller product has the same largest energy
                energies, vectors = np.linalg.eigh(square @ square.T if wide else square.T @ square)
                if energies[-1] > 1.1 * self.band.chance(window**2):
                    first = vectors[:, -1]
                    train = first if wide else square @ first / np.sqrt(energies[-1])
                    found.append((float(energies[-1]), row, column, train))

        # the territory of each train, strongest first: the lobe above half the peak of its map, if
        # it is not too large and does not touch one that was found before
        taken = np.zeros(self.band.field, bool)
        new: list[np.ndarray] = []
        for _, row, column, train in sorted(found, key=lambda one: -one[0]):
            strength = (train @ rest).reshape(self.band.field) * np.sign(_skew(train[None])[0])
            smooth = uniform_filter(strength, 3)
            inside = np.full(self.band.field, -np.inf)
            inside[row : row + window, column : column + window] = 0
            peak = np.unravel_index((smooth + inside).argmax(), smooth.shape)
            parts, _ = label(smooth > smooth[peak] / 2)
            mask = parts == parts[peak]
            if smooth[peak] > 0 and mask.mean() < _LARGEST and not (taken & mask).any():
                taken |= mask
                new.append(mask.ravel())
        return self.whole(np.array(new, np.float32).reshape(-1, rest.shape[1]))

    def _neighbours(self, mask: np.ndarray) -> np.ndarray:
        """Count the neighbours of each pixel inside a mask less those outside, -4 to 4."""
        around = np.pad(mask.reshape(self.band.field) * 2 - 1, 1)
        return (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]).ravel()

    def _without(
        self, unit: int, masks: np.ndarray, alive: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Fit the neighbours of a unit without it.

        Returns
        -------
        near, places : numpy.ndarray
            Numbers of the neighbours, and of the pixels of these and of the unit.
        fitted : numpy.ndarray
            New masks of the neighbours at these pixels.
        loss : float
            Energy that the unit explained and the neighbours do not.
        """
        trains = np.zeros((len(masks), len(self.values)), np.float32)
        trains[alive] = self.trains(masks[alive])

        # neighbours are the units that the territory, grown by two pixels, touches
        grown = binary_dilation(masks[unit].reshape(self.band.field), iterations=2).ravel()
        near = np.flatnonzero(alive & masks[:, grown].any(axis=1))
        near = near[near != unit]
        group = np.append(near, unit)
        places = np.flatnonzero(masks[group].any(axis=0))

        # what the units further away do not explain there, and its energy with the unit
        far = np.setdiff1d(np.flatnonzero(alive), group)
        values = self.values[:, places] - trains[far].T @ masks[np.ix_(far, places)]
        before = _energy(masks[np.ix_(group, places)], trains[group], values)

        # let the neighbours adapt to the unit's absence, masks and trains in turn
        fitted, adapted = masks[np.ix_(near, places)], trains[near]
        for _ in range(4 if len(near) else 0):
            fitted = self.assign(fitted, adapted @ values, adapted @ adapted.T, smooth=False)
            if not fitted.any(axis=1).all():
                break
            adapted = self.trains(fitted, values)
        return near, places, fitted, _energy(fitted, adapted, values) - before


def _energy(masks: np.ndarray, trains: np.ndarray, values: np.ndarray) -> float:
    """Return the energy of what masks and trains do not explain of values, less that of values."""
    return float(((trains @ trains.T @ masks - 2 * trains @ values) * masks).sum())


def _skew(trains: np.ndarray) -> np.ndarray:
    """Return the mean cube over time, positive for twitches, which contract faster than relax."""
    return (idct(np.pad(trains, ((0, 0), (1, 0))), axis=1, norm="ortho") ** 3).mean(axis=1)
