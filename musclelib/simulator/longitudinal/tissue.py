"""Point scatterers that lie in the layers of a leg and move with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musclelib.simulator.longitudinal.anatomy import Label, Layers
from musclelib.simulator.longitudinal.parameters import Anatomy, View
from musclelib.streams import Purpose, stream

_MARGIN = 18.0  # tissue beside the view that may move into it [mm]
_ROOM = 4.0  # depth above and below the view from which tissue may move into it [mm]
_DENSITY = 14.0  # diffuse scatterers per area [1/mm^2]: several in each resolution cell
_FAINT = 0.01  # amplitude below which a point is left out
_ALONG = 5.0  # scatterers along a sheet of connective tissue [1/mm]
_SLICE = 1.2  # SD of the thickness of the image plane [mm]

# amplitude of diffuse echoes [1], relative to bright connective tissue
_DIFFUSE = {
    Label.SKIN: 0.30, Label.FAT: 0.13, Label.SUPERFICIAL: 0.9, Label.MUSCLE: 0.035,
    Label.DEEP: 0.8, Label.SOLEUS: 0.06, Label.BONE: 0.02,
}  # fmt: skip


@dataclass(frozen=True)
class Tissue:
    """Point scatterers of a leg at rest; arrays `(point,)`."""

    layers: Layers
    lateral: NDArray[np.float32]
    """Lateral position [mm]."""
    depth: NDArray[np.float32]
    """Depth below the skin [mm]."""
    elevation: NDArray[np.float32]
    """Distance from the image plane [mm]."""
    amplitude: NDArray[np.float32]
    """Amplitude of the echo, relative to bright connective tissue."""
    zeta: NDArray[np.float32]
    """Relative depth in the muscle: 0 at and above the superficial border, 1 at and below the deep
    one."""
    label: NDArray[np.uint8]
    """Tissue of the point."""

    def within(self, view: View, turn: float, top: float) -> Tissue:
        """Return the scatterers that may come into a view that is turned and begins at a depth."""
        row = self.depth * np.cos(turn) - self.lateral * np.sin(turn) - top
        inside = (row > -_ROOM) & (row < view.size[0] + _ROOM)
        arrays = {
            field.name: getattr(self, field.name)[inside]
            for field in fields(self) if field.name != "layers"
        }  # fmt: skip
        return Tissue(self.layers, **arrays)

    def displaced(self, moved: Mapping[str, float]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return lateral positions and depths [mm] after a motion, by the names of `Motion`."""
        layers = self.layers
        share, follows, rest = self._mobility
        lateral = self.lateral + share * (moved["glide"] + moved["shear"] * self.zeta)

        # borders keep their places while tissue glides along them
        thickness = layers.thickness(lateral, moved["bulge"])
        now = layers.superficial(lateral) + self.zeta * thickness
        depth = self.depth + follows * (now - rest)

        # the probe's own motion, the other way
        turn = np.radians(moved["probe_angle"])
        cosine, sine = float(np.cos(turn)), float(np.sin(turn))
        lateral = lateral - moved["probe_lateral"]
        return (
            lateral * cosine + depth * sine,
            depth * cosine - lateral * sine + moved["probe_depth"],
        )

    @cached_property
    def _mobility(self) -> tuple[NDArray[np.float32], ...]:
        """The points' shares of lateral and axial motion, and the depth of their place at rest."""
        layers, anatomy = self.layers, self.layers.anatomy
        # skin and fat hang on to the probe: only the layer next to the muscle takes part
        upper = np.clip(
            (self.depth - anatomy.skin) / (layers.superficial(self.lateral) - anatomy.skin), 0, 1
        )
        share = np.where(self.label >= Label.SOLEUS, anatomy.soleus_share, upper**3)
        share = np.where(self.label == Label.BONE, 0, share)
        follows = np.where(self.label == Label.BONE, 0, upper)
        rest = layers.superficial(self.lateral) + self.zeta * layers.thickness(self.lateral)
        return tuple(part.astype(np.float32) for part in (share, follows, rest))


def sample_tissue(anatomy: Anatomy, size: tuple[float, float], seed: int, index: int) -> Tissue:
    """Draw the scatterers of a leg: diffuse ones, fat septa, perimysium of both muscles.

    Parameters
    ----------
    anatomy : Anatomy
        The leg.
    size : tuple of float
        Extent along depth and lateral that is seen [mm].
    seed, index : int
        Seed of the set and number of the participant.
    """
    rng = stream(Purpose.LONGITUDINAL_SCATTERERS, seed, index)
    layers = Layers(anatomy, size[1])
    reach = size[1] / 2 + _MARGIN
    bottom = size[0] + 2.0
    count = int(_DENSITY * 2 * reach * bottom)
    lateral, depth = rng.uniform(-reach, reach, count), rng.uniform(0, bottom, count)
    label = layers.label(depth, lateral)
    amplitude = np.asarray([0, *_DIFFUSE.values()])[label] * _patches(rng, lateral, depth)
    parts = [(lateral, depth, amplitude)]
    parts += _septa(rng, layers, reach)
    parts += _perimysium(rng, layers, reach)
    parts += _soleus(rng, layers, reach)
    parts += _sheets(rng, layers, reach)
    lateral, depth, amplitude = (np.concatenate(part) for part in zip(*parts, strict=True))
    useful = (amplitude > _FAINT) & (np.abs(lateral) < reach) & (depth < bottom)
    lateral, depth, amplitude = lateral[useful], depth[useful], amplitude[useful]
    label = layers.label(depth, lateral)
    zeta = np.clip((depth - layers.superficial(lateral)) / layers.thickness(lateral), 0, 1)
    strength = amplitude * rng.standard_normal(len(lateral))
    elevation = rng.normal(0, 1.5 * _SLICE, len(lateral))
    arrays = {
        "lateral": lateral, "depth": depth, "elevation": elevation, "amplitude": strength,
        "zeta": zeta,
    }  # fmt: skip
    single = {name: values.astype(np.float32) for name, values in arrays.items()}
    return Tissue(layers, label=label, **single)


