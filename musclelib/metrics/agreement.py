"""How well estimated velocity agrees with the true one, summed over sequences, in groups of pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


class VelocityAgreement:
    """Sums from which the agreement of estimates with the truth follows, one sequence after the other.

    Parameters
    ----------
    groups : int
        Number of groups of pixels, for example of depths.
    """

    def __init__(self, groups: int) -> None:
        # number, sums of truth and estimate, of their squares and their product
        self._sums = np.zeros((6, groups))

    def add(self, estimate: npt.ArrayLike, truth: npt.ArrayLike, group: npt.ArrayLike) -> None:
        """Count in one sequence.

        Parameters
        ----------
        estimate, truth : array
            `(time, depth, lateral)`, in the same unit.
        group : array of int
            `(depth, lateral)`: the group of each pixel; pixels below 0 are left out.

        Raises
        ------
        ValueError
            The shapes do not agree, or there is no such group.
        """
        e, t, labels = np.asarray(estimate), np.asarray(truth), np.asarray(group)
        groups = self._sums.shape[1]
        if e.ndim != 3 or e.shape != t.shape or e.shape[1:] != labels.shape:
            raise ValueError(
                f"estimate {e.shape}, truth {t.shape}, group {labels.shape}: (time, depth, lateral)"
                " twice and (depth, lateral) are needed"
            )
        if labels.max(initial=-1) >= groups:
            raise ValueError(f"group {labels.max()}: there are {groups}, counted from 0")
        inside = labels >= 0
        t, e = (values[:, inside].astype(float) for values in (t, e))  # (time, pixel)
        products = [t, e, t * t, e * e, t * e]
        pixels = [np.full(t.shape[1], len(t)), *(product.sum(axis=0) for product in products)]
        self._sums += [np.bincount(labels[inside], pixel, groups) for pixel in pixels]

    def table(self) -> pd.DataFrame:
        """Return a row a group, and one of all; NaN where nothing was counted or nothing moves.

        Correlation and slope of the estimate on the truth, and the SDs of truth and error in the
        unit of both.
        """
        number, t, e, tt, ee, te = np.column_stack([self._sums, self._sums.sum(axis=1)])
        with np.errstate(invalid="ignore", divide="ignore"):
            covariance = te / number - t * e / number**2
            of_truth, of_estimate = tt / number - (t / number) ** 2, ee / number - (e / number) ** 2
            error = np.maximum(of_truth + of_estimate - 2 * covariance, 0)
            return pd.DataFrame(
                {
                    "Correlation": covariance / np.sqrt(of_truth * of_estimate),
                    "Slope": covariance / of_truth,
                    "SD of the truth": np.sqrt(of_truth),
                    "SD of the error": np.sqrt(error),
                },
                index=[*range(len(number) - 1), "all"],
            )
