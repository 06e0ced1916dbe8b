"""Validate a translation during training: paper 1's Table 1 for a few sequences as one score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from musclelib.metrics.compare import Features, compare, content_consistency, summary
from musclelib.translation.translate import translate


class Validation:
    """Translate whole sequences, and compare them with domain B and with their originals.

    `score`, better if lower, is D_Bhat + (1 - Corr) + (1 - SSI) + (1 - Corr_PSD) + 4 max(0, 0.95 -
    xCorr). The features of domain B always count; the content counts if its correlation falls below
    0.95, the value that the best model should reach.

    Parameters
    ----------
    originals : sequence of numpy.ndarray
        Sequences `(time, depth, lateral)` of domain A outside the training set, standardised [SD].
    target : Features
        Features of the training set of domain B.
    frame_rate : float
        Frame rate [Hz].
    """

    def __init__(
        self, originals: Sequence[np.ndarray], target: Features, frame_rate: float
    ) -> None:
        self.originals, self.target, self.frame_rate = originals, target, frame_rate

    def __call__(self, objective: Any, step: int = 0) -> dict[str, float]:
        """Return the score and its parts."""
        translations = [translate(objective.to_b, original) for original in self.originals]
        looks = summary(compare(Features.of(translations, self.frame_rate), self.target))[
            "mean"
        ].to_dict()
        content = content_consistency(self.originals, translations, self.frame_rate).mean()
        kept = float(content["xCorr"])
        score = (
            looks["D_Bhat"]
            + 3
            - looks["Corr"]
            - looks["SSI"]
            - looks["Corr_PSD"]
            + 4 * max(0.0, 0.95 - kept)
        )
        return {**looks, "xCorr": kept, "Lag_SD": float(content["Lag_SD"]), "score": float(score)}