def seen(elevation: NDArray[np.float32], drift: float) -> NDArray[np.float32]:
    """Return the share of an echo that the slice receives after a drift of the tissue [mm]."""
    return np.exp(-(((elevation - np.float32(drift)) / np.float32(_SLICE)) ** 2))


def _smooth(
    rng: np.random.Generator, length: float, scale: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return places and values of smooth noise of SD 1 with a correlation length [mm]."""
    knots = np.arange(-scale, length + 2 * scale, scale)
    return knots, rng.standard_normal(len(knots))


def _patches(rng: np.random.Generator, lateral: NDArray[Any], depth: NDArray[Any]) -> NDArray[Any]:
    """Return a factor that varies slowly over the tissue, as its fat and blood do."""
    waves = rng.normal(0, 1 / 6.0, (24, 2))  # [1/mm]
    phase = 2 * np.pi * (lateral * waves[:, :1] * 0.6 + depth * waves[:, 1:])
    value = np.cos(phase + rng.uniform(0, 2 * np.pi, (24, 1))).sum(axis=0) / np.sqrt(12)
    return np.exp(0.35 * value)


Points = list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]


def _septa(rng: np.random.Generator, layers: Layers, reach: float) -> Points:
    """Return thin sheets in skin and fat that run along the skin."""
    a = layers.anatomy
    sheets = []
    for _ in range(rng.poisson(1.4 * (a.fat + a.skin))):
        level, start = rng.uniform(0.2, 1), rng.uniform(-reach, reach)
        length = rng.exponential(14) + 3
        along = rng.uniform(0, length, int(_ALONG * length))
        lateral = start + along
        wave = np.interp(along, *_smooth(rng, length, 6.0)) * 0.25
        depth = (layers.superficial(lateral) - a.aponeurosis) * level + wave
        bright = np.full(len(along), 0.32 * rng.uniform(0.4, 1.2))
        sheets.append((lateral, np.maximum(depth, 0.05), bright))
    return sheets


def _perimysium(rng: np.random.Generator, layers: Layers, reach: float) -> Points:
    """Return sheets of perimysium between the aponeuroses, brighter and fainter along them."""
    a = layers.anatomy
    run = a.thickness / np.tan(np.radians(a.pennation))
    sheets = []
    start = -reach - run
    while start < reach:
        start += a.fascicle_spacing * rng.gamma(3.0, 1 / 3.0)
        zeta = rng.uniform(0.01, 0.99, int(_ALONG * np.hypot(run, a.thickness)))
        bend = np.interp(zeta * run, *_smooth(rng, run, 12.0)) * a.tortuosity
        # the sheet's deep end lies `run` further along the deep aponeurosis
        lateral = start + zeta * run + bend
        depth = layers.superficial(lateral) + zeta * layers.thickness(lateral)
        bright = rng.lognormal(-1.1, 1.0) * np.clip(
            0.35 + 0.75 * np.interp(zeta * run, *_smooth(rng, run, 5.0)), 0.03, None
        )
        thick = rng.normal(0, 0.07, len(zeta))
        sheets.append((lateral, depth + thick, 0.36 * a.fascicle_contrast * bright))
    return sheets


def _soleus(rng: np.random.Generator, layers: Layers, reach: float) -> Points:
    """Return sheets in the soleus, shorter and less ordered."""
    a = layers.anatomy
    slope = np.tan(np.radians(a.soleus_pennation))
    sheets = []
    for _ in range(int(2 * reach * a.soleus / 9)):
        length = rng.gamma(2.5, 4.0)
        start, along = rng.uniform(-reach, reach), rng.uniform(0, length, int(_ALONG * length))
        lateral = start + along
        deep = layers.superficial(lateral) + layers.thickness(lateral) + a.aponeurosis
        depth = deep + rng.uniform(0.3, a.soleus) + slope * along
        bright = np.full(len(lateral), 0.2 * rng.lognormal(-0.4, 0.6))
        bright[(depth < deep + 0.2) | (depth > layers.bone(lateral))] = 0
        sheets.append((lateral, depth + rng.normal(0, 0.1, len(lateral)), bright))
    return sheets


def _sheets(rng: np.random.Generator, layers: Layers, reach: float) -> Points:
    """Return the bright sheets: both aponeuroses and the surface of the bone."""
    a = layers.anatomy
    count = int(4 * _ALONG * 2 * reach)
    sheets = []
    for which, bright in (("superficial", 1.3), ("deep", 1.2), ("bone", 1.6)):
        lateral = rng.uniform(-reach, reach, count)
        uneven = np.exp(0.3 * np.interp(lateral + reach, *_smooth(rng, 2 * reach, 5.0)))
        if which == "bone":
            depth = layers.bone(lateral) + np.abs(rng.normal(0, 0.3, count))
        else:
            # the inner, fibrous sheet of the aponeurosis is the brightest
            inner = layers.superficial(lateral)
            away = np.abs(rng.normal(0, 0.35 * a.aponeurosis, count))
            depth = inner - away
            if which == "deep":
                depth = inner + layers.thickness(lateral) + away
        sheets.append((lateral, depth, bright * uneven))
    return sheets
