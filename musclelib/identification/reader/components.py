"""The components of a sequence with smooth maps, as images that a network can read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musclelib.identification.separation.band import Band
from musclelib.identification.separation.rims import LAG, separate

PIXEL = 0.625
"""Size of a pixel of the images [mm]; finer fields are averaged over blocks."""

_SHARE = 1e-4  # share of the energy of a sequence: weaker singular vectors are left out
_MOST = 24  # largest number of components of a sequence


@dataclass(frozen=True)
class Components:
    """Separated components of one sequence.

    Attributes
    ----------
    images : numpy.ndarray
        `(component, 5, depth, lateral)`, float32, without unit. The images are the signed square
        root of the map, the map itself, relative to its peak, the correlation of the component's
        train with every pixel, the logarithm of the sequence's SD relative to its maximum, and the
        logarithm of the component's energy relative to that of the strongest component.
    trains : numpy.ndarray
        `(component, time)`, float32; a train times the map relative to its peak is in the unit of
        the sequence.
    block : int
        Number of pixels of the field along each axis in a pixel of the images.
    field : tuple of int
        Number of pixels of the field along depth and lateral.
    """

    images: np.ndarray
    trains: np.ndarray
    block: int
    field: tuple[int, int]

    @classmethod
    def of(
        cls, velocity: np.ndarray, frame_rate: float, spacing: tuple[float, float], seed: int = 0
    ) -> Components:
        """Separate a sequence into components.

        Parameters
        ----------
        velocity : numpy.ndarray
            `(time, depth, lateral)`, in any unit.
        frame_rate : float
            Frame rate [Hz].
        spacing : tuple of float
            Size of a pixel along depth and lateral [mm].
        seed : int
            Seed of the initial unmixing.
        """
        field = (velocity.shape[1], velocity.shape[2])
        block = max(1, min(round(PIXEL / float(np.mean(spacing))), *(side // 8 for side in field)))
        band = Band.of(blocks(velocity, block), frame_rate)

        # separate the singular vectors that exceed noise and rounding errors
        powers = band.parts[1] ** 2
        real = (powers > _SHARE * powers.sum()) & (powers > band.chance(band.coefficients.shape[1]))
        if not real.any():
            return cls(
                np.zeros((0, 5, *band.field), np.float32),
                np.zeros((0, len(velocity)), np.float32),
                block,
                field,
            )
        lag = max(1, round(LAG / (block * float(np.mean(spacing)))))
        maps, trains = separate(band, min(_MOST, int(real.sum())), lag, seed)

        # maps relative to their peaks, trains in the unit of the sequence
        flat = maps.reshape(len(maps), -1)
        peaks = flat[np.arange(len(maps)), np.abs(flat).argmax(axis=1)][:, None]
        flat, trains = flat / peaks, trains * peaks

        # correlation of each train with each pixel, and energy of each component
        lengths = np.linalg.norm(band.coefficients, axis=0)  # (pixel,)
        spread = np.linalg.norm(trains, axis=1)  # (component,)
        scale = spread[:, None] * np.maximum(lengths, 1e-12 * lengths.max())
        correlation = trains @ band.coefficients / scale
        energy = np.log10(spread**2 * (flat**2).sum(axis=1))

        images = [
            np.sign(flat) * np.sqrt(np.abs(flat)),
            flat,
            correlation,
            np.broadcast_to(np.log(lengths / lengths.max() + 1e-3) / 4, flat.shape),
            np.broadcast_to((energy - energy.max())[:, None] / 3, flat.shape),
        ]
        shape = (len(maps), len(images), *band.field)
        return cls(
            np.stack(images, axis=1).reshape(shape).astype(np.float32),
            band.over_time(trains),
            block,
            field,
        )


def blocks(values: np.ndarray, side: int) -> np.ndarray:
    """Average `(..., depth, lateral)` over blocks; pixels that do not fill a block are left out."""
    depth, lateral = (length // side for length in values.shape[-2:])
    cut = values[..., : depth * side, : lateral * side]
    return cut.reshape(*values.shape[:-2], depth, side, lateral, side).mean(
        axis=(-3, -1), dtype=np.float32
    )
