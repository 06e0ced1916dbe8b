"""Motion of the tissue in the image plane, from the state of the muscle.

The muscle is a sheared panel between its aponeuroses: a point at the relative depth `zeta` (0 at
the superficial aponeurosis, 1 at the deep one) takes that share of the shear. Every fascicle
therefore has its two ends on the aponeuroses, and angle and length are known at every moment.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from musclelib.simulator.longitudinal.parameters import Anatomy
from musclelib.streams import Purpose, stream

_WANDER = 4.0  # time constant of the motion of a probe that is strapped on [s]
_PROBE = (0.12, 0.06, 0.15)  # its SD along lateral and depth [mm], and in rotation [deg]
_DRIFT = 0.08  # SD of the slow drift out of the image plane [mm]


class MuscleState(Protocol):
    """The state of a muscle, one value a frame, as `mechanics.equilibrium` returns it."""

    @property
    def fascicle_length(self) -> NDArray[np.floating]:
        """Length of the fascicles [mm]."""
        ...

    @property
    def passive_length(self) -> NDArray[np.floating]:
        """Length that the fascicles would have at the same joint angle without activation [mm]."""
        ...

    @property
    def thickness(self) -> NDArray[np.floating]:
        """Thickness of the muscle [mm]."""
        ...


@dataclass(frozen=True)
class Motion:
    """Motion of leg and probe since the neutral state, one value a frame."""

    shear: NDArray[np.floating]
    """Lateral motion of the deep aponeurosis relative to the superficial one [mm]."""

    glide: NDArray[np.floating]
    """Lateral motion of the superficial aponeurosis [mm]."""

    bulge: NDArray[np.floating]
    """Thickness of the muscle relative to that of the anatomy."""

    probe_lateral: NDArray[np.floating]
    """Motion of the probe along lateral [mm]."""

    probe_depth: NDArray[np.floating]
    """Motion of the probe away from the skin [mm], as by lighter pressure."""

    probe_angle: NDArray[np.floating]
    """Rotation of the probe in the image plane [deg]."""

    drift: NDArray[np.floating]
    """Motion of the tissue out of the image plane [mm]."""

    @classmethod
    def none(cls, frames: int = 1) -> Self:
        """Return the neutral state, unmoved."""
        still = {field.name: np.zeros(frames) for field in fields(cls)}
        return cls(**still | {"bulge": np.ones(frames)})

    def __len__(self) -> int:
        return len(self.shear)

    def at(self, frame: int) -> dict[str, float]:
        """Return the values of one frame by name."""
        return {field.name: float(getattr(self, field.name)[frame]) for field in fields(self)}


def motion(
    anatomy: Anatomy,
    state: MuscleState,
    rate: float,
    seed: int,
    index: int,
    *,
    unsteady: float = 1.0,
) -> Motion:
    """Turn the states of a muscle into the motion of the tissue under a probe that is strapped on.

    Passive lengthening moves both aponeuroses the same way. Active shortening pulls the deep one
    towards the knee and the superficial one a little the other way, since both are compliant.

    Parameters
    ----------
    anatomy : Anatomy
        The leg.
    state : MuscleState
        The states of its muscle, one a frame.
    rate : float
        Number of frames in a second [Hz].
    seed, index : int
        Seed of the set and number of the trial, for the motion of the probe.
    unsteady : float
        Motion of the probe and drift out of the plane relative to the usual; 0 for none.
    """
    length, passive, thickness = (
        np.asarray(part, float)
        for part in (state.fascicle_length, state.passive_length, state.thickness)
    )
    # projection of the fascicles on the aponeuroses, now, without activation, and at rest
    reach = np.sqrt(length**2 - thickness**2)
    without = np.sqrt(passive**2 - anatomy.thickness**2)
    rest = anatomy.thickness / np.tan(np.radians(anatomy.pennation))
    glide = anatomy.proximal_share * (without - rest) - anatomy.active_share * (reach - without)

    rng = stream(Purpose.PROBE_MOTION, seed, index)
    noise = rng.standard_normal((len(length), 4))
    slow = gaussian_filter1d(noise, _WANDER * rate, axis=0, mode="reflect")
    slow *= np.sqrt(2 * np.sqrt(np.pi) * _WANDER * rate) * unsteady  # to an SD of 1
    slow -= slow[:1]
    lateral, depth, angle, out = (slow * (*_PROBE, _DRIFT)).T
    return Motion(
        reach - rest,
        glide,
        thickness / anatomy.thickness,
        lateral,
        depth,
        angle,
        out + unsteady * anatomy.out_of_plane * (glide + (reach - rest) / 2),
    )
