"""The parameters of the tissue; every effect has a value that turns it off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from musclelib.parameters import ParameterError, Parameters, quantity

THINNEST_MUSCLE = 5.0
"""Smallest thickness of the muscle between layers and bone [mm], for territories and a vessel."""


@dataclass(frozen=True)
class TissueParameters(Parameters):
    """Parameters of the layered cross-section of one subject.

    Pairs are ranges from which values are drawn uniformly. The defaults describe a limb muscle
    under an L14-5 probe; `effects_off` turns every effect off, which leaves the simulator of papers
    1 and 2. Comments give the reason for each value. `rim`, `coupling`, `fascicle_cv` and
    `wall_contrast` are calibrated and frozen (docs/calibration.md).
    """

    # the image: the field of paper 1 at the frame rate of its acquisition, with finer pixels along
    # depth, like echoes
    pixels: tuple[int, int] = quantity((256, 128), doc="pixels along depth and lateral", low=4)
    size: tuple[float, float] = quantity(
        (40.0, 40.0), "mm", "depth and width of the cross-section", above=0
    )
    rate: float = quantity(
        2000.0, "Hz", "frame rate, the pulse repetition frequency", low=50, high=20000
    )
    duration: float = quantity(
        2.0, "s", "length of a sequence, at most that of the pool", above=0, high=60
    )
    # layers from the probe down, 0 for none: skin of 1-2 mm, fat of 2-6 mm by subject, deep fascia
    # below 1 mm
    skin: float = quantity(1.5, "mm", "thickness of the skin", low=0, high=5)
    fat: float = quantity(4.0, "mm", "thickness of the subcutaneous fat", low=0, high=30)
    fascia: float = quantity(0.7, "mm", "thickness of the deep fascia", low=0, high=3)
    # paper 1 has lower velocity there; the fascia connects the two
    superficial_gain: float = quantity(
        0.3, doc="motion of skin and fat relative to muscle, 1 for no difference", low=0, high=1
    )
    bone_depth: float | None = quantity(34.0, "mm", "top of the bone, None for no bone", above=0)
    bone_radius: float = quantity(
        10.0, "mm", "radius of the bone's surface, that of a humerus or femur", above=0
    )
    periosteum: float = quantity(
        1.0, "mm", "distance over which motion falls to zero at the bone", low=0, high=5
    )
    # fascicles: holes of 1-2 mm in paper 1's similarity maps
    fascicle_size: float = quantity(
        1.4, "mm", "median diameter of a fascicle, 0 for no fascicles", low=0, high=5
    )
    fascicle_spread: float = quantity(
        0.2, doc="SD of the diameter's logarithm; most are 1-2 mm", low=0, high=0.3
    )
    fascicle_cv: float = quantity(
        0.2, doc="CV of the gain between fascicles, 0 for none", low=0, high=1
    )
    wall: float = quantity(
        0.15, "mm", "half thickness of the perimysium between fascicles", above=0, high=1
    )
    wall_contrast: float = quantity(
        0.2, doc="share of the motion lost in the middle of a wall, 0 for none", low=0, high=1
    )
    slip: float = quantity(  # fascicles glide on one another; how freely is unknown, so one half
        0.5,
        doc="0: motion is continuous through walls; 1: each fascicle moves as a rigid body",
        low=0,
        high=1,
    )
    # units as sources
    elongation: tuple[float, float] = quantity(  # MUMRI: 10.7 mm by 4.5 mm at most, often less
        (1.2, 2.4),
        doc="ratio of the long to the short axis of a territory, 1 for circles",
        low=1,
        high=5,
    )
    bend: tuple[float, float] = quantity(
        (0.0, 1.0),
        doc="sag of a territory relative to half its short axis: 0 an ellipse, 1 a crescent",
        low=0,
        high=2,
    )
    # the fibres of a unit mix with those of its neighbours and are tethered to them
    rim: float = quantity(
        2.0, "mm", "SD of the blur of a territory's motion, 0 for a sharp rim", low=0, high=5
    )
    # the full dipole holds for free slip at the rim; tethered fibres have less
    coupling: float = quantity(
        0.75,
        doc="motion around a territory relative to the dipole of a rigid disc, 0 for none",
        low=0,
        high=1,
    )
    shear_speed: float = quantity(
        1.35, "m/s", "speed of shear waves across the fibres", low=0.3, high=10
    )
    viscosity: float = quantity(
        1.0, "Pa s", "shear viscosity, which spreads waves in time, 0 for none", low=0, high=20
    )
    damping: float = quantity(
        10.0, "mm", "distance over which a shear wave falls to 1/e", above=0, high=1000
    )
    # no published value; small compared with twitches, open to calibration
    compression: float = quantity(
        0.05,
        doc="slow bulging of the whole muscle relative to the summed motion of units, 0 for none",
        low=0,
        high=1,
    )
    # the vessel
    vessel_radius: float = quantity(1.0, "mm", "radius of the artery", low=0.1, high=5)
    pulsation: tuple[float, float] = quantity(
        (5.0, 30.0), "um", "peak-to-peak motion of the artery's wall, 0 for none", low=0
    )
    pulse_rate: tuple[float, float] = quantity((1.0, 1.3), "Hz", "heart rate", low=0.3, high=4)

    def check(self) -> None:
        """Check ranges, and that the layers leave enough muscle."""
        self.check_ranges("elongation", "bend", "pulsation", "pulse_rate")
        floor = self.size[0] if self.bone_depth is None else self.bone_depth
        if floor > self.size[0]:
            raise ParameterError(
                f"bone_depth = {floor:g} [mm]: at most the image depth {self.size[0]:g}, or None"
            )
        if self.muscle_top + THINNEST_MUSCLE > floor:
            raise ParameterError(
                f"skin + fat + fascia = {self.muscle_top:g} [mm]: at most"
                f" {floor - THINNEST_MUSCLE:g}, so that {THINNEST_MUSCLE:g} mm of muscle are left"
                f" above {floor:g} mm, the bone or the image's end"
            )
        if (
            0
            < self.fascicle_size
            < 2 * max(self.size[0] / self.pixels[0], self.size[1] / self.pixels[1])
        ):
            raise ParameterError(
                f"fascicle_size = {self.fascicle_size:g} [mm]: at least two pixels, or 0 for none"
            )
        if self.duration * self.rate < 8:
            raise ParameterError(
                f"duration = {self.duration:g} [s]: at least 8 frames at {self.rate:g} Hz"
            )

    @property
    def muscle_top(self) -> float:
        """Depth of the muscle's upper edge [mm]."""
        return self.skin + self.fat + self.fascia

    @property
    def frames(self) -> int:
        """Number of frames of a sequence."""
        return round(self.duration * self.rate)

    @property
    def depth(self) -> np.ndarray:
        """Depth of each pixel's centre `(depth,)` [mm]."""
        return (np.arange(self.pixels[0]) + 0.5) * self.size[0] / self.pixels[0]

    @property
    def lateral(self) -> np.ndarray:
        """Lateral position of each pixel's centre `(lateral,)` [mm], 0 in the middle."""
        return (np.arange(self.pixels[1]) + 0.5) * self.size[1] / self.pixels[1] - self.size[1] / 2


_OFF: dict[str, Any] = {
    "skin": 0.0,
    "fat": 0.0,
    "fascia": 0.0,
    "superficial_gain": 1.0,
    "bone_depth": None,
    "fascicle_size": 0.0,
    "elongation": (1.0, 1.0),
    "bend": (0.0, 0.0),
    "rim": 0.0,
    "coupling": 0.0,
    "viscosity": 0.0,
    "compression": 0.0,
    "pulsation": (0.0, 0.0),
}


def effects_off(**changes: Any) -> TissueParameters:
    """Return parameters with every effect off, as in papers 1 and 2, except for some changes.

    Raises
    ------
    ParameterError
        A name is not a parameter, or a value is not allowed.
    """
    return TissueParameters(**_OFF).changed(**changes)
