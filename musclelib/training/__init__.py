"""Training of networks: devices, precision, checkpoints, resuming, watching.

`train` runs an `Objective`, such as `networks.cyclegan.CycleGAN`, on unpaired clips of two domains;
`fit` runs a `Supervised` one, such as `networks.detection.Detection`, on examples with their truth.
Both use Lightning Fabric on CPU, one GPU or several. `load_averaged` gives the trained networks
back from a checkpoint.
"""

from musclelib.training.checkpoint import TrainingError, load_averaged
from musclelib.training.loop import fit, train
from musclelib.training.objective import Objective, Supervised, TrainingParameters

__all__ = [
    "Objective",
    "Supervised",
    "TrainingError",
    "TrainingParameters",
    "fit",
    "load_averaged",
    "train",
]
