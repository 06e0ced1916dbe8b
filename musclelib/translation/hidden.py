"""Whether a translation hides its source: noise that no eye would see, added before the way back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from musclelib.translation.translate import Translator, translate


def hidden_information(
    there: Translator,
    back: Translator,
    velocity: np.ndarray,
    noise: Sequence[float] = (0.0, 0.01, 0.03, 0.1, 0.3),
    seed: int = 0,
) -> pd.DataFrame:
    """Translate there and back, white noise added between, and compare with the source.

    A cycle loss rewards a network that writes its source into faint details, from which the way
    back reads it. Then little noise spoils the reconstruction; where it reads what can be seen,
    little noise changes little.

    Parameters
    ----------
    there, back : Generator
        The two networks of a CycleGAN.
    velocity : numpy.ndarray
        `(time, depth, lateral)`, standardised [SD].
    noise : sequence of float
        SD of the noise, in units of that of the translation.
    seed : int
        Seed of the noise.

    Returns
    -------
    pandas.DataFrame
        By "Noise": "Error", the mean absolute difference from the source over the source's mean
        absolute value, and "Correlation" with it.
    """
    translation = translate(there, velocity)
    white = (
        np.random.default_rng(seed).standard_normal(translation.shape, dtype=np.float32)
        * translation.std()
    )
    rows = {}
    for level in noise:
        again = translate(back, translation + np.float32(level) * white)
        rows[level] = {
            "Error": float(np.abs(again - velocity).mean() / np.abs(velocity).mean()),
            "Correlation": float(np.corrcoef(again.ravel(), velocity.ravel())[0, 1]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Noise")
