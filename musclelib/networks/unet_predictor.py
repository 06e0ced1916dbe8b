"""The U-Net of Recycle-GAN that predicts a frame from the two before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.networks.layers import InstanceNorm, bounded, check_clips, initialise


class Predictor(nn.Module):
    """Predict the next frame of a sequence from two successive frames.

    Convolutions with kernel 4 and stride 2 have 1, 2, 4, 8 and 8 times `features` channels; as many
    transposed convolutions follow, and each of these but the first also takes the output of the
    convolution of the same level. LeakyReLU of slope 0.2 precedes the convolutions, ReLU the
    transposed ones; InstanceNorm follows all but the first, the innermost and the last.

    The predictor of Recycle-GAN has seven levels, down to one pixel for 128; this one has five, so
    that it can learn from crops, too.

    Parameters
    ----------
    features : int
        Channels of the first layer.
    limit : float, optional
        Largest output [SD], as that of a generator.
    levels : int
        Number of convolutions on the way down; sizes must be multiples of `2**levels`.
    """

    def __init__(self, features: int, limit: float | None, levels: int = 5) -> None:
        super().__init__()
        self.limit, self.multiple = limit, (1, 2**levels, 2**levels)
        widths = [features * min(2**level, 8) for level in range(levels)]
        self.down = nn.ModuleList(
            nn.Conv2d(below, width, 4, 2, 1)
            for below, width in zip([2, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(width if level == levels - 1 else 2 * width, below, 4, 2, 1)
            for level, (below, width) in enumerate(zip([1, *widths], widths, strict=False))
        )
        self.norm = InstanceNorm()
        initialise(self)

    def forward(self, pair: Tensor) -> Tensor:
        """Return the predicted frame, `(batch, 1, 1, depth, lateral)`, in the dtype of `pair`.

        Parameters
        ----------
        pair : Tensor
            `(batch, 1, 2, depth, lateral)` [SD].

        Raises
        ------
        ValueError
            There are not two frames, or a size is not a multiple of `multiple`.
        """
        check_clips(pair, self.multiple, (2, *self.multiple[1:]), "predictor")
        if pair.shape[2] != 2:
            raise ValueError(f"predictor: {pair.shape[2]} frames; 2 are needed")
        x = pair.flatten(1, 2)  # (b, 2, d, l)
        skips: list[Tensor] = []
        innermost = len(self.down) - 1
        for level, convolve in enumerate(self.down):
            x = convolve(functional.leaky_relu(x, 0.2) if level else x)
            if level < innermost:
                x = self.norm(x) if level else x
                skips.append(x)  # (b, f, d/2, l/2), (b, 2f, d/4, l/4), ...

        for level in range(innermost, -1, -1):
            x = self.up[level](torch.relu(x))
            if level:
                x = torch.cat([skips.pop(), self.norm(x)], dim=1)
        return bounded(x.to(pair.dtype), self.limit)[:, :, None]  # (b, 1, 1, d, l)
