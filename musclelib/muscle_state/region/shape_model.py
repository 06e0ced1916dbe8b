"""Principal components of contours: the shapes that a muscle takes (paper 3, section III.C)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """Mean contour and principal components of contours that are aligned in depth.

    The boundaries of a muscle cross the whole picture, so that its lateral position says nothing
    about the muscle: contours are aligned in depth alone. A shape is described by weights.

    Attributes
    ----------
    mean : numpy.ndarray, (40, 2)
        Mean contour, at depth 0 [px].
    components : numpy.ndarray, (component, 40, 2)
        Orthonormal principal components, by descending variance.
    spread : numpy.ndarray, (component,)
        Standard deviation of each component's weight [px].
    explained : float
        Share of the variance that the components explain.
    """

    mean: np.ndarray
    components: np.ndarray
    spread: np.ndarray
    explained: float

    @classmethod
    def fit(cls, contours: np.ndarray, components: int = 10) -> ShapeModel:
        """Fit the model to contours; paper 3 uses 10 components, which explain over 99 %.

        Parameters
        ----------
        contours : numpy.ndarray, (example, 40, 2)
            Depth and lateral position [px].
        components : int
            Largest number of components. Fewer are kept if the contours do not have as many.

        Raises
        ------
        ValueError
            There are fewer than 3 contours, or their shape is not `(example, 40, 2)`.
        """
        contours = np.asarray(contours, dtype=float)
        if contours.ndim != 3 or contours.shape[-1] != 2 or len(contours) < 3:
            raise ValueError(
                f"contours of shape {contours.shape}; at least 3 of shape (40, 2) are needed"
            )
        aligned = contours - _position(contours)
        mean = aligned.mean(axis=0)
        flat = (aligned - mean).reshape(len(aligned), -1)
        _, singular, vectors = np.linalg.svd(flat, full_matrices=False)
        # the mean took one degree of freedom; rounding errors are no component
        count = min(components, len(contours) - 1, int((singular > 1e-6 * len(flat)).sum()))
        total = max(float((singular**2).sum()), 1e-300)
        return cls(
            mean,
            vectors[:count].reshape(count, *mean.shape),
            singular[:count] / np.sqrt(len(contours) - 1),
            float((singular[:count] ** 2).sum() / total) if count else 1.0,
        )

    def weights(self, contour: np.ndarray) -> np.ndarray:
        """Return the weights of the components of a contour `(40, 2)` [px]."""
        centred = contour - _position(contour) - self.mean
        return self.components.reshape(len(self.spread), -1) @ centred.ravel()

    def contour(self, weights: np.ndarray, depth: float) -> np.ndarray:
        """Return the contour `(40, 2)` of weights of the first components at a mean depth [px]."""
        shape = self.mean + np.tensordot(weights, self.components[: len(weights)], axes=1)
        shape[:, 0] += depth
        return shape

    def project(self, contour: np.ndarray, limit: float = 3.0) -> np.ndarray:
        """Return the nearest contour that the model allows.

        Parameters
        ----------
        contour : numpy.ndarray, (40, 2)
            Depth and lateral position [px].
        limit : float
            Largest weight of a component, in its standard deviations.

        Returns
        -------
        numpy.ndarray, (40, 2)
            A contour at the same mean depth [px].
        """
        weights = np.clip(self.weights(contour), -limit * self.spread, limit * self.spread)
        return self.contour(weights, float(contour[:, 0].mean()))


def _position(contours: np.ndarray) -> np.ndarray:
    """Return the mean depth of contours, with no lateral part, for subtraction."""
    position = contours.mean(axis=-2, keepdims=True)
    position[..., 1] = 0
    return position
