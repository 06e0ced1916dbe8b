"""The rotated region of a muscle that all methods of paper 3 look at (section III.C).

Angles [deg] are positive where a line runs down to the right, in millimetres, whatever the pixels'
shape.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import cv2
import numpy as np

SHAPE = (120, 496)
"""Pixels of the region along depth and lateral."""

SIZE = (14.67, 55.42)
"""Depth and lateral size of the region [mm]."""

_LEAST_INSIDE = 0.5  # share of the region that must lie in the picture
_WARNED_INSIDE = 0.95  # share of the region below which a warning says what lies outside


@dataclass(frozen=True, eq=False)
class Region:
    """A rotated rectangle of 120 x 496 pixels, 14.67 x 55.42 mm, in the frames of a sequence.

    Attributes
    ----------
    centre : tuple of float
        Depth and lateral position of its centre in the frame [px].
    angle : float
        Angle of its long side [deg].
    pixel_size : tuple of float
        Depth and lateral spacing of the frame's pixels [mm].
    inside_image : float
        Share of the region that lies in the frame; outside, the extracted values are 0.
    inside_muscle : float
        Share of the region between the mean boundaries of the muscle. It is below 1 for a muscle
        that is thinner or shorter than the region, which then shows its neighbours too.
    """

    centre: tuple[float, float]
    angle: float
    pixel_size: tuple[float, float]
    inside_image: float = 1.0
    inside_muscle: float = 1.0

    @property
    def spacing(self) -> tuple[float, float]:
        """Depth and lateral spacing of the region's pixels [mm]."""
        return SIZE[0] / SHAPE[0], SIZE[1] / SHAPE[1]

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Return where points of the region lie in the frame.

        Parameters
        ----------
        points : numpy.ndarray, (..., 2)
            Depth and lateral position in the region [px].

        Returns
        -------
        numpy.ndarray, (..., 2)
            Depth and lateral position in the frame [px].
        """
        matrix, origin = self._affine()
        return np.asarray(points) @ matrix.T + origin

    def to_region(self, points: np.ndarray) -> np.ndarray:
        """Return where points of the frame `(..., 2)` [px] lie in the region [px]."""
        matrix, origin = self._affine()
        return (np.asarray(points) - origin) @ np.linalg.inv(matrix).T

    def extract(self, frames: np.ndarray) -> np.ndarray:
        """Return the region of frames.

        Parameters
        ----------
        frames : numpy.ndarray, (time, depth, lateral)
            Frames, uint8 or float.

        Returns
        -------
        numpy.ndarray, (time, 120, 496)
            The region of each, of the same type; float64 becomes float32.
        """
        matrix, origin = self._affine()
        # OpenCV writes points as (lateral, depth)
        flipped = np.column_stack([matrix[::-1, ::-1], origin[::-1]])
        kind = np.uint8 if np.asarray(frames).dtype == np.uint8 else np.float32
        return np.stack(
            [
                cv2.warpAffine(
                    np.ascontiguousarray(frame, kind),
                    flipped,
                    SHAPE[::-1],
                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                )
                for frame in frames
            ]
        )

    def _affine(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the matrix and the origin that take points of the region to the frame."""
        tilt = np.deg2rad(self.angle)
        turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
        matrix = np.diag(1 / np.array(self.pixel_size)) @ turn @ np.diag(self.spacing)
        middle = (np.array(SHAPE) - 1) / 2
        return matrix, np.array(self.centre) - matrix @ middle


def place_region(
    contours: np.ndarray, pixel_size: tuple[float, float], image_shape: tuple[int, int]
) -> Region:
    """Place the region on a muscle, along its mean direction over a sequence.

    The direction is that of the line that fits the mean contour best (least squares).

    Parameters
    ----------
    contours : numpy.ndarray, (time, 40, 2)
        Contours of the frames that are trusted [px].
    pixel_size : tuple of float
        Depth and lateral spacing of the pixels [mm].
    image_shape : tuple of int
        Depth and lateral pixels of a frame.

    Raises
    ------
    ValueError
        There is no contour, a pixel size is not positive, or less than half of the region lies in
        the picture.

    Warns
    -----
    UserWarning
        A part of the region lies outside the picture or outside the muscle.
    """
    if np.ndim(contours) != 3 or not len(contours):
        raise ValueError(f"contours of shape {np.shape(contours)}; (time, 40, 2) is needed")
    if not all(size > 0 for size in pixel_size):
        raise ValueError(f"pixel_size = {pixel_size} [mm]: both must be above 0")
    mean = np.asarray(contours, float).mean(axis=0)
    # one line for both boundaries: their mean depth at each place
    depth, lateral = (mean * pixel_size).T
    slope, offset = np.polyfit(lateral, depth, 1)
    middle = (lateral.min() + lateral.max()) / 2
    centre = ((offset + slope * middle) / pixel_size[0], middle / pixel_size[1])
    angle = float(np.rad2deg(np.arctan(slope)))
    bare = Region(centre, angle, pixel_size)
    grid = np.indices(SHAPE).reshape(2, -1).T
    places = bare.to_image(grid)
    in_image = ((places >= -0.5) & (places <= np.array(image_shape) - 0.5)).all(axis=1)
    upper, lower = (
        np.interp(places[:, 1], half[:, 1], half[:, 0], left=np.nan, right=np.nan)
        for half in np.split(mean, 2)
    )
    in_muscle = (places[:, 0] >= upper) & (places[:, 0] <= lower)
    region = Region(centre, angle, pixel_size, float(in_image.mean()), float(in_muscle.mean()))
    _check(region)
    return region


def _check(region: Region) -> None:
    if region.inside_image < _LEAST_INSIDE:
        raise ValueError(
            f"only {region.inside_image:.0%} of the region of {SIZE[0]} x {SIZE[1]} mm lies in the"
            f" picture; at least {_LEAST_INSIDE:.0%} are needed. Is the pixel size,"
            f" {region.pixel_size} mm, right?"
        )
    shares = {"picture": region.inside_image, "muscle": region.inside_muscle}
    short = [
        f"{share:.0%} in the {what}" for what, share in shares.items() if share < _WARNED_INSIDE
    ]
    if short:
        warnings.warn(
            f"the region of {SIZE[0]} x {SIZE[1]} mm lies {' and '.join(short)}", stacklevel=3
        )
