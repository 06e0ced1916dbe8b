"""A first contour from the texture of the whole picture (paper 3, section III.C).

Paper 3 calls it a texture-to-shape dictionary: the reduced picture is mapped to the weights of 4
components of shape and to the depth of the muscle, here by ridge regression. It knows one scanner
or set of images, whose layout it learns by heart, and is only the start of the search.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from musclelib.muscle_state.region.shape_model import ShapeModel

_REDUCED = (40, 32)  # depth and lateral pixels of the reduced picture
_RIDGES = 10.0 ** np.arange(-3, 3)  # candidates, in units of the mean eigenvalue


@dataclass(frozen=True, eq=False)
class TextureStart:
    """Ridge regression from a reduced picture to depth and weights of shape.

    Attributes
    ----------
    mean, slopes : numpy.ndarray, (pixel,) and (pixel, 1 + component)
        Mean reduced picture, and the change of depth [px] and weights [px] with it.
    intercept : numpy.ndarray, (1 + component,)
        Depth and weights of the mean picture [px].
    """

    mean: np.ndarray
    slopes: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(
        cls, frames: np.ndarray, contours: np.ndarray, model: ShapeModel, components: int = 4
    ) -> TextureStart:
        """Fit the regression; its ridge has the least leave-one-out error.

        Parameters
        ----------
        frames : numpy.ndarray, (example, depth, lateral)
            Pictures.
        contours : numpy.ndarray, (example, 40, 2)
            Their contours [px].
        model : ShapeModel
            The shapes; its first `components` are predicted.
        components : int
            Number of components, 4 in paper 3.
        """
        count = min(components, len(model.spread))
        target = np.array([[c[:, 0].mean(), *model.weights(c)[:count]] for c in contours])
        textures = np.stack([_texture(frame) for frame in frames])
        mean, intercept = textures.mean(axis=0), target.mean(axis=0)
        left, singular, right = np.linalg.svd(textures - mean, full_matrices=False)
        rotated = left.T @ (target - intercept)

        def shrinkage(ridge: float) -> np.ndarray:
            eigenvalues = singular**2
            return eigenvalues / (eigenvalues + ridge * eigenvalues.mean() + 1e-12)

        def left_out(ridge: float) -> float:
            shrink = shrinkage(ridge)
            residual = target - intercept - left @ (shrink[:, None] * rotated)
            own = (left**2) @ shrink + 1 / len(target)
            return float(((residual / np.maximum(1 - own, 1e-3)[:, None]) ** 2).sum())

        shrink = shrinkage(min(_RIDGES, key=left_out))
        inverse = np.divide(shrink, singular, where=singular > 1e-9, out=np.zeros_like(singular))
        return cls(mean, right.T @ (inverse[:, None] * rotated), intercept)

    def contour(self, frame: np.ndarray, model: ShapeModel, limit: float = 3.0) -> np.ndarray:
        """Return the approximate contour `(40, 2)` of a picture `(depth, lateral)` [px]."""
        depth, *weights = self.intercept + (_texture(frame) - self.mean) @ self.slopes
        bound = limit * model.spread[: len(weights)]
        return model.contour(np.clip(weights, -bound, bound), float(depth))


def _texture(frame: np.ndarray) -> np.ndarray:
    """Return the reduced picture without its mean and its contrast."""
    size = (_REDUCED[1], _REDUCED[0])
    small = cv2.resize(np.asarray(frame, np.float32), size, interpolation=cv2.INTER_AREA)
    small = small.ravel().astype(float) - small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-9)
