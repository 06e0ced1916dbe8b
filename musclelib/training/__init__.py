"""The engine of training, independent of tasks: devices, precision, checkpoints, resumption.

Engine
    `train` trains an `Objective` on its examples with Lightning Fabric, on CPU, one GPU or several.
    An objective yields the `Turn` of each optimiser; `TrainingParameters` hold the number of steps
    and an `Optimiser` for each group of networks. `load_averaged` loads the trained networks.
Recipes
    A `Recipe` holds as data what is trained, in which `Stage`, how and on what; `train_recipe`
    follows it, and `ship` writes weights, card and recipe.

Examples
--------
>>> from musclelib.training import Optimiser, TrainingParameters
>>> halved = Optimiser(rate=3e-3, halve_every=100)
>>> halved.rate_at(1), halved.rate_at(250)
(0.003, 0.00075)
>>> parameters = TrainingParameters(1000, optimisers={"all": halved})
>>> parameters.optimiser("generators").rate
0.003
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
