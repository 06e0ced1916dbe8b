"""Agreement of estimated with true velocity over many sequences, by groups of pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


class VelocityAgreement:
    """Correlation, slope and error of estimates, accumulated one sequence after the other.

    Parameters
    ----------
    groups : int
        Number of groups of pixels, for example of ranges of depth.
    """

    def __init__(self, groups: int) -> None:
        # number of values; sums of truth and estimate, of their squares and of their product
        self._sums = np.zeros((6, groups))

    def add(self, estimate: npt.ArrayLike, truth: npt.ArrayLike, group: npt.ArrayLike) -> None:
        """Add one sequence to the sums.

        Parameters
        ----------
        estimate, truth : numpy.ndarray
            `(time, depth, lateral)`, in the same unit.
        group : numpy.ndarray of int
            `(depth, lateral)`: the group of each pixel; pixels below 0 are left out.

        Raises
        ------
        ValueError
            The shapes do not agree, or a pixel's group does not exist.
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
        """Tabulate the agreement: a row for each group and a last one, `all`, for all pixels.

        Returns
        -------
        pandas.DataFrame
            Correlation of estimate and truth, slope of the regression of the estimate on the truth,
            and the SDs of the truth and of the error, in the unit of both. NaN for a group without
            pixels or without motion.
        """
        number, t, e, tt, ee, te = np.column_stack([self._sums, self._sums.sum(axis=1)])
        with np.errstate(invalid="ignore", divide="ignore"):
            covariance = te / number - t * e / number**2
            truth, estimate = tt / number - (t / number) ** 2, ee / number - (e / number) ** 2
            error = np.maximum(truth + estimate - 2 * covariance, 0)  # variances, all three
            return pd.DataFrame(
                {
                    "Correlation": covariance / np.sqrt(truth * estimate),
                    "Slope": covariance / truth,
                    "SD of the truth": np.sqrt(truth),
                    "SD of the error": np.sqrt(error),
                },
                index=[*range(len(number) - 1), "all"],
            )
