"""The motor units that every method of identification returns, and the check of its sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musclelib.sequences.arrays import as_sequence

MINIMUM_FRAMES = 64
"""Smallest number of frames of a sequence."""

SPACING = (0.625, 0.625)
"""Size of a pixel in paper 2, along depth and lateral [mm]."""

MODELS = ("own", "flat", "read")
"""Models of a territory: the method's usual one, a uniformly moving region, a network's reading."""


@dataclass(frozen=True)
class MotorUnits:
    """Identified motor units, the most certain first.

    Attributes
    ----------
    territory : numpy.ndarray
        `(unit, depth, lateral)`, bool; territories may overlap.
    twitch_train : numpy.ndarray
        `(unit, time)`, float32, in the unit of the sequence; contraction is positive.
    confidence : numpy.ndarray
        `(unit,)`, float32, 0 to 1; comparable within one method.
    model : str
        Model of the territories, one of `MODELS`.
    common_motion : float
        SD of the common motion of the whole field that was removed first, in the unit of the
        sequence; NaN for methods that do not remove it.
    """

    territory: np.ndarray
    twitch_train: np.ndarray
    confidence: np.ndarray
    model: str = "own"
    common_motion: float = float("nan")

    @classmethod
    def sorted(
        cls, territory: np.ndarray, twitch_train: np.ndarray, confidence: np.ndarray
    ) -> MotorUnits:
        """Build from units in any order, with the most certain first."""
        order = np.argsort(-confidence, kind="stable")
        return cls(
            territory[order].astype(bool),
            twitch_train[order].astype(np.float32),
            confidence[order].astype(np.float32),
        )

    @classmethod
    def none(cls, frames: int, field: tuple[int, int]) -> MotorUnits:
        """Return the result for a sequence without motor units."""
        return cls(
            np.zeros((0, *field), bool), np.zeros((0, frames), np.float32), np.zeros(0, np.float32)
        )


def check(velocity: np.ndarray) -> np.ndarray:
    """Check a sequence in which units are to be identified, and return it as float32.

    Raises
    ------
    ValueError
        The sequence is not `(time, depth, lateral)`, is too short, has a value that is not finite
        or does not change over time.
    """
    velocity = as_sequence(velocity, minimum_frames=MINIMUM_FRAMES).astype(np.float32, copy=False)
    if not (velocity != velocity[0]).any():
        raise ValueError("velocity does not change over time")
    return velocity
