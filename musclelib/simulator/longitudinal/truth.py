"""The true geometry of the fascicle in the middle of the view, which follows from the motion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musclelib.simulator.longitudinal.anatomy import Label, Layers
from musclelib.simulator.longitudinal.motion import Motion
from musclelib.simulator.longitudinal.tissue import Tissue


class Geometry(NamedTuple):
    """Geometry of the muscle in the middle of the whole view, one value a frame."""

    fascicle_length: NDArray[np.floating]
    """Distance between the ends of the fascicle [mm]."""
    fascicle_angle: NDArray[np.floating]
    """Angle of the fascicle to the lateral axis, positive down to the right [deg]."""
    pennation: NDArray[np.floating]
    """Angle between fascicle and deep aponeurosis [deg]."""
    thickness: NDArray[np.floating]
    """Thickness of the muscle along depth [mm]."""


def geometry(layers: Layers, motion: Motion) -> Geometry:
    """Return the geometry of the fascicle that lies in the middle at rest.

    Parameters
    ----------
    layers : Layers
        The leg.
    motion : Motion
        Its motion, one value a frame.
    """
    anatomy = layers.anatomy
    run = anatomy.thickness / np.tan(np.radians(anatomy.pennation))
    lateral, zeta = np.array([-run / 2, run / 2]), np.array([0.0, 1.0])
    depth = layers.superficial(lateral) + zeta * layers.thickness(lateral)
    label = np.full(2, Label.MUSCLE, np.uint8)
    lateral, depth, zeta = (part.astype(np.float32) for part in (lateral, depth, zeta))
    ends = Tissue(layers, lateral, depth, np.zeros_like(zeta), np.ones_like(zeta), zeta, label)
    places = np.array([ends.displaced(motion.at(frame)) for frame in range(len(motion))])
    x, z = places[:, 0], places[:, 1]  # (time, end)
    across, down = (np.diff(axis, axis=1)[:, 0] for axis in (x, z))
    angle = np.degrees(np.arctan2(down, across))
    thickness = layers.thickness(0.0, motion.bulge)
    return Geometry(
        np.hypot(across, down), angle, angle - anatomy.deep_tilt + motion.probe_angle, thickness
    )
