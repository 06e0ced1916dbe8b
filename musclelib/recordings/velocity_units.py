"""The unit of ready-made velocity: what the user and the file say, and whether muscle can move like that."""

from __future__ import annotations

import re

import numpy as np

from musclelib import sequences

FACTORS = {"m/s": 1e3, "cm/s": 10.0, "mm/s": 1.0, "um/s": 1e-3}
"""Units that velocity is read in, each in [mm/s]."""

# Of 60 simulated sequences with a single motor unit and no noise the weakest has an RMS of 0.0018
# mm/s; real recordings have noise as well. Joints turn tissue by some 100 mm/s, the public rotating
# disk reaches 777 mm/s, and the Nyquist velocity of 2.5 MHz at 20 000 frames a second is 3 m/s.
# What lies beyond these bounds is in another unit.
LOWEST_RMS = 1e-3
"""Root mean square that every recording reaches which moves at all [mm/s]."""
HIGHEST = 1e4
"""Speed that nothing in a muscle reaches [mm/s]."""


def velocity_unit(given: str | None, stated: str) -> str:
    """Return the unit of a velocity, one of `FACTORS`.

    Parameters
    ----------
    given : str, optional
        What the user says; it has to agree with the file.
    stated : str
        What the file says, such as ``"m s-1"``; empty where it says nothing, and the velocity is in
        mm/s then.

    Raises
    ------
    ValueError
        The user's unit is unknown or not that of the file, or there is only the file's, which is
        unknown.
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
    """Refuse a velocity `(time, depth, lateral)` [mm/s], read as `unit`, that no muscle has.

    Stillness is allowed.

    Raises
    ------
    ValueError
        It is far too slow or too fast; the unit that it is likely in is named.
    """
    rms = float(np.hypot(*sequences.moments(velocity)))
    fastest = float(np.abs(velocity).max(initial=0))
    if not fastest or (rms >= LOWEST_RMS and fastest <= HIGHEST):
        return
    in_unit = {name: factor / FACTORS[unit] for name, factor in FACTORS.items()}
    # nearest to an RMS of 1 mm/s
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
