"""The models of translation, each an objective of training.

`CycleGAN` has two generators and a cycle loss, on clips or single frames; `RecycleGAN` adds a
prediction of the next frame; `OneSided` has one light generator and a content loss. Domain A is the
simulated, domain B the in-vivo domain.

Examples
--------
>>> import torch
>>> from musclelib.translation.models import OneSided, OneSidedParameters
>>> model = OneSided(OneSidedParameters(features=4, discriminator_features=4))
>>> a, b = torch.randn(2, 1, 1, 32, 32, 32)  # a clip of each domain
>>> [turn.optimiser for turn in model.turns(a, b)]
['generators', 'discriminators']
"""

from musclelib.translation.models.cyclegan import CycleGAN, CycleGANParameters
from musclelib.translation.models.one_sided import OneSided, OneSidedParameters
from musclelib.translation.models.recyclegan import RecycleGAN, RecycleGANParameters

__all__ = [
    "CycleGAN",
    "CycleGANParameters",
    "OneSided",
    "OneSidedParameters",
    "RecycleGAN",
    "RecycleGANParameters",
]
