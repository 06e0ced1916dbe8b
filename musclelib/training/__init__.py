"""The engine of training, blind to tasks: devices, precision, checkpoints, resuming, watching.

`train` runs an `Objective` on its examples, with Lightning Fabric, on CPU, one GPU or several;
`load_averaged` gives the trained networks back from a checkpoint. A `Recipe` says as data what is
trained, how and on what: `train_recipe` follows it, and `ship` writes weights, card and recipe.
"""

from musclelib.training.card import ship
from musclelib.training.checkpoint import TrainingError, load_averaged
from musclelib.training.loop import train
from musclelib.training.objective import Objective, Optimiser, TrainingParameters, Turn
from musclelib.training.recipe import Recipe, Stage, train_recipe

__all__ = [
    "Objective",
    "Optimiser",
    "Recipe",
    "Stage",
    "TrainingError",
    "TrainingParameters",
    "Turn",
    "load_averaged",
    "ship",
    "train",
    "train_recipe",
]
