"""Translation between image domains: models, their training, and the translation of stores.

Translate
    `translate` one recording of any size, as `plan` divides it; `translate_store` a store with its
    labels. `hidden_information` tests whether a translation hides its source.
Models
    `build` makes one of `MODELS` by name, and `parameter_table` counts their weights; the classes
    are in `musclelib.translation.models`.
Training
    A `TranslationRecipe` holds a training as data, and `RECIPES` those of this package; a
    `Validation` chooses the best checkpoint, and `equalised` sets the time filter of a trained
    generator.

Examples
--------
>>> import numpy as np
>>> from musclelib.translation import build, translate
>>> model = build("one-sided", features=4)
>>> velocity = np.random.default_rng(0).standard_normal((40, 32, 32))  # standardised [SD]
>>> translate(model.to_b.eval(), velocity).shape
(40, 32, 32)
"""

from musclelib.translation.hidden import hidden_information
from musclelib.translation.presets import MODELS, build, parameter_table
from musclelib.translation.recipes import RECIPES, TranslationRecipe
from musclelib.translation.spectra import equalised
from musclelib.translation.store import translate_store
from musclelib.translation.translate import plan, translate
from musclelib.translation.validation import Validation

__all__ = [
    "MODELS",
    "RECIPES",
    "TranslationRecipe",
    "Validation",
    "build",
    "equalised",
    "hidden_information",
    "parameter_table",
    "plan",
    "translate",
    "translate_store",
]
