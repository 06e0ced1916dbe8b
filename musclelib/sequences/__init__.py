"""Ground floor: what a sequence is, and how it is created, appended to, opened, checked and read in clips."""

from musclelib.sequences.digest import digest
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
