"""Slow fusion: the layers of paper 2 that turn a sequence into one image of features."""

from __future__ import annotations

from torch import Tensor, nn

FRAMES = 400
"""Number of frames that are fused into one image (1 s at 400 Hz)."""


class SlowFusion(nn.Module):
    """Fuse sequences `(batch, 1, 400, depth, lateral)` into one image of 64 features each.

    A strided convolution with kernel 7 x 7 x 7 leads to 8 channels, then three convolutions to 16,
    32 and 64 channels, each followed by max pooling along time: 400 frames become 80, 16, 4 and 1.
    Batch norm and ReLU follow every convolution; weights start as Glorot's. Source: paper 2,
    section III-B and Fig. 2.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = space_time_layer(1, 8, (7, 7, 7), (5, 2, 2))
        for narrow, wide, kernel, pool in ((8, 16, 7, 5), (16, 32, 5, 4), (32, 64, 5, 4)):
            # the last kernel is longer than its input of 4 frames, see `space_time_layer`
            layers += space_time_layer(narrow, wide, (kernel, 3, 3), pad_first=wide == 64)
            layers.append(nn.MaxPool3d((pool, 1, 1)))
        self.layers = nn.Sequential(*layers)
        glorot(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the images, `(batch, 64, depth / 2, lateral / 2)`.

        Raises
        ------
        ValueError
            The sequences are not `(batch, 1, 400, depth, lateral)` with even depth and lateral.
        """
        if x.ndim != 5 or x.shape[1:3] != (1, FRAMES) or x.shape[3] % 2 or x.shape[4] % 2:
            raise ValueError(
                f"slow fusion: input of shape {tuple(x.shape)}; (batch, 1, {FRAMES}, depth,"
                " lateral) is needed, depth and lateral even"
            )
        # time and features: (b, 1, 400, d, l), (b, 8, 80, d/2, l/2), (b, 16, 16, ...), ...
        return self.layers(x).squeeze(2)  # (b, 64, d/2, l/2)


def space_time_layer(
    narrow: int,
    wide: int,
    kernel: tuple[int, int, int],
    stride: tuple[int, int, int] = (1, 1, 1),
    pad_first: bool = False,
) -> list[nn.Module]:
    """Return a padded convolution, its batch norm and ReLU.

    Parameters
    ----------
    narrow, wide : int
        Channels of the input and of the output.
    kernel, stride : tuple of int
        Along time, depth and lateral.
    pad_first : bool
        Whether a separate layer pads time. The result is the same; but where the convolution pads
        and the kernel is longer than the input, torch 2.13 leaves part of the gradient in bfloat16
        on CPU unset.
    """
    time, depth, lateral = kernel
    first: list[nn.Module] = (
        [nn.ConstantPad3d((0, 0, 0, 0, time // 2, time // 2), 0.0)] if pad_first else []
    )
    padding = (0 if pad_first else time // 2, depth // 2, lateral // 2)
    return [
        *first,
        nn.Conv3d(narrow, wide, kernel, stride, padding),
        nn.BatchNorm3d(wide),
        nn.ReLU(),
    ]


def glorot(network: nn.Module) -> None:
    """Draw weights uniformly as Glorot and Bengio do, and set biases to 0."""
    for module in network.modules():
        if isinstance(module, (nn.Conv3d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
