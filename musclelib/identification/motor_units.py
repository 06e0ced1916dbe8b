"""What identification returns, whatever the method, and what it asks of a sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MINIMUM_FRAMES = 64

SPACING = (0.625, 0.625)
"""Size of a pixel of paper 2, along depth and lateral [mm]."""

MODELS = ("own", "flat", "read")
"""What a method takes territories for: a model of its own.

Parts that move as one; or what a network has learnt.
"""


@dataclass(frozen=True)
class MotorUnits:
    """Identified motor units, the most certain ones first.

    Attributes
    ----------
    territory : numpy.ndarray
        `(unit, depth, lateral)`, bool; they may overlap.
    twitch_train : numpy.ndarray
        `(unit, time)`, float32, in the unit of the sequence; contraction is positive.
    confidence : numpy.ndarray
        `(unit,)`, float32, 0 to 1; comparable within one method.
    model : str
        What territories were taken for, one of `MODELS`.
    common_motion : float
        SD of the motion of the whole field that was taken out first, in the unit of the sequence;
        NaN where the method does not look for it.
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
        """Put the most certain units first."""
        order = np.argsort(-confidence, kind="stable")
        return cls(
            territory[order].astype(bool),
            twitch_train[order].astype(np.float32),
            confidence[order].astype(np.float32),
        )

    @classmethod
    def none(cls, frames: int, field: tuple[int, int]) -> MotorUnits:
        """Return the answer for a sequence without units."""
        return cls(
            np.zeros((0, *field), bool), np.zeros((0, frames), np.float32), np.zeros(0, np.float32)
        )


def check(velocity: np.ndarray) -> np.ndarray:
    """Return a sequence in float32, if units can be sought in it.

    Raises
    ------
    ValueError
        It is not `(time, depth, lateral)`, too short, not finite, or does not move.
    """
    velocity = np.asarray(velocity, np.float32)
    if velocity.ndim != 3:
        raise ValueError(f"velocity has shape {velocity.shape}: (time, depth, lateral) is needed")
    if len(velocity) < MINIMUM_FRAMES:
        raise ValueError(
            f"velocity has {len(velocity)} frames: at least {MINIMUM_FRAMES} are needed"
        )
    bad = ~np.isfinite(velocity)
    if bad.any():
        raise ValueError(f"velocity: {np.count_nonzero(bad)} values are not finite")
    if not (velocity != velocity[0]).any():
        raise ValueError("velocity does not change over time")
    return velocity
