"""The ResNet generator of CycleGAN for clips (3-D) or single frames (2-D), as paper 1 uses it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from musclelib.networks.layers import (
    InstanceNorm,
    NoiseInjection,
    bounded,
    check_clips,
    convolution,
    fold,
    initialise,
    size,
    unfold,
)
from musclelib.networks.single_channel import SingleChannel2d, SingleChannel3d
from musclelib.parameters import Parameters, quantity


@dataclass(frozen=True)
class GeneratorParameters(Parameters):
    """The parts of a generator; the defaults are paper 1's "3D cycleGAN default"."""

    kernel: str = quantity(
        "clip", doc="3-D network for clips or 2-D for single frames", choices=("clip", "single")
    )
    features: int = quantity(
        32, doc="channels of the first layer, in paper 1 half as many as in CycleGAN", low=1
    )
    blocks: int = quantity(6, doc="number of residual blocks", low=1)
    temporal_stride: int = quantity(
        2, doc="stride of down- and upsampling along time", choices=(1, 2)
    )
    noise: bool = quantity(False, doc="whether noise is injected into the residual blocks")
    limit: float | None = quantity(
        20.0,
        "SD",
        "largest output: limit * tanh(x / limit); None is linear, 1 is CycleGAN's tanh",
        above=0,
    )


class ResidualBlock(nn.Module):
    """Two reflection-padded convolutions with kernel 3, whose result is added to the input.

    Noise, if wanted, and InstanceNorm follow each; a ReLU stands between the two.
    """

    def __init__(self, channels: int, kernel: str, noise: bool) -> None:
        super().__init__()
        convolve, _, pad = convolution(kernel)
        layers: list[nn.Module] = []
        for last in (False, True):
            layers += [pad(1), convolve(channels, channels, 3)]
            layers += [NoiseInjection(channels)] if noise else []
            layers += [InstanceNorm()] if last else [InstanceNorm(), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of input and residual, of the same shape."""
        return x + self.layers(x)


class Generator(nn.Module):
    """Translate clips `(batch, 1, time, depth, lateral)` [SD] into clips of the same shape.

    The layers are a convolution with kernel 7 after reflection padding of 3; two convolutions with
    kernel 3 and stride 2; the residual blocks; two transposed convolutions with kernel 3; and again
    padding and a convolution with kernel 7. InstanceNorm and ReLU follow all but the last. With a
    temporal stride of 1 the strided layers keep the number of frames. The network for single frames
    takes clips as well: it folds time into the batch, and draws a noise map for every frame.

    Attributes
    ----------
    settings : GeneratorParameters
        The parameters that the network was built from.
    multiple, smallest : tuple of int
        Time, depth and lateral must be multiples of the first and at least the second.
    """

    def __init__(self, settings: GeneratorParameters) -> None:
        super().__init__()
        self.settings = settings
        single, stride = settings.kernel == "single", settings.temporal_stride
        time = 1 if single else stride**2
        self.multiple = (time, 4, 4)
        # reflection needs more pixels than it pads: 3 at full size, 1 at a quarter of it
        self.smallest = (1 if single else 8 if stride == 2 else 4, 8, 8)

        kernel, width = settings.kernel, settings.features
        convolve, transpose, pad = convolution(kernel)
        single_channel = SingleChannel2d if single else SingleChannel3d
        layers: list[nn.Module] = [
            pad(3),
            single_channel(1, width, 7),
            InstanceNorm(),
            nn.ReLU(inplace=True),
        ]
        for _ in range(2):
            layers += [
                convolve(width, 2 * width, 3, size(kernel, stride, 2), 1),
                InstanceNorm(),
                nn.ReLU(inplace=True),
            ]
            width *= 2
        layers += [ResidualBlock(width, kernel, settings.noise) for _ in range(settings.blocks)]
        for _ in range(2):
            up = transpose(
                width, width // 2, 3, size(kernel, stride, 2), 1, size(kernel, stride - 1, 1)
            )
            layers += [up, InstanceNorm(), nn.ReLU(inplace=True)]
            width //= 2
        layers += [pad(3), single_channel(width, 1, 7)]
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the translation, in the dtype of `x`.

        Raises
        ------
        ValueError
            A size is not a multiple of `multiple`, or below `smallest`.
        """
        check_clips(x, self.multiple, self.smallest, "generator")
        y = (
            unfold(self.layers(fold(x)), len(x))
            if self.settings.kernel == "single"
            else self.layers(x)
        )
        # leave autocast's half precision before the range is limited
        return bounded(y.to(x.dtype), self.settings.limit)
