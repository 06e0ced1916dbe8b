"""Nine virtual subjects, whose anatomy and physiology differ."""

from __future__ import annotations

from dataclasses import dataclass

from musclelib.parameters import ParameterError
from musclelib.simulator.cross_section.parameters import TissueParameters


@dataclass(frozen=True)
class Subject:
    """One virtual subject."""

    number: int
    tissue: TissueParameters
    firing_rate: tuple[float, float]  # range of the units' mean firing rates [Hz]
    attenuation: float  # attenuation of ultrasound in muscle [dB/cm/MHz]
    snr: float  # ratio of the mean power of the image to that of electronic noise [dB]


# Each column has nine evenly spaced values, each column in another order, so that no two quantities
# rise together: fat 2-6 mm, fascicles 1.2-1.6 mm, bone at 30-38 mm, shear speed 1.35 m/s +- 20 %,
# pulse 1-1.3 Hz, centre of the 8-13 Hz firing rates, attenuation across fibres 0.55-0.95 dB/cm/MHz,
# echo SNR 62-78 dB
_TABLE = (
    # fat, fascicle, bone, shear, pulse, firing, attenuation, snr
    (4.0, 1.30, 31.0, 1.4850, 1.1500, 11.0, 0.60, 76.0),
    (2.0, 1.45, 36.0, 1.2150, 1.2625, 9.50, 0.85, 64.0),
    (5.5, 1.20, 34.0, 1.3500, 1.0375, 10.5, 0.95, 70.0),
    (3.0, 1.55, 38.0, 1.6200, 1.0750, 10.25, 0.70, 68.0),
    (6.0, 1.40, 32.0, 1.0800, 1.2250, 10.75, 0.80, 78.0),
    (2.5, 1.25, 33.0, 1.1475, 1.1125, 9.75, 0.65, 66.0),
    (4.5, 1.60, 35.0, 1.4175, 1.3000, 11.25, 0.75, 62.0),
    (3.5, 1.35, 30.0, 1.2825, 1.1875, 11.5, 0.90, 74.0),
    (5.0, 1.50, 37.0, 1.5525, 1.0000, 10.0, 0.55, 72.0),
)

SUBJECTS = len(_TABLE)
"""Number of virtual subjects."""


def subject(number: int) -> Subject:
    """Return the virtual subject of a number from 0 to 8.

    Raises
    ------
    ParameterError
        No subject has this number.
    """
    if not isinstance(number, int) or isinstance(number, bool) or number not in range(SUBJECTS):
        raise ParameterError(f"subject {number!r}: allowed are 0 to {SUBJECTS - 1}")
    fat, fascicle, bone, shear, pulse, firing, attenuation, snr = _TABLE[number]
    tissue = TissueParameters(
        fat=fat,
        fascicle_size=fascicle,
        bone_depth=bone,
        shear_speed=shear,
        # the heart rate of one person varies a little
        pulse_rate=(max(pulse - 0.05, 1.0), min(pulse + 0.05, 1.3)),
    )
    return Subject(number, tissue, (firing - 1.5, firing + 1.5), attenuation, snr)
