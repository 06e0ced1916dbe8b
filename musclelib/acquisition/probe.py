"""The probe and its settings in a recording, which the rest of the chain needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musclelib.parameters import Parameters, quantity


@dataclass(frozen=True)
class Recording(Parameters):
    """A plane-wave recording with a linear array.

    The array lies at depth 0 along the lateral axis and is centred on lateral 0. Values that are
    impossible for a pulse-echo probe are refused; most often they are in another unit.
    """

    centre_frequency: float = quantity(
        unit="Hz",
        low=1e5,
        high=1e8,
        doc="transmitted frequency, or the received one of harmonic images",
    )
    sampling_rate: float = quantity(unit="Hz", doc="fast-time sampling rate of the channel data")
    element_count: int = quantity(low=1, doc="number of receiving elements")
    pitch: float = quantity(unit="mm", doc="distance between the centres of neighbouring elements")
    prf: float | None = quantity(
        None, "Hz", "frame rate; None if the frame interval is unknown", low=20, high=1e5
    )
    bandwidth: float = quantity(
        0.7,
        doc="ratio of the pulse-echo -6 dB bandwidth to the centre frequency",
        above=0,
        high=1.99,
    )
    sound_speed: float = quantity(1540.0, "m/s", "speed of sound", low=1000, high=2000)
    start_time: float = quantity(
        0.0,
        "s",
        "time of the first sample after the centre element transmits",
        low=-1e-3,
        high=1e-3,
    )
    angle: float = quantity(
        0.0, "deg", "steering angle of the plane wave, positive towards +lateral", low=-45, high=45
    )
    demodulation_frequency: float | None = quantity(
        None,
        "Hz",
        "frequency of IQ's down-mixing; None: centre_frequency, 0: the carrier was not removed",
        low=0,
        high=1e8,
    )

    def check(self) -> None:
        """Refuse a pitch far from a wavelength, too slow a sampling and impossible frequencies."""
        wavelength = 1e3 * self.sound_speed / self.centre_frequency  # [mm]
        self.check_between("pitch", 0.1 * wavelength, 10 * wavelength)
        self.check_between("sampling_rate", self.bandwidth * self.centre_frequency, 1e9)
        if self.demodulation_frequency:
            self.check_between("demodulation_frequency", 1e5, 1e8)

    @property
    def element_positions(self) -> NDArray[np.float64]:
        """Lateral positions of the elements [mm], `(element,)`."""
        return np.asarray(
            (np.arange(self.element_count) - (self.element_count - 1) / 2) * self.pitch, np.float64
        )

    @property
    def axial_wavenumber(self) -> float:
        """Phase that an echo at the centre frequency gains per millimetre of depth [rad/mm].

        The path leads out along the steered wave and straight back: `2 pi fc (1 + cos angle) / c`.
        """
        two_way = 1 + np.cos(np.deg2rad(self.angle))
        return float(2e-3 * np.pi * self.centre_frequency * two_way / self.sound_speed)

    @property
    def nyquist_velocity(self) -> float:
        """Axial speed at which the phase between frames wraps [mm/s].

        It is `c PRF / (4 fc)` without steering.

        Raises
        ------
        ValueError
            The frame interval is unknown (`prf` is None).
        """
        if self.prf is None:
            raise ValueError(
                "Recording.prf is None: no velocity without the frame interval; use"
                " displacement_map"
            )
        return float(np.pi / self.axial_wavenumber * self.prf)


L14_5 = Recording(
    centre_frequency=5e6,
    sampling_rate=40e6,
    element_count=128,
    pitch=0.3048,
    prf=2000.0,
)
"""Linear array L14-5/38 on a 40 MHz acquisition module, with plane waves at 2 kHz (paper 1).

The papers do not state the transmitted frequency: 5 MHz, the lower edge of the probe's band, is
assumed because it penetrates deep.
"""

PROBES = {
    "L14-5": L14_5,
    # values of PyMUST for the probes of these names (Verasonics)
    "L11-5v": Recording(
        centre_frequency=7.6e6,
        sampling_rate=30.4e6,
        element_count=128,
        pitch=0.3,
        prf=2000.0,
        bandwidth=0.77,
    ),
    "L12-3v": Recording(
        centre_frequency=7.54e6,
        sampling_rate=30.16e6,
        element_count=192,
        pitch=0.2,
        prf=2000.0,
        bandwidth=0.93,
    ),
}
"""Plane-wave recordings of the probes used here, by the name of the probe."""
