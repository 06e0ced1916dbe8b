"""Test whether a translation hides its source, by faint noise added before the way back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from musclelib.streams import Purpose, stream
from musclelib.translation.translate import Translator, translate


def hidden_information(
    there: Translator,
    back: Translator,
    velocity: np.ndarray,
    noise: Sequence[float] = (0.0, 0.01, 0.03, 0.1, 0.3),
    seed: int = 0,
) -> pd.DataFrame:
    """Translate there and back with white noise added in between, and compare with the source.

    A cycle loss rewards a network that encodes its source in faint details, from which the way back
    reconstructs it. Faint noise then spoils the reconstruction; if the way back uses what is
    visible, faint noise changes little.

    Parameters
    ----------
    there, back : Generator
        The two generators of a CycleGAN.
    velocity : numpy.ndarray
        `(time, depth, lateral)`, standardised [SD].
    noise : sequence of float
        SD of the noise, relative to the SD of the translation.
    seed : int
        Seed of the noise.

    Returns
    -------
    pandas.DataFrame
        A row for each level of "Noise": "Error", the ratio of the mean absolute difference from the
        source to the source's mean absolute value, and the "Correlation" with the source.
    """
    translation = translate(there, velocity)
    rng = stream(Purpose.HIDDEN_NOISE, seed)
    white = rng.standard_normal(translation.shape, dtype=np.float32) * translation.std()
    rows = {}
    for level in noise:
        again = translate(back, translation + np.float32(level) * white)
        rows[level] = {
            "Error": float(np.abs(again - velocity).mean() / np.abs(velocity).mean()),
            "Correlation": float(np.corrcoef(again.ravel(), velocity.ravel())[0, 1]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Noise")
