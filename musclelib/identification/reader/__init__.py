"""The reader of territories: its input, its training data and its recipe.

`Components` are the separated components of a sequence, as images; `read_territories` turns them
into motor units by a trained network. `labelled` separates the sequences of a store whose units are
known and returns a `Labelled` for each; `LabelledComponents` draws training batches from these,
`ReadingValidation` validates on others, and `READER` is the `ReaderRecipe` of the shipped weights.

Examples
--------
>>> import numpy as np
>>> from musclelib.identification.reader import Components
>>> velocity = 0.01 * np.random.default_rng(0).standard_normal((200, 16, 16))
>>> velocity[:, 4:9, 4:9] += np.sin(0.3 * np.arange(200))[:, None, None]  # one territory
>>> Components.of(velocity, 200.0, (0.625, 0.625)).images.shape
(1, 5, 16, 16)
"""

from musclelib.identification.reader.components import Components
from musclelib.identification.reader.labelled import (
    Labelled,
    LabelledComponents,
    ReadingValidation,
    labelled,
)
from musclelib.identification.reader.read import read_territories
from musclelib.identification.reader.recipe import READER, ReaderRecipe

__all__ = [
    "READER",
    "Components",
    "Labelled",
    "LabelledComponents",
    "ReaderRecipe",
    "ReadingValidation",
    "labelled",
    "read_territories",
]
