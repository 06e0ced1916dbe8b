"""Match the filter on time of a trained generator: the ratio of two spectra, taken on whole sequences.

An acquisition filters on time over more frames than a generator reaches and a clip has, so clips do
not teach it. It needs no training either: its gain is the root of what the mean spectra of both
domains differ by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musclelib.metrics.compare import Features
from musclelib.networks.light_generator import LightGenerator
from musclelib.networks.time_filter import TimeFilter
from musclelib.translation.translate import translate

HALF = 16
"""Frames to either side: as many in all as a clip has."""


def equalised(
    generator: LightGenerator, originals: Sequence[np.ndarray], target: Features, frame_rate: float
) -> LightGenerator:
    """Return a generator with a filter on time, after which the spectra of its translations have the target's shape.

    Parameters
    ----------
    generator : LightGenerator
        Trained; a filter that it has is taken out first.
    originals : sequence of numpy.ndarray
        Sequences `(time, depth, lateral)` of domain A, not those of a test, standardised [SD].
    target : Features
        Of domain B's training set.
    frame_rate : float
        Of both domains, frames a second [Hz].

    Raises
    ------
    ValueError
        There is no original, or its spectrum is on other frequencies than the target's.
    """
    if not originals:
        raise ValueError("originals: at least one sequence is needed to match a filter")
    weights = {
        name: values
        for name, values in generator.state_dict().items()
        if not name.startswith("time_filter.")
    }
    bare, filtered = (
        LightGenerator(generator.settings.changed(time_filter=half)) for half in (0, HALF)
    )
    bare.load_state_dict(weights)
    filtered.load_state_dict(weights, strict=False)
    own = Features.of((translate(bare, original) for original in originals), frame_rate)
    if not np.array_equal(own.frequency, target.frequency):
        raise ValueError(
            f"originals: their spectra are on other frequencies ({len(own.frequency)} lines) than"
            f" the target's ({len(target.frequency)} lines): frame rate and duration (0.5 s at"
            " least) must agree"
        )
    assert isinstance(filtered.time_filter, TimeFilter)
    filtered.time_filter.equalise(
        own.log_psd.mean(axis=0), target.log_psd.mean(axis=0), own.frequency, frame_rate
    )
    return filtered.eval()
