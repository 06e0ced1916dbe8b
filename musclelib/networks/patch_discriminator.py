"""The PatchGAN discriminator of CycleGAN, on clips (3-D) or single frames (2-D)."""

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
    """What a discriminator is built from."""

    kernel: str = quantity(
        "clip", "1", "3-D network on clips or 2-D on single frames", choices=("clip", "single")
    )
    features: int = quantity(64, "1", "channels of the first layer", low=1)
    temporal_stride: int = quantity(
        2, "1", "stride of the first three layers on time", choices=(1, 2)
    )


class Discriminator(nn.Module):
    """Score how real each patch of clips `(batch, 1, time, depth, lateral)` [SD] is.

    Five convolutions of kernel 4 and padding 1 with strides 2, 2, 2, 1, 1 in space; features times
    1, 2, 4, 8, and one score. LeakyReLU of 0.2 follows all but the last, InstanceNorm the three in
    the middle. On time, kernel and padding are the same, and so is the stride, unless
    `temporal_stride` is 1: then it is 1 in every layer.

    A score sees 70 x 70 pixels. Of time it sees 70 frames at temporal stride 2: of a clip of 32
    frames there are 2 scores on time, and each sees the whole clip and the zeros around it. At
    temporal stride 1 it sees 16 frames: a clip of 32 has 27 scores on time. On single frames it
    sees one frame, and there is a score for each.

    Attributes
    ----------
    settings : DiscriminatorParameters
        What it was built from.
    smallest : tuple of int
        Time, depth and lateral must be at least this: below it, nothing is left to score.
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
            # padded before, not within the convolution: where no score sees the whole kernel on
            # time, the bfloat16 kernels of CPUs return a gradient of the weights with memory in it
            # that was never set (torch 2.13)
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
