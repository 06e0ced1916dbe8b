"""Sample what scatters: positions, and amplitudes by tissue and depth."""

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
    """How tissue echoes and how it is heard."""

    per_cell: float = quantity(
        10.0, "1", "scatterers in a resolution cell; from 10 on speckle is fully developed", low=1
    )
    f_number: float = quantity(1.5, "1", "depth over width of the receive aperture", above=0)
    skin: float = quantity(6.0, "dB", "echogenicity of skin over muscle", low=-60, high=60)
    fat: float = quantity(-6.0, "dB", "echogenicity of fat over muscle", low=-60, high=60)
    fascia: float = quantity(12.0, "dB", "echogenicity of fascia over muscle", low=-60, high=60)
    muscle: float = quantity(0.0, "dB", "echogenicity of muscle, the reference", low=-60, high=60)
    perimysium: float = quantity(
        6.0, "dB", "echogenicity of the fascicles' walls over muscle", low=-60, high=60
    )
    vessel: float = quantity(
        -20.0, "dB", "echogenicity of blood and vessel wall over muscle", low=-60, high=60
    )
    bone: float = quantity(15.0, "dB", "echogenicity of bone over muscle", low=-60, high=60)
    attenuation: float = quantity(
        0.55, "dB/cm/MHz", "one way, the lowest figure across fibres", low=0, high=5
    )
    # both calibrated and frozen (docs/calibration.md); at 70 dB, muscle at 40 mm is still some 50
    # dB above the noise
    snr: float | None = quantity(
        70.0, "dB", "mean power of the image over that of the noise; None: no noise", high=200
    )
    correlation: float = quantity(
        0.999999, "1", "of out-of-plane decorrelation, from frame to frame", above=0, high=1
    )


@dataclass(frozen=True, eq=False)
class Scatterers:
    """Points that echo; they lie on lines along depth, closer than the probe can tell."""

    depth: NDArray[np.float64]  # (point,) [mm]
    line: NDArray[np.int64]  # (point,) index into lines
    lines: NDArray[np.float64]  # (line,) lateral positions, increasing [mm]
    # (2, point): in the image plane, and what out-of-plane motion brings in
    amplitude: NDArray[np.float32]

    @property
    def position(self) -> NDArray[np.float64]:
        """Depth and lateral position [mm], shape ``(point, 2)``."""
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
    """Scatter points over a cross-section.

    Parameters
    ----------
    parameters : EchoParameters
        Density, echogenicity, attenuation (round trip at the centre frequency).
    recording : Recording
        Gives the resolution cell: the -6 dB width of the pulse times 1.2 wavelengths times the
        f-number.
    depth, lateral : array
        Axes of the label map [mm]; the points fill their extent.
    seed, index : int
        The random stream is that of this sequence's echoes alone.
    label_map : array of int, optional
        Tissue at each pixel, shape ``(depth, lateral)``; muscle everywhere unless told.
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
    # Equal strengths: random ones would need more points a cell for the same speckle.
    amplitude = rng.choice(np.array([-1, 1], np.float32), (2, count))
    nearest = RegularGridInterpolator((depth, lateral), labels, method="nearest")
    code = nearest(np.stack([z, lines[line]], axis=1)).astype(int)
    loss = 2 * parameters.attenuation * recording.centre_frequency * 1e-6 * z / 10  # [dB]
    level = np.array([getattr(parameters, name) for name in names])[code] - loss
    return Scatterers(z, line, lines, amplitude * np.float32(10) ** (level / 20).astype(np.float32))
