"""Apply a sampled tissue: its motion by motor units, the working muscle and the vessel."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from musclelib.simulator.cross_section.motion import Motion
from musclelib.simulator.cross_section.parameters import TissueParameters
from musclelib.simulator.cross_section.sample import Tissue
from musclelib.simulator.motor_units.parameters import SimulatorParameters
from musclelib.simulator.motor_units.pool import Pool
from musclelib.simulator.motor_units.superpose import twitch_trains

DENSITY = 1060.0
"""Density of muscle [kg/m^3]."""

# delay between two rings of a unit [s]; linear interpolation has an error of 0.8 % at 20 Hz and 5 %
# at 50 Hz
_RING = 0.002
_FAINT = 0.02  # share of a shear wave below which it is no longer followed
_SLOW = 0.15  # SD of the smoothing of concurrent activity [s], since bulging takes several twitches


def dipole(axial: ArrayLike, lateral: ArrayLike, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the axial and the lateral displacement around a disc that moves axially by 1.

    In an incompressible medium they are `R^2 (z^2 - x^2) / r^4` and `2 R^2 z x / r^4`, the
    two-dimensional dipole of potential flow (Lamb, Hydrodynamics, section 68), which agrees with
    the disc along the normal of its rim.

    Parameters
    ----------
    axial, lateral : numpy.ndarray
        Position z and x relative to the centre of the disc; inside the disc the result has no
        meaning.
    radius : float
        Radius R of the disc, in the same unit.
    """
    z, x = np.asarray(axial, float), np.asarray(lateral, float)
    power = np.maximum(np.hypot(z, x), 1e-9) ** 4 / radius**2
    return (z**2 - x**2) / power, 2 * z * x / power


def tissue_motion(tissue: Tissue, pool: Pool, parameters: TissueParameters) -> Motion:
    """Return the motion that a pool causes in a tissue, which was sampled with the same parameters.

    Each unit moves its territory by its twitches, and the surrounding tissue as a dipole, by a
    shear wave that leaves the rim at the shear speed, is damped with distance and spread by
    viscosity. The muscle bulges slowly with the summed activity; the vessel pulsates. Fascicles,
    layers and bone then modify the motion. Without units and other sources the motion has no
    sources and is zero everywhere.

    Raises
    ------
    ValueError
        Pool and tissue differ in their units, or tissue and parameters in their grid.
    """
    p = parameters
    if len(pool) != len(tissue.territory) or tissue.label.shape != p.pixels:
        raise ValueError(
            f"tissue of {len(tissue.territory)} units and {tissue.label.shape} pixels: sample it"
            f" with this pool of {len(pool)} units and these parameters of {p.pixels} pixels"
        )

    # all units' rings of one number move together, each by its unit's spread and delayed trains
    step = max(round(_RING * p.rate), 1)
    ring = _rings(tissue, pool, p, step / p.rate)
    lead_in = step * (max(map(len, ring), default=1) - 1)
    train = _early_trains(pool, p, lead_in)
    gains, signals = [], []
    for number in range(max(map(len, ring), default=0)):
        reached = [
            unit for unit, maps in enumerate(ring) if number < len(maps) and maps[number].any()
        ]
        start = lead_in - number * step
        spread = _spread(number * step / p.rate, p)
        signal = (
            gaussian_filter1d(train[reached], spread * p.rate, mode="nearest")
            if spread
            else train[reached]
        )
        gains += [ring[unit][number] for unit in reached]
        signals.append(signal[:, start : start + p.frames])

    # bulging by the concurrent activity of all units
    if p.compression and len(pool):
        activity = gaussian_filter1d(train.sum(axis=0), _SLOW * p.rate)[None, lead_in:]
        gains.append(_bulge(tissue, p))
        signals.append(p.compression * activity)

    # displacements [um], whose differences between frames are the velocities
    gain = np.array(gains, float).reshape(-1, *p.pixels)
    velocity = np.concatenate([np.zeros((0, p.frames)), *signals])
    signal = np.cumsum(velocity, axis=1) * (1e3 / p.rate)
    if p.slip:
        gain = _slide(gain, tissue.fascicle, p.slip)
    if tissue.pulsation:
        gain = np.concatenate([gain, _pulse_map(tissue, p)[None]])
        signal = np.concatenate([signal, _pulse(tissue, p)[None]])
    return Motion(
        (gain * tissue.gain).astype(np.float32),
        signal.astype(np.float32),
        p.depth,
        p.lateral,
        p.rate,
    )


