"""The PatchGAN discriminator of CycleGAN, for clips (3-D) or single frames (2-D)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from musclelib.networks.layers import (
    InstanceNorm,
    check_clips,
    convolution,
    fold,
    initialise,
    size,
    unfold,
)
from musclelib.parameters import Parameters, quantity


@dataclass(frozen=True)
class DiscriminatorParameters(Parameters):
    """The size and the strides of a discriminator."""

    kernel: str = quantity(
        "clip", doc="3-D network for clips or 2-D for single frames", choices=("clip", "single")
    )
    features: int = quantity(64, doc="channels of the first layer", low=1)
    temporal_stride: int = quantity(
        2, doc="stride of the first three layers along time", choices=(1, 2)
    )


class Discriminator(nn.Module):
    """Score how real each patch of clips `(batch, 1, time, depth, lateral)` [SD] is.

    Five convolutions with kernel 4, padding 1 and strides 2, 2, 2, 1, 1 along depth and lateral
    have 1, 2, 4 and 8 times `features` channels, and one for the score. A LeakyReLU of slope 0.2
    follows all but the last, an InstanceNorm each of the three in the middle. Kernel, padding and
    stride along time are the same, except that the stride is 1 in every layer if `temporal_stride`
    is 1.

    The receptive field of a score is 70 x 70 pixels. At temporal stride 2 it spans 70 frames: a
    clip of 32 frames has 2 scores along time, and each sees the whole clip and the zeros around it.
    At temporal stride 1 it spans 16 frames: a clip of 32 frames has 27 scores along time. For
    single frames there is a score for each frame.

    Attributes
    ----------
    settings : DiscriminatorParameters
        The parameters that the network was built from.
    smallest : tuple of int
        Smallest time, depth and lateral that leave anything to score.
    """

    def __init__(self, settings: DiscriminatorParameters) -> None:
        super().__init__()
        self.settings = settings
        stride = settings.temporal_stride
        self.smallest = (1 if settings.kernel == "single" else 24 if stride == 2 else 6, 24, 24)
        convolve, _, _ = convolution(settings.kernel)
        width = settings.features
        layers: list[nn.Module] = [convolve(1, width, 4, size(settings.kernel, stride, 2), 1)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
        for strided in (True, True, False):
            step = size(settings.kernel, stride if strided else 1, 2 if strided else 1)
            layers += [
                convolve(width, 2 * width, 4, step, 1),
                InstanceNorm(),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            width *= 2
        if settings.kernel == "clip":
            # padded before, not within the convolution: where no score sees the whole kernel along
            # time, torch 2.13 returns a gradient of the weights with uninitialised memory in
            # bfloat16 on CPU
            layers += [
                nn.ConstantPad3d((0, 0, 0, 0, 1, 1), 0.0),
                convolve(width, 1, 4, 1, (0, 1, 1)),
            ]
        else:
            layers += [convolve(width, 1, 4, 1, 1)]
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores `(batch, 1, time, depth, lateral)`, without a sigmoid.

        Raises
        ------
        ValueError
            A size is below `smallest`.
        """
        check_clips(x, (1, 1, 1), self.smallest, "discriminator")
        return (
            unfold(self.layers(fold(x)), len(x))
            if self.settings.kernel == "single"
            else self.layers(x)
        )
