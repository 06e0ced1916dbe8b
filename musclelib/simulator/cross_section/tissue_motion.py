"""Apply a sampled tissue: how units, the working muscle and the vessel move it."""

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

# delay between two rings of a unit [s]: linear interpolation then errs by 0.8 % at 20 Hz, 5 % at 50
# Hz
_RING = 0.002
_FAINT = 0.02  # a shear wave is followed until damping leaves this share of it
_SLOW = 0.15  # SD of the smoothing of concurrent activity [s]: bulging takes several twitches


def dipole(axial: ArrayLike, lateral: ArrayLike, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Displacement around a disc that moves by 1 along the axial axis in an incompressible medium, axial and lateral.

    `R^2 (z^2 - x^2) / r^4` and `2 R^2 z x / r^4`, the two-dimensional dipole of potential flow
    (Lamb, Hydrodynamics, section 68), which agrees with the disc along the normal of its rim.
    `axial` z, `lateral` x and `radius` R in the same unit, from the centre; inside the disc the
    values have no meaning.
    """
    z, x = np.asarray(axial, float), np.asarray(lateral, float)
    power = np.maximum(np.hypot(z, x), 1e-9) ** 4 / radius**2
    return (z**2 - x**2) / power, 2 * z * x / power


def tissue_motion(tissue: Tissue, pool: Pool, parameters: TissueParameters) -> Motion:
    """Make the motion that a pool causes in a tissue sampled for it, with the same parameters.

    Each unit moves its territory by its twitches and the tissue around it as a dipole, by a shear
    wave that leaves the rim at the shear speed, is damped with distance and spread by viscosity.
    The muscle bulges slowly with the summed activity; the vessel pulsates. Fascicles, layers and
    bone then shape all of it. No units and no other source give a motion without sources, zero
    everywhere.

    Raises
    ------
    ValueError
        Pool and tissue do not have the same units, or the tissue another grid than the parameters.
    """
    p = parameters
    if len(pool) != len(tissue.territory) or tissue.label.shape != p.pixels:
        raise ValueError(
            f"tissue of {len(tissue.territory)} units and {tissue.label.shape} pixels: sample it"
            f" with this pool of {len(pool)} units and these parameters of {p.pixels} pixels"
        )
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
    if p.compression and len(pool):
        activity = gaussian_filter1d(train.sum(axis=0), _SLOW * p.rate)[None, lead_in:]
        gains.append(_bulge(tissue, p))
        signals.append(p.compression * activity)
    gain = np.array(gains, float).reshape(-1, *p.pixels)
    velocity = np.concatenate([np.zeros((0, p.frames)), *signals])
    # [um]; its difference between frames is the velocity again
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
    """Twitch trains `(unit, time)` [mm/s] that begin `lead_in` frames early, for waves under way in the first one."""
    frames = SimulatorParameters(frames=p.frames + lead_in, frame_rate=p.rate)
    return twitch_trains(
        dataclasses.replace(pool, firing_time=pool.firing_time + lead_in / p.rate), frames
    )


def _rings(tissue: Tissue, pool: Pool, p: TissueParameters, interval: float) -> list[np.ndarray]:
    """Map each unit to `(ring, depth, lateral)`: ring k moves k intervals later, pixels between two rings by both.

    Around a territory that is no circle the dipole and the delay are those of the circle of its
    area.
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
        # within the circle but outside the territory the dipole would grow without limit
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
    """SD of the Gaussian that viscosity turns an impulse into after travelling for `delay` [s].

    A Kelvin-Voigt medium attenuates by exp(-w^2 eta t / (2 rho c^2)) at low frequencies (Catheline
    et al. 2004).
    """
    return float(np.sqrt(p.viscosity * delay / (DENSITY * p.shear_speed**2)))


def _bulge(tissue: Tissue, p: TissueParameters) -> np.ndarray:
    """Bulging of the muscle `(depth, lateral)`: 1 half way between its upper and lower edge, 0 at both."""
    place = (p.depth[:, None] - tissue.top) / np.maximum(tissue.bottom - tissue.top, 1e-9)
    return 4 * np.clip(place * (1 - place), 0, None)


def _slide(gain: np.ndarray, fascicle: np.ndarray, slip: float) -> np.ndarray:
    """Blend each fascicle's motion with its mean over the fascicle, so that the difference slips along the walls."""
    inside = fascicle >= 0
    cell = fascicle[inside]
    number = np.maximum(np.bincount(cell), 1)
    blended = gain.copy()
    for plane in blended:
        mean = np.bincount(cell, plane[inside]) / number
        plane[inside] += slip * (mean[cell] - plane[inside])
    return blended


def _pulse_map(tissue: Tissue, p: TissueParameters) -> np.ndarray:
    """Axial motion around a vessel that widens by 1 `(depth, lateral)`: away from its centre, as 1/r, and damped."""
    down, across = p.depth[:, None] - tissue.vessel[0], p.lateral[None, :] - tissue.vessel[1]
    distance = np.hypot(down, across)
    far = np.maximum(distance, p.vessel_radius)
    return -down * p.vessel_radius / far**2 * np.exp(-(far - p.vessel_radius) / p.damping)


def _pulse(tissue: Tissue, p: TissueParameters) -> np.ndarray:
    """Motion of the vessel's wall `(time,)` [um], 0 in the frame before the first: steep rise, slow fall.

    The sum of sin(h phase) / 2^(h - 1) over all harmonics h, in closed form and scaled to a
    peak-to-peak of 1.
    """
    phase = 2 * np.pi * tissue.pulse_rate * np.arange(-1, p.frames) / p.rate + tissue.pulse_phase
    wave = tissue.pulsation * 0.375 * np.sin(phase) / (1.25 - np.cos(phase))
    return wave[1:] - wave[0]
