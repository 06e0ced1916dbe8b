"""Set the time filter of a trained generator from the ratio of two spectra of whole sequences.

An acquisition filters along time over more frames than a generator reaches and a clip has, so clips
cannot teach the filter. It needs no training either: its gain is the square root of the ratio of
the mean spectra of both domains.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musclelib.metrics.compare import Features
from musclelib.networks.light_generator import LightGenerator
from musclelib.networks.time_filter import TimeFilter
from musclelib.translation.translate import translate

HALF = 16
"""Number of frames to either side in the filter, whose total length is that of a clip."""


def equalised(
    generator: LightGenerator, originals: Sequence[np.ndarray], target: Features, frame_rate: float
) -> LightGenerator:
    """Return a generator with a time filter that gives its translations the target's spectrum.

    The filter changes the shape of the spectrum and keeps its power.

    Parameters
    ----------
    generator : LightGenerator
        A trained generator; a filter that it has is removed first.
    originals : sequence of numpy.ndarray
        Sequences `(time, depth, lateral)` of domain A that no test uses, standardised [SD].
    target : Features
        Features of the training set of domain B.
    frame_rate : float
        Frame rate of both domains [Hz].

    Raises
    ------
    ValueError
        No original is given, or spectra of originals and target are on different frequencies.
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
