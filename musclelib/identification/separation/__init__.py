"""Building blocks with which the methods of identification separate a sequence.

Signal and noise
    A `Band` holds a sequence in the frequencies of twitches; `noise_variance` and `signal_rank`
    separate signal from white noise, `low_rank` returns the signal's maps and courses, and
    `common_motion` finds the motion of the whole field, a `CommonMotion`.
Components
    `separate` finds components whose territories have sharp rims, which `sharpness` measures;
    `infomax` finds components that are independent in space and in time.
Territories
    `Flat` explains a sequence by flat territories; `largest_lobe` and `contrast` take a territory
    from one map; `regions` cover a field, and `distinct` and `merge` unite what several regions
    found.

Examples
--------
>>> import numpy as np
>>> from musclelib.identification.separation import signal_rank
>>> rng = np.random.default_rng(0)
>>> signal = 5 * rng.standard_normal((100, 3)) @ rng.standard_normal((3, 400))
>>> sequence = signal + rng.standard_normal((100, 400))  # time by pixel
>>> signal_rank(np.linalg.svd(sequence, compute_uv=False), *sequence.shape)
3
"""

from musclelib.identification.separation.band import Band
from musclelib.identification.separation.common_motion import CommonMotion, common_motion
from musclelib.identification.separation.flat import Flat
from musclelib.identification.separation.infomax import infomax
from musclelib.identification.separation.lobes import contrast, largest_lobe
from musclelib.identification.separation.low_rank import low_rank
from musclelib.identification.separation.noise import noise_variance, signal_rank
from musclelib.identification.separation.regions import distinct, merge, regions
from musclelib.identification.separation.rims import separate, sharpness

__all__ = [
    "Band",
    "CommonMotion",
    "Flat",
    "common_motion",
    "contrast",
    "distinct",
    "infomax",
    "largest_lobe",
    "low_rank",
    "merge",
    "noise_variance",
    "regions",
    "separate",
    "sharpness",
    "signal_rank",
]
