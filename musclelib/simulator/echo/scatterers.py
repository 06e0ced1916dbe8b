"""Sample scatterers: their positions, and their amplitudes by tissue and depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RegularGridInterpolator

from musclelib.acquisition import Recording
from musclelib.parameters import Parameters, quantity
from musclelib.simulator.echo.psf import pulse_length
from musclelib.streams import Purpose, stream


@dataclass(frozen=True)
class EchoParameters(Parameters):
    """The echoes of tissues, and the noise and decorrelation of their images."""

    per_cell: float = quantity(
        10.0,
        doc="scatterers in a resolution cell; speckle is fully developed from 10 on",
        low=1,
    )
    f_number: float = quantity(1.5, doc="ratio of depth to width of the receive aperture", above=0)
    skin: float = quantity(6.0, "dB", "echogenicity of skin re muscle", low=-60, high=60)
    fat: float = quantity(-6.0, "dB", "echogenicity of fat re muscle", low=-60, high=60)
    fascia: float = quantity(12.0, "dB", "echogenicity of fascia re muscle", low=-60, high=60)
    muscle: float = quantity(0.0, "dB", "echogenicity of muscle, the reference", low=-60, high=60)
    perimysium: float = quantity(
        6.0, "dB", "echogenicity of the fascicles' walls re muscle", low=-60, high=60
    )
    vessel: float = quantity(
        -20.0, "dB", "echogenicity of blood and vessel wall re muscle", low=-60, high=60
    )
    bone: float = quantity(15.0, "dB", "echogenicity of bone re muscle", low=-60, high=60)
    attenuation: float = quantity(
        0.55, "dB/cm/MHz", "one-way attenuation, the lowest value across fibres", low=0, high=5
    )
    # both calibrated and frozen (docs/calibration.md); at 70 dB, muscle at 40 mm is still about 50
    # dB above the noise
    snr: float | None = quantity(
        70.0, "dB", "mean power of the image re that of the noise; None: no noise", high=200
    )
    correlation: float = quantity(
        0.999999,
        doc="correlation of successive frames due to out-of-plane motion",
        above=0,
        high=1,
    )


@dataclass(frozen=True, eq=False)
class Scatterers:
    """Point scatterers on lines along depth, which are closer than the probe can resolve."""

    depth: NDArray[np.float64]  # (point,) [mm]
    line: NDArray[np.int64]  # (point,): indices into lines
    lines: NDArray[np.float64]  # (line,): lateral positions, increasing [mm]
    # (2, point): in the image plane, and those that out-of-plane motion brings in
    amplitude: NDArray[np.float32]

    @property
    def position(self) -> NDArray[np.float64]:
        """Depth and lateral position [mm], `(point, 2)`."""
        return np.stack([self.depth, self.lines[self.line]], axis=1)


def sample_scatterers(
    parameters: EchoParameters,
    recording: Recording,
    depth: ArrayLike,
    lateral: ArrayLike,
    seed: int,
    index: int,
    label_map: NDArray[np.integer] | None = None,
    names: Sequence[str] = ("muscle",),
) -> Scatterers:
    """Draw point scatterers over a cross-section.

    Parameters
    ----------
    parameters : EchoParameters
        Density, echogenicity, attenuation (round trip at the centre frequency).
    recording : Recording
        Probe, which determines the resolution cell: the -6 dB width of the pulse times 1.2
        wavelengths times the f-number.
    depth, lateral : numpy.ndarray
        Axes of the label map [mm], whose extent the points fill.
    seed, index : int
        Seed of the set and number of the sequence.
    label_map : numpy.ndarray of int, optional
        Tissue at each pixel, `(depth, lateral)`; by default muscle everywhere.
    names : sequence of str
        Tissue of each code of the label map: a field of `parameters` with an echogenicity.

    Raises
    ------
    ValueError
        The label map does not fit the axes, or holds a tissue without an echogenicity.
    """
    depth, lateral = np.asarray(depth, float), np.asarray(lateral, float)
    labels = (
        np.zeros((depth.size, lateral.size), int) if label_map is None else np.asarray(label_map)
    )
    if labels.shape != (depth.size, lateral.size):
        raise ValueError(
            f"label_map has shape {labels.shape}; depth and lateral need"
            f" {(depth.size, lateral.size)}"
        )
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"label_map holds codes {labels.min()} to {labels.max()}; names has 0 to"
            f" {len(names) - 1}"
        )
    tissues = ("skin", "fat", "fascia", "muscle", "perimysium", "vessel", "bone")
    unknown = [name for name in names if name not in tissues]
    if unknown:
        raise ValueError(
            f"no echogenicity for tissue {unknown[0]!r}; allowed are {', '.join(tissues)}"
        )
    wavelength = recording.sound_speed * 1e3 / recording.centre_frequency  # [mm]
    cell = np.sqrt(8 * np.log(2)) * pulse_length(recording) * 1.2 * wavelength * parameters.f_number
    count = int(np.ceil(parameters.per_cell * np.ptp(depth) * np.ptp(lateral) / cell))
    spacing = wavelength * parameters.f_number / 6
    lines = np.linspace(lateral[0], lateral[-1], int(np.ceil(np.ptp(lateral) / spacing)) + 1)

    rng = stream(Purpose.SCATTERERS, seed, index)
    z = rng.uniform(depth[0], depth[-1], count)
    line = rng.integers(0, lines.size, count)
    # equal strengths; random ones would need more points in a cell for the same speckle
    amplitude = rng.choice(np.array([-1, 1], np.float32), (2, count))
    nearest = RegularGridInterpolator((depth, lateral), labels, method="nearest")
    code = nearest(np.stack([z, lines[line]], axis=1)).astype(int)
    loss = 2 * parameters.attenuation * recording.centre_frequency * 1e-6 * z / 10  # [dB]
    level = np.array([getattr(parameters, name) for name in names])[code] - loss
    return Scatterers(z, line, lines, amplitude * np.float32(10) ** (level / 20).astype(np.float32))
