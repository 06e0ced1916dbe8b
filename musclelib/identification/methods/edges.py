"""Our own identification: units separated by the edges of their territories, whatever the field, rate and length."""

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

# exponent of the variogram from which on maps have no rims: simulated discs have 1.0, soft ones
# 1.25
_SMOOTH = 1.2
# least confidence: noise that is stronger in places comes near it, no unit of 350 was below 0.9
_SURE = 0.8
# share of singular vectors above white noise, from which on the noise is of another kind
_WHITE = 2 / 3
# correlation of the noise of neighbours: simulated noise has 0.02 at most, that of acquisitions 0.5
_ALIKE = 0.3
_NOISELESS = 2e-5  # of the mean power: with less beside the signal, there is no noise to judge by
_WINDOW = 10.0  # side of the squares in which small units are sought [mm]: the largest territory


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Identify units by the edges of their territories.

    The motion that the whole field has in common is taken out first. A sequence of territories that
    move as one in white noise, as simulated, is separated and then explained by flat territories
    alone (`Flat`). Where maps are smooth instead, since the tissue around moves along, or noise is
    that of an acquisition, whose gates and beams overlap, a network reads the components.

    Attributes
    ----------
    reader : TerritoryReader
        Trained, in evaluation mode.
    """

    reader: TerritoryReader

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read `reader.safetensors` of a folder, such as data/weights/identification.

        Raises
        ------
        WeightsError
            The file is missing, damaged, or of something else.
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
            Frames a second [Hz].
        spacing : tuple of float
            Size of a pixel along depth and lateral [mm].
        seed : int
            Seed of the first guess of the unmixing.

        Raises
        ------
        ValueError
            As `units.check`.
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
    """Whether a sequence looks like territories that move as one in white noise, as simulated ones do."""
    if rank > _WHITE * len(band.coefficients) or sharpness(band) > _SMOOTH:
        return False
    times, values = band.parts[0][:, :rank], band.coefficients
    noise = (values - times @ (times.T @ values)).reshape(-1, *band.field)
    power = float((noise**2).mean())
    if power <= _NOISELESS * float((values**2).mean()):
        return True
    pairs = ((noise[:, 1:], noise[:, :-1]), (noise[:, :, 1:], noise[:, :, :-1]))
    return all(float((one * other).mean()) < _ALIKE * power for one, other in pairs if one.size)


def signal_rank(band: Band) -> int:
    """Count the singular vectors of a sequence that its noise, if white, could not have."""
    return int((band.parts[1] ** 2 > 1.04 * band.chance(band.coefficients.shape[1])).sum())


def flat_units(band: Band, rank: int, pixel: float, seed: int = 0) -> MotorUnits:
    """Identify units whose territories move as one.

    Their confidence is the share of their energy that noise could not have.

    Parameters
    ----------
    band : Band
        The sequence.
    rank : int
        Its `signal_rank`.
    pixel : float
        Size of a pixel [mm].
    seed : int
        As `edges.separate`.
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
