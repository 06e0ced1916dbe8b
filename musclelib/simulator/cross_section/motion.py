"""Motion of tissue as a sum of maps times signals, whose size does not grow with the frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates


@dataclass(frozen=True, eq=False)
class Motion:
    """Axial displacement as a sum of maps times signals: u(x, t) = sum_k gain_k(x) signal_k(t).

    Displacement towards the probe is positive; it is zero in the frame before the first.
    """

    gain: np.ndarray  # (source, depth, lateral) float32 [1]
    signal: np.ndarray  # (source, time) float32 [um]
    depth: np.ndarray  # (depth,) [mm]
    lateral: np.ndarray  # (lateral,) [mm]
    rate: float  # frame rate [Hz]

    def __post_init__(self) -> None:
        if (
            self.gain.shape != (len(self.signal), len(self.depth), len(self.lateral))
            or self.signal.ndim != 2
        ):
            raise ValueError(
                f"gain {self.gain.shape}, signal {self.signal.shape}: allowed are (source, depth,"
                f" lateral) with {len(self.depth)} x {len(self.lateral)} pixels, and (source, time)"
            )

    def displacement(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the displacement in frames `start` to `stop`, `(time, depth, lateral)` [um]."""
        return np.tensordot(self.signal[:, start:stop], self.gain, (0, 0))

    def velocity(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the velocity in frames `start` to `stop`, `(time, depth, lateral)` [mm/s].

        It is the displacement since the previous frame times the frame rate, the result of a
        perfect estimator.
        """
        return np.tensordot(
            self._signal_velocity()[:, start:stop].astype(np.float32), self.gain, (0, 0)
        )

    def gain_at(self, points: np.ndarray) -> np.ndarray:
        """Interpolate the gains bilinearly between pixels.

        Parameters
        ----------
        points : numpy.ndarray
            Depth and lateral position `(point, 2)` [mm]; points outside the grid take the value at
            its edge.

        Returns
        -------
        numpy.ndarray
            `(source, point)`, float32.
        """
        index = [
            np.interp(points[:, axis], grid, np.arange(len(grid)))
            for axis, grid in enumerate((self.depth, self.lateral))
        ]
        values = np.empty((len(self.gain), len(points)), np.float32)
        for plane, row in zip(self.gain, values, strict=True):
            map_coordinates(plane, index, output=row, order=1, mode="nearest")
        return values

    def compress(self, tolerance: float) -> Motion:
        """Return the same motion with fewer sources.

        Signals are projected onto the strongest singular vectors of the motion as a matrix of
        pixels by frames. Displacement and velocity have the same weight, each relative to its RMS,
        so that neither slow nor fast motion is lost.

        Parameters
        ----------
        tolerance : float
            Upper bound of the relative RMS errors of displacement and of velocity, over pixels and
            frames.

        Raises
        ------
        ValueError
            The tolerance is not between 0 and 1.
        """
        if not 0 < tolerance < 1:
            raise ValueError(f"tolerance = {tolerance}: allowed is a number between 0 and 1")
        gain = self.gain.reshape(len(self.gain), len(self.depth) * len(self.lateral)).astype(
            np.float64
        )

        # orthonormal maps, and signals to match
        power, vectors = np.linalg.eigh(gain @ gain.T)
        kept = power > 1e-12 * power.max(initial=0)
        root = vectors[:, kept] * np.sqrt(power[kept])  # gain.T = orthonormal maps @ root.T
        orthonormal = (root / power[kept]).T @ gain
        signal, velocity = root.T @ self.signal, root.T @ self._signal_velocity()

        # singular vectors of displacement and velocity together, the weakest first, and the error
        # of leaving out the first 0, 1, ... of them
        shares = [part @ part.T / max(np.sum(part**2), 1e-30) for part in (signal, velocity)]
        weight, left = np.linalg.eigh(shares[0] + shares[1])
        lost = np.sqrt(np.append(0.0, np.cumsum(np.maximum(weight, 0))))
        left = left[:, np.count_nonzero(lost < 0.99 * tolerance) - 1 :]
        maps = left.T @ orthonormal
        peak = np.abs(maps).max(axis=1, keepdims=True)  # gains stay near 1 and signals near [um]
        return Motion(
            (maps / peak).reshape(-1, *self.gain.shape[1:]).astype(np.float32),
            (peak * (left.T @ signal)).astype(np.float32),
            self.depth,
            self.lateral,
            self.rate,
        )

    def _signal_velocity(self) -> np.ndarray:
        """Return the time derivative of each signal, `(source, time)` [mm/s]."""
        return np.diff(self.signal.astype(np.float64), axis=1, prepend=0.0) * (self.rate * 1e-3)
