"""The method `edges`: units separated by the edges of their territories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from skimage.filters import threshold_otsu

from musclelib.identification.motor_units import SPACING, MotorUnits, check
from musclelib.identification.reader.components import Components
from musclelib.identification.reader.read import read_territories
from musclelib.identification.separation.band import Band
from musclelib.identification.separation.common_motion import common_motion
from musclelib.identification.separation.flat import Flat
from musclelib.identification.separation.rims import LAG, separate, sharpness
from musclelib.networks import weights
from musclelib.networks.territory_reader import TerritoryReader

# exponent of the variogram above which maps have no sharp rims; 1.0 for simulated discs, 1.25 for
# soft discs
_SMOOTH = 1.2
# lowest confidence kept: locally stronger noise comes close to it, and none of 350 units was below
# 0.9
_SURE = 0.8
# share of singular vectors above white noise, beyond which the noise is not white
_WHITE = 2 / 3
# correlation of the noise of neighbouring pixels: at most 0.02 in simulations, 0.5 in acquisitions
_ALIKE = 0.3
_NOISELESS = 2e-5  # share of the mean power below which the noise is too weak to examine
_WINDOW = 10.0  # side of the squares in which small units are sought [mm], the largest diameter


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Identify units by the edges of their territories.

    The common motion of the whole field is removed first. A sequence whose territories move
    uniformly in white noise, as simulated ones do, is separated and then explained by flat
    territories (`Flat`). If maps are smooth instead, because the surrounding tissue moves too, or
    if the noise is that of an acquisition with overlapping gates and beams, a network reads the
    territories from the components.

    Attributes
    ----------
    reader : TerritoryReader
        The trained network, in evaluation mode.
    """

    reader: TerritoryReader

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read `reader.safetensors` of a folder, such as data/weights/identification.

        Raises
        ------
        WeightsError
            The file is missing or damaged, or holds another network.
        """
        return cls(weights.load(Path(folder) / "reader.safetensors", TerritoryReader))

    def __call__(
        self,
        velocity: np.ndarray,
        frame_rate: float,
        spacing: tuple[float, float] = SPACING,
        seed: int = 0,
    ) -> MotorUnits:
        """Identify units.

        Parameters
        ----------
        velocity : numpy.ndarray
            `(time, depth, lateral)`, in any unit; contraction is positive.
        frame_rate : float
            Frame rate [Hz].
        spacing : tuple of float
            Size of a pixel along depth and lateral [mm].
        seed : int
            Seed of the initial unmixing.

        Raises
        ------
        ValueError
            As `motor_units.check`.
        """
        velocity = check(velocity)
        common = common_motion(velocity, Band.of(velocity, frame_rate))
        band = Band.of(common.rest, frame_rate)
        rank = signal_rank(band)
        if moves_as_one(band, rank):
            units = replace(flat_units(band, rank, float(np.mean(spacing)), seed), model="flat")
        else:
            units = replace(
                read_territories(
                    Components.of(common.rest, frame_rate, spacing, seed), self.reader
                ),
                model="read",
            )
        return replace(units, common_motion=common.deviation)


def moves_as_one(band: Band, rank: int) -> bool:
    """Whether a sequence looks like territories that move uniformly in white noise."""
    if rank > _WHITE * len(band.coefficients) or sharpness(band) > _SMOOTH:
        return False

    # noise that correlates between neighbouring pixels is that of an acquisition
    times, values = band.parts[0][:, :rank], band.coefficients
    noise = (values - times @ (times.T @ values)).reshape(-1, *band.field)
    power = float((noise**2).mean())
    if power <= _NOISELESS * float((values**2).mean()):
        return True
    pairs = ((noise[:, 1:], noise[:, :-1]), (noise[:, :, 1:], noise[:, :, :-1]))
    return all(float((one * other).mean()) < _ALIKE * power for one, other in pairs if one.size)


def signal_rank(band: Band) -> int:
    """Count the singular vectors of a sequence that exceed those of white noise of its level."""
    return int((band.parts[1] ** 2 > 1.04 * band.chance(band.coefficients.shape[1])).sum())


def flat_units(band: Band, rank: int, pixel: float, seed: int = 0) -> MotorUnits:
    """Identify units whose territories move uniformly.

    The confidence of a unit is the share of its energy that exceeds the largest of noise.

    Parameters
    ----------
    band : Band
        The sequence.
    rank : int
        `signal_rank` of the sequence.
    pixel : float
        Size of a pixel [mm].
    seed : int
        As of `rims.separate`.
    """
    pixels = band.coefficients.shape[1]
    masks = np.zeros((0, pixels), np.float32)
    if rank:
        maps, _ = separate(band, rank, max(1, round(LAG / pixel)), seed)
        masks = np.array([one.ravel() > threshold_otsu(one) for one in maps], np.float32)
    flat = Flat(band, max(4, round(_WINDOW / pixel)))
    masks = flat.solve(masks)
    if not len(masks):
        return MotorUnits.none(band.frames, band.field)
    trains, sizes = flat.trains(masks), masks.sum(axis=1)
    confidence = 1 - band.chance(sizes) / ((trains**2).sum(axis=1) * sizes)
    sure = confidence >= _SURE
    return MotorUnits.sorted(
        masks[sure].reshape(-1, *band.field), band.over_time(trains[sure]), confidence[sure]
    )