def _early_trains(pool: Pool, p: TissueParameters, lead_in: int) -> np.ndarray:
    """Return twitch trains `(unit, time)` [mm/s] that begin `lead_in` frames before the first.

    They contain the waves that are still travelling in the first frame.
    """
    frames = SimulatorParameters(frames=p.frames + lead_in, frame_rate=p.rate)
    return twitch_trains(
        dataclasses.replace(pool, firing_time=pool.firing_time + lead_in / p.rate), frames
    )


def _rings(tissue: Tissue, pool: Pool, p: TissueParameters, interval: float) -> list[np.ndarray]:
    """Return the maps of each unit's rings, `(ring, depth, lateral)`.

    Ring k moves k intervals later; a pixel between two rings moves with both. Around a territory
    that is not a circle, dipole and delay are those of the circle of the same area.
    """
    rings = []
    blur = (0, *(p.rim * np.array(p.pixels) / p.size))
    reach = p.damping * -np.log(_FAINT)  # [mm]
    for (z, x), diameter, inside in zip(
        tissue.centre, pool.diameter, tissue.territory, strict=True
    ):
        if not p.coupling:
            rings.append(_blurred(inside[None].astype(float), blur))
            continue
        down, across, radius = p.depth[:, None] - z, p.lateral[None, :] - x, diameter / 2
        away = np.maximum(np.hypot(down, across) - radius, 0)
        # fade the dipole inside the circle, where it would grow without limit
        inner = np.minimum(np.hypot(down, across) / radius, 1) ** 4
        wave = p.coupling * dipole(down, across, radius)[0] * inner * np.exp(-away / p.damping)
        wave = np.where(inside, 1.0, np.where(away < reach, wave, 0.0))
        late = np.where(inside, 0.0, np.minimum(away, reach) * 1e-3 / p.shear_speed / interval)
        first = np.floor(late).astype(int)
        maps = np.zeros((first.max() + 2, *p.pixels))
        row, column = np.indices(p.pixels)
        maps[first, row, column] = wave * (1 - (late - first))
        maps[first + 1, row, column] += wave * (late - first)
        rings.append(_blurred(maps, blur))
    return rings


def _blurred(maps: np.ndarray, blur: tuple[float, ...]) -> np.ndarray:
    return gaussian_filter(maps, blur, truncate=3) if any(blur) else maps


def _spread(delay: float, p: TissueParameters) -> float:
    """Return the SD of the Gaussian into which viscosity spreads an impulse after `delay` [s].

    A Kelvin-Voigt medium attenuates by exp(-w^2 eta t / (2 rho c^2)) at low frequencies (Catheline
    et al. 2004).
    """
    return float(np.sqrt(p.viscosity * delay / (DENSITY * p.shear_speed**2)))


def _bulge(tissue: Tissue, p: TissueParameters) -> np.ndarray:
    """Return the map of bulging `(depth, lateral)`, 1 amid the muscle and 0 at its edges."""
    place = (p.depth[:, None] - tissue.top) / np.maximum(tissue.bottom - tissue.top, 1e-9)
    return 4 * np.clip(place * (1 - place), 0, None)


def _slide(gain: np.ndarray, fascicle: np.ndarray, slip: float) -> np.ndarray:
    """Blend the motion of each fascicle with its mean, so that the difference slips along walls."""
    inside = fascicle >= 0
    cell = fascicle[inside]
    number = np.maximum(np.bincount(cell), 1)
    blended = gain.copy()
    for plane in blended:
        mean = np.bincount(cell, plane[inside]) / number
        plane[inside] += slip * (mean[cell] - plane[inside])
    return blended


def _pulse_map(tissue: Tissue, p: TissueParameters) -> np.ndarray:
    """Return the axial motion `(depth, lateral)` around a vessel that widens by 1, damped 1/r."""
    down, across = p.depth[:, None] - tissue.vessel[0], p.lateral[None, :] - tissue.vessel[1]
    distance = np.hypot(down, across)
    far = np.maximum(distance, p.vessel_radius)
    return -down * p.vessel_radius / far**2 * np.exp(-(far - p.vessel_radius) / p.damping)


def _pulse(tissue: Tissue, p: TissueParameters) -> np.ndarray:
    """Return the motion of the vessel's wall `(time,)` [um], with a steep rise and a slow fall.

    It is the sum of sin(h phase) / 2^(h - 1) over all harmonics h in closed form, scaled to the
    peak-to-peak motion of the wall, and 0 in the frame before the first.
    """
    phase = 2 * np.pi * tissue.pulse_rate * np.arange(-1, p.frames) / p.rate + tissue.pulse_phase
    wave = tissue.pulsation * 0.375 * np.sin(phase) / (1.25 - np.cos(phase))
    return wave[1:] - wave[0]
