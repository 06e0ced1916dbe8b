"""Sample the tissue of one sequence: its anatomy, and the territories of motor units in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from musclelib.simulator.cross_section.fascicles import fascicles
from musclelib.simulator.cross_section.parameters import TissueParameters
from musclelib.simulator.motor_units.pool import Pool
from musclelib.streams import Purpose, stream


class Label(IntEnum):
    """Codes of the label map."""

    SKIN = 0
    FAT = 1
    FASCIA = 2
    MUSCLE = 3
    PERIMYSIUM = 4
    VESSEL = 5
    BONE = 6


@dataclass(frozen=True, eq=False)
class Tissue:
    """A sampled cross-section."""

    label: np.ndarray  # (depth, lateral) uint8: codes of Label
    fascicle: np.ndarray  # (depth, lateral) int32: number of the fascicle, -1 outside
    gain: np.ndarray  # (depth, lateral) float32: motion relative to that of a uniform muscle
    top: float  # depth of the muscle's upper edge [mm]
    bottom: np.ndarray  # (lateral,): depth of the muscle's lower edge [mm]
    centre: np.ndarray  # (unit, 2): depth and lateral position of each territory [mm]
    territory: np.ndarray  # (unit, depth, lateral) bool
    vessel: np.ndarray  # (2,): depth and lateral position of the vessel's centre [mm]
    pulsation: float  # peak-to-peak motion of the vessel's wall [um]; 0 without a vessel
    pulse_rate: float  # heart rate [Hz]
    pulse_phase: float  # phase of the pulse at time 0 [rad]


def sample_tissue(parameters: TissueParameters, pool: Pool, seed: int, index: int) -> Tissue:
    """Draw the tissue of sequence `index` of the set `seed`, whatever other sequences are drawn.

    The territories of the pool, which fill the image, are moved into the muscle, column by column
    in proportion to depth, and keep their area except for parts outside the muscle. Turning an
    effect off does not change the rest.
    """
    p, rng = parameters, stream(Purpose.TISSUE, seed, index)
    depth, lateral = p.depth, p.lateral
    bottom = np.full(len(lateral), p.size[0])
    if p.bone_depth is not None:
        bottom = np.minimum(bottom, _bone_surface(lateral, p.bone_depth, p.bone_radius))
    place, vessel_pulsation = rng.uniform(size=2), float(rng.uniform(*p.pulsation))
    pulse_rate, pulse_phase = float(rng.uniform(*p.pulse_rate)), float(rng.uniform(0, 2 * np.pi))
    shape = rng.uniform(size=(3, len(pool)))

    # layers, and fascicles with their gains
    label = np.full(p.pixels, Label.MUSCLE, np.uint8)
    label[depth < p.muscle_top] = Label.FASCIA
    label[depth < p.skin + p.fat] = Label.FAT
    label[depth < p.skin] = Label.SKIN
    cell, texture = np.full(p.pixels, -1, np.int32), np.ones(p.pixels)
    if p.fascicle_size:
        cell, wall, count = fascicles(depth, lateral, p.fascicle_size, p.fascicle_spread, rng)
        # log-normal gains of mean 1: positive, and without effect on average
        sigma = np.sqrt(np.log1p(p.fascicle_cv**2))
        texture = np.exp(sigma * rng.standard_normal(count) - sigma**2 / 2)[cell]
        texture *= 1 - p.wall_contrast * np.exp(-0.5 * (wall / p.wall) ** 2)
        label[(wall < p.wall) & (label == Label.MUSCLE)] = Label.PERIMYSIUM

    # the vessel within the muscle, and the bone below it
    below = depth[:, None] >= bottom
    margin = p.vessel_radius / np.array([p.size[0], p.size[1]])
    vessel = _into_muscle(
        (margin + place * (1 - 2 * margin))[None] * p.size - [0, p.size[1] / 2], p
    )[0]
    if vessel_pulsation:
        label[np.hypot(depth[:, None] - vessel[0], lateral - vessel[1]) <= p.vessel_radius] = (
            Label.VESSEL
        )
    label[below] = Label.BONE
    muscle = np.isin(label, (Label.MUSCLE, Label.PERIMYSIUM))
    cell[~muscle] = -1

    centre = _into_muscle(pool.centre, p)
    elongation = p.elongation[0] + (p.elongation[1] - p.elongation[0]) * shape[0]
    bend = p.bend[0] + (p.bend[1] - p.bend[0]) * shape[1]
    return Tissue(
        label=label,
        fascicle=cell,
        gain=(np.where(muscle, texture, 1.0) * _layer_gain(p, bottom)).astype(np.float32),
        top=p.muscle_top,
        bottom=bottom,
        centre=centre,
        territory=_territories(
            centre, pool.diameter, elongation, bend, np.pi * shape[2], muscle, depth, lateral
        ),
        vessel=vessel,
        pulsation=vessel_pulsation,
        pulse_rate=pulse_rate,
        pulse_phase=pulse_phase,
    )


def _bone_surface(lateral: np.ndarray, top: float, radius: float) -> np.ndarray:
    """Return the depth of a round bone's surface [mm], infinite beside the bone."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(top + radius - np.sqrt(radius**2 - lateral**2), nan=np.inf)


