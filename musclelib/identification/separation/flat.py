"""MotorUnits as flat territories: each pixel moves with the sum of the trains of the territories that it lies in.

Masks and trains are improved in turn, units that the others explain as well are taken out, and
those that the rest of the sequence still shows are taken in. All in the coefficients of a `Band`;
masks are `(unit, pixel)` of 0 and 1.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import idct
from scipy.ndimage import binary_dilation, label, uniform_filter

from musclelib.identification.separation.band import Band
from musclelib.metrics.matching import overlap

_ROUNDS, _TURNS = 4, 3
_SMALLEST = 5  # pixels of a territory
_SURE = 1.3  # times what noise could explain: less is no unit
_LIKE, _SAME = 0.9, 0.7  # correlation of trains, overlap of territories that are of one unit
_LARGEST = 0.3  # share of the field: more is no territory
_SIDES = np.ones((3, 3))


class Flat:
    """Flat territories in one sequence.

    Parameters
    ----------
    band : Band
        The sequence.
    window : int
        Side of the squares in which further units are sought [pixel], about that of the largest
        territory.
    """

    def __init__(self, band: Band, window: int) -> None:
        self.band, self.values, self.window = band, band.coefficients, min(window, *band.field)

    def solve(self, masks: np.ndarray) -> np.ndarray:
        """Improve masks until nothing is left to take out or in."""
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
        """Put every pixel into the territories whose trains fit it best, one unit after the other.

        Only the products of trains and pixels, and of trains with trains, are needed. Where
        `smooth`, the four neighbours of a pixel count too, each as much as one standard deviation
        of the noise (a Potts model).
        """
        masks = masks.copy()
        left = products - gram @ masks
        for _ in range(2):
            changed = False
            for unit, power in enumerate(np.diag(gram)):
                gain = left[unit] + power * (masks[unit] - 0.5)
                if smooth:
                    mask = masks[unit]
                    for _ in range(2):
                        mask = (gain / self.band.noise + self._neighbours(mask) > 0).astype(
                            np.float32
                        )
                else:
                    mask = (gain > 0).astype(np.float32)
                changes = mask - masks[unit]
                places = np.flatnonzero(changes)
                if len(places):
                    left[:, places] -= np.outer(gram[:, unit], changes[places])
                    masks[unit], changed = mask, True
            if not changed:
                break
        return masks

    def _neighbours(self, mask: np.ndarray) -> np.ndarray:
        """Count how many of the four neighbours are in a mask, less those that are not.

        Outside there are none.
        """
        around = np.pad(mask.reshape(self.band.field) * 2 - 1, 1)
        return (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]).ravel()

    def whole(self, masks: np.ndarray) -> np.ndarray:
        """Keep of each mask its largest connected part, if that is large enough."""
        kept = []
        for mask in masks:
            parts, _ = label(mask.reshape(self.band.field), _SIDES)
            sizes = np.bincount(parts.ravel(), minlength=2)[1:]
            if sizes.max() >= _SMALLEST:
                kept.append((parts == 1 + sizes.argmax()).ravel())
        return np.array(kept, np.float32).reshape(-1, masks.shape[1])

    def unite(self, masks: np.ndarray) -> np.ndarray:
        """Make one of two that have the same train, or the same territory."""
        while len(masks) > 1:
            trains = self.trains(masks)
            same = overlap(masks[:, None], masks[:, None])
            like = np.corrcoef(trains)
            np.fill_diagonal(same, 0)
            np.fill_diagonal(like, 0)
            one, other = np.unravel_index(same.argmax(), same.shape)
            if same[one, other] > _SAME:
                weaker = min(one, other, key=lambda unit: float((trains[unit] ** 2).sum()))
                masks = np.delete(masks, weaker, axis=0)
                continue
            one, other = np.unravel_index(like.argmax(), like.shape)
            if like[one, other] <= _LIKE:
                break
            masks = np.delete(
                np.where(
                    (np.arange(len(masks)) == one)[:, None], masks[[one, other]].max(0), masks
                ),
                other,
                0,
            )
        return masks

    def prune(self, masks: np.ndarray) -> np.ndarray:
        """Take out every unit without which its neighbours, fitted again, explain the sequence as well.

        "As well" is up to what a unit of noise alone would explain. The least important ones go
        first, and such that contract slowly and relax quickly before others: those are differences
        of units, not units.
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

    def _without(
        self, unit: int, masks: np.ndarray, alive: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Fit a unit's neighbours without it: who they are, where, their masks there, and the energy not explained."""
        trains = np.zeros((len(masks), len(self.values)), np.float32)
        trains[alive] = self.trains(masks[alive])
        grown = binary_dilation(masks[unit].reshape(self.band.field), iterations=2).ravel()
        near = np.flatnonzero(alive & masks[:, grown].any(axis=1))
        near = near[near != unit]
        group = np.append(near, unit)
        places = np.flatnonzero(masks[group].any(axis=0))
        far = np.setdiff1d(np.flatnonzero(alive), group)
        values = self.values[:, places] - trains[far].T @ masks[np.ix_(far, places)]
        before = _energy(masks[np.ix_(group, places)], trains[group], values)
        fitted, own = masks[np.ix_(near, places)], trains[near]
        for _ in range(4 if len(near) else 0):
            fitted = self.assign(fitted, own @ values, own @ own.T, smooth=False)
            if not fitted.any(axis=1).all():
                break
            own = self.trains(fitted, values)
        return near, places, fitted, _energy(fitted, own, values) - before

    def further(self, masks: np.ndarray) -> np.ndarray:
        """Seek units in what masks leave of the sequence: in squares, where small ones stand out of the noise."""
        rest = self.values - self.trains(masks).T @ masks if len(masks) else self.values
        images, window = rest.reshape(-1, *self.band.field), self.window
        found: list[tuple[float, int, int, np.ndarray]] = []
        for row in range(0, self.band.field[0] - window + 1, max(1, window // 2)):
            for column in range(0, self.band.field[1] - window + 1, max(1, window // 2)):
                square = images[:, row : row + window, column : column + window].reshape(
                    len(rest), -1
                )
                wide = len(square) < window**2  # the smaller product has the same largest energy
                energies, vectors = np.linalg.eigh(square @ square.T if wide else square.T @ square)
                if energies[-1] > 1.1 * self.band.chance(window**2):
                    train = (
                        vectors[:, -1] if wide else square @ vectors[:, -1] / np.sqrt(energies[-1])
                    )
                    found.append((float(energies[-1]), row, column, train))
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


def _energy(masks: np.ndarray, trains: np.ndarray, values: np.ndarray) -> float:
    """Return the energy of values that masks and trains leave, but for that of the values themselves."""
    return float(((trains @ trains.T @ masks - 2 * trains @ values) * masks).sum())


def _skew(trains: np.ndarray) -> np.ndarray:
    """Return the mean cube over time: above 0 for twitches, which contract more quickly than they relax."""
    return (idct(np.pad(trains, ((0, 0), (1, 0))), axis=1, norm="ortho") ** 3).mean(axis=1)
