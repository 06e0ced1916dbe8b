"""A leg in the long axis: its layers and their labels."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musclelib.simulator.longitudinal.parameters import Anatomy
from musclelib.streams import Purpose, stream


class Label(IntEnum):
    """Tissue of a pixel."""

    SKIN = 1
    FAT = 2
    SUPERFICIAL = 3
    """The superficial aponeurosis."""
    MUSCLE = 4
    DEEP = 5
    """The deep aponeurosis."""
    SOLEUS = 6
    BONE = 7


def sample_anatomy(seed: int, index: int) -> Anatomy:
    """Draw the leg of one participant.

    Parameters
    ----------
    seed : int
        Seed of the set.
    index : int
        Number of the participant.
    """
    rng = stream(Purpose.ANATOMY, seed, index)

    def normal(mean: float, sd: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, sd), low, high))

    # thickness and pennation of the gastrocnemius of young adults at rest; the rest is proposed
    return Anatomy(
        skin=normal(1.6, 0.3, 1.0, 2.5),
        fat=normal(4.5, 1.8, 1.5, 10),
        thickness=normal(17.0, 1.8, 13.0, 21.0),
        pennation=normal(20.0, 2.5, 14.0, 27.0),
        superficial_tilt=normal(-1.5, 1.5, -5, 2),
        deep_tilt=normal(-2.5, 1.5, -6, 2),
        curvature=normal(0.3, 0.4, -0.6, 1.2),
        soleus=normal(18, 3, 12, 26),
        soleus_pennation=normal(-17, 4, -28, -8),
        aponeurosis=normal(0.8, 0.15, 0.5, 1.2),
        fascicle_spacing=normal(1.3, 0.25, 0.8, 2.0),
        fascicle_contrast=normal(1.0, 0.25, 0.5, 1.6),
        tortuosity=normal(0.35, 0.12, 0.1, 0.7),
        attenuation=normal(0.6, 0.1, 0.4, 0.9),
        proximal_share=normal(0.6, 0.12, 0.3, 0.9),
        active_share=normal(0.35, 0.1, 0.1, 0.6),
        soleus_share=normal(0.6, 0.12, 0.3, 0.9),
        out_of_plane=normal(0.03, 0.015, 0.0, 0.08),
    )


class Layers:
    """Where the borders between layers lie, as functions of the lateral position.

    Lateral positions count from the middle of the view, depths from the skin [mm].
    """

    def __init__(self, anatomy: Anatomy, width: float) -> None:
        self.anatomy, self.width = anatomy, width

    def superficial(self, lateral: ArrayLike) -> NDArray[np.floating]:
        """Return the depth of the superficial border of the muscle [mm]."""
        a = self.anatomy
        x = np.asarray(lateral)
        top = a.skin + a.fat + a.aponeurosis
        return top + float(np.tan(np.radians(a.superficial_tilt))) * x + self._sag(x)

    def thickness(self, lateral: ArrayLike, bulge: ArrayLike = 1.0) -> NDArray[Any]:
        """Return the thickness of the muscle along depth [mm]."""
        a = self.anatomy
        slope = np.tan(np.radians(a.deep_tilt)) - np.tan(np.radians(a.superficial_tilt))
        x = np.asarray(lateral)
        thickness: NDArray[Any] = np.asarray(bulge) * np.maximum(
            a.thickness + float(slope) * x - 0.5 * self._sag(x), 2.0
        )
        return thickness

    def bone(self, lateral: ArrayLike) -> NDArray[np.floating]:
        """Return the depth of the bone [mm]."""
        a = self.anatomy
        flat = np.full_like(np.asarray(lateral, float), a.skin + a.fat + a.thickness + a.soleus)
        return flat + 2 * a.aponeurosis + np.tan(np.radians(a.deep_tilt)) * np.asarray(lateral)

    def label(self, depth: ArrayLike, lateral: ArrayLike, bulge: float = 1.0) -> NDArray[np.uint8]:
        """Return the tissue at positions [mm] at rest, or of a muscle that bulges."""
        a = self.anatomy
        depth, lateral = np.broadcast_arrays(np.asarray(depth, float), np.asarray(lateral, float))
        top = self.superficial(lateral)
        bottom = top + self.thickness(lateral, bulge)
        borders = np.stack([
            np.full_like(depth, a.skin), top - a.aponeurosis, top, bottom, bottom + a.aponeurosis,
            self.bone(lateral) + bottom - top - self.thickness(lateral),
        ])  # fmt: skip
        return (1 + (depth >= borders).sum(axis=0)).astype(np.uint8)

    def _sag(self, lateral: NDArray[np.floating]) -> NDArray[np.floating]:
        scaled = lateral * (2 / self.width)
        return self.anatomy.curvature * (1 - scaled * scaled)