def _into_muscle(points: np.ndarray, p: TissueParameters) -> np.ndarray:
    """Move points `(point, 2)` of the whole image into the muscle above their column's bone."""
    floor = np.full(len(points), p.size[0])
    if p.bone_depth is not None:
        floor = np.minimum(floor, _bone_surface(points[:, 1], p.bone_depth, p.bone_radius))
    return np.column_stack(
        [p.muscle_top + points[:, 0] * (floor - p.muscle_top) / p.size[0], points[:, 1]]
    )


def _layer_gain(p: TissueParameters, bottom: np.ndarray) -> np.ndarray:
    """Return the gain of layers `(depth, lateral)`: small above the fascia, zero in the bone."""
    edges = (p.skin + p.fat, max(p.muscle_top, p.skin + p.fat + 1e-9))
    layer = np.interp(p.depth, edges, (p.superficial_gain, 1.0))[:, None]
    if p.bone_depth is None:
        return np.broadcast_to(layer, p.pixels)
    away = np.hypot(p.depth[:, None] - p.bone_depth - p.bone_radius, p.lateral) - p.bone_radius
    held = np.clip(away / p.periosteum, 0, 1) if p.periosteum else np.ones(p.pixels)
    return np.where(p.depth[:, None] >= bottom, 0.0, layer * held)


def _territories(
    centre: np.ndarray,
    diameter: np.ndarray,
    elongation: np.ndarray,
    bend: np.ndarray,
    angle: np.ndarray,
    muscle: np.ndarray,
    depth: np.ndarray,
    lateral: np.ndarray,
) -> np.ndarray:
    """Draw territories `(unit, depth, lateral)` as ellipses that are sheared to crescents.

    An ellipse has the area of a circle of `diameter`. A shift across its long axis that grows with
    the square of the position along the axis bends it and keeps its area. The muscle's pixel
    nearest to the centre always belongs to the territory.
    """
    mask = np.zeros((len(centre), *muscle.shape), bool)
    for unit, (z, x) in enumerate(centre):
        down, across = depth[:, None] - z, lateral[None, :] - x
        long, short = diameter[unit] / 2 * np.sqrt(elongation[unit]) ** np.array([1, -1])
        along = np.cos(angle[unit]) * across + np.sin(angle[unit]) * down
        over = np.cos(angle[unit]) * down - np.sin(angle[unit]) * across
        over = over - bend[unit] * short * ((along / long) ** 2 - 0.5)
        distance = np.where(muscle, np.hypot(down, across), np.inf)
        mask[unit] = (np.hypot(along / long, over / short) <= 1) & muscle | (
            distance == distance.min()
        )
    return mask
