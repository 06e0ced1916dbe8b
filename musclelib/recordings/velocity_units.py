"""The unit of ready-made velocity, from the user and the file, and whether it is plausible."""

from __future__ import annotations

import re

import numpy as np

from musclelib import sequences

FACTORS = {"m/s": 1e3, "cm/s": 10.0, "mm/s": 1.0, "um/s": 1e-3}
"""Units of velocity that can be read, each in [mm/s]."""

# Of 60 simulated sequences with a single motor unit and no noise, the weakest has an RMS of 0.0018
# mm/s; real recordings have noise as well. Joints move tissue at about 100 mm/s, the public
# rotating disk reaches 777 mm/s, and the Nyquist velocity at 2.5 MHz and 20 000 frames a second is
# 3 m/s. A velocity beyond these bounds is in another unit.
LOWEST_RMS = 1e-3
"""Smallest root mean square of a recording that moves at all [mm/s]."""

HIGHEST = 1e4
"""Upper limit of the speed in a muscle [mm/s]."""


def velocity_unit(given: str | None, stated: str) -> str:
    """Return the unit of a velocity, one of `FACTORS`.

    Parameters
    ----------
    given : str, optional
        The unit according to the user, which must agree with the file.
    stated : str
        The unit according to the file, such as `"m s-1"`, or empty. Without either the velocity is
        in mm/s.

    Raises
    ------
    ValueError
        The user's unit is unknown or differs from that of the file, or the file's is unknown and
        the user gives none.
    """
    if given is not None and given not in FACTORS:
        raise ValueError(
            f"unit = {given!r}: allowed are {', '.join(map(repr, FACTORS))}, or None as the file"
            " says"
        )
    plain = stated.strip().translate({ord("µ"): "u", ord("μ"): "u", ord("⁻"): "-", ord("¹"): "1"})
    plain = re.sub(r"\s*(/\s*s(ec)?|[ .*·]\s*s(\^|\*\*)?-1)$", "/s", plain)
    if given and plain in FACTORS and given != plain:
        raise ValueError(
            f"unit = {given!r}, but the file says that its velocity is in {stated!r}; give None or"
            " mend it"
        )
    if not given and stated and plain not in FACTORS:
        raise ValueError(
            f"the file says {stated!r}, no known unit of velocity; give unit, one of"
            f" {', '.join(FACTORS)}"
        )
    return given or plain or "mm/s"


def check_plausible(velocity: np.ndarray, unit: str) -> None:
    """Refuse a velocity that is impossible in muscle; a velocity of 0 everywhere is allowed.

    Parameters
    ----------
    velocity : numpy.ndarray
        `(time, depth, lateral)` [mm/s].
    unit : str
        The unit that it was converted from, one of `FACTORS`.

    Raises
    ------
    ValueError
        The velocity is far too slow or too fast; the message names the unit that is likely.
    """
    rms = float(np.hypot(*sequences.moments(velocity)))
    fastest = float(np.abs(velocity).max(initial=0))
    if not fastest or (rms >= LOWEST_RMS and fastest <= HIGHEST):
        return
    in_unit = {name: factor / FACTORS[unit] for name, factor in FACTORS.items()}
    # the likely unit is the one with an RMS nearest to 1 mm/s
    likely = min(FACTORS, key=lambda name: abs(np.log10(rms * in_unit[name])))
    fits = rms * in_unit[likely] >= LOWEST_RMS and fastest * in_unit[likely] <= HIGHEST
    raise ValueError(
        f"velocity read as {unit} has an RMS of {rms:.2g} mm/s and reaches {fastest:.2g} mm/s;"
        f" muscle has an RMS above {LOWEST_RMS:g} mm/s and stays below {HIGHEST:g} mm/s: "
        + (
            f"it is likely in {likely}"
            if fits
            else "it is in no unit of velocity, or numbers mark missing pixels"
        )
    )
