"""Training of translation networks on unpaired clips: devices, precision, checkpoints, resuming, watching.

`train` runs an `Objective`, such as `networks.cyclegan.CycleGAN`, with Lightning Fabric on CPU, one GPU or several.
`load_averaged` gives the trained generators back from a checkpoint of it.
"""

from musclelib.training.checkpoint import TrainingError, load_averaged
from musclelib.training.loop import train
from musclelib.training.objective import Objective, TrainingParameters

__all__ = ["Objective", "TrainingError", "TrainingParameters", "load_averaged", "train"]
