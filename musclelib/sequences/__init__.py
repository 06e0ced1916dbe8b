"""Sequences: an `xarray.Dataset` of fixed names and units, kept in zarr stores.

Data sets
    `build` makes a data set from arrays, and `check` compares one with the `SCHEMA`. `frame_rate`
    and `pixel_size` return its sampling, `digest` a hash that identifies its sequences.
Stores
    `write` puts a data set into a store and `append` adds sequences. To fill a store one sequence
    after the other, `missing` lists those to make, and `create`, `put` and `finish` write them;
    `remove` removes a store. `open` returns a lazy data set, `each` yields its sequences one by
    one, `true_velocity` their true velocity.
Standardisation
    `moments` are mean and SD of a sequence, `standardisation` has them as variables, and
    `standardised` scales by them.
Training clips
    `musclelib.sequences.clips.Clips` reads random clips as torch tensors.

Examples
--------
>>> import numpy as np
>>> from musclelib import sequences
>>> dataset = sequences.build(
...     {"velocity": np.zeros((2, 64, 8, 8))},  # sequence, time, depth, lateral [mm/s]
...     time=np.arange(64) / 200,
...     depth=np.arange(8) * 0.5,
...     lateral=np.arange(8) * 0.5,
...     domain="simulated",
...     source="an example",
... )
>>> sequences.frame_rate(dataset), sequences.pixel_size(dataset)
(200.0, (0.5, 0.5))
"""

from musclelib.sequences.digest import digest
from musclelib.sequences.fill import missing
from musclelib.sequences.moments import moments, standardisation, standardised
from musclelib.sequences.sampling import frame_rate, pixel_size
from musclelib.sequences.schema import DOMAINS, SCHEMA, SequenceError, build, check
from musclelib.sequences.store import (
    CLIP_FRAMES,
    append,
    create,
    each,
    finish,
    open,
    put,
    remove,
    true_velocity,
    write,
)

__all__ = [
    "CLIP_FRAMES",
    "DOMAINS",
    "SCHEMA",
    "SequenceError",
    "append",
    "build",
    "check",
    "create",
    "digest",
    "each",
    "finish",
    "frame_rate",
    "missing",
    "moments",
    "open",
    "pixel_size",
    "put",
    "remove",
    "standardisation",
    "standardised",
    "true_velocity",
    "write",
]
