"""The U-Net of Recycle-GAN that predicts a frame from the two before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.networks.layers import InstanceNorm, bounded, check_clips, initialise


class Predictor(nn.Module):
    """Predict the next frame, `(batch, 1, 1, depth, lateral)` [SD], from two, `(batch, 1, 2, depth, lateral)`.

    Convolutions of 4 with stride 2, of features times 1, 2, 4, 8, 8, and as many transposed ones;
    each of these but the first takes the output of its mirror image besides that of the layer
    before. LeakyReLU of 0.2 comes before the convolutions, ReLU before the transposed ones,
    InstanceNorm after all but the first, the innermost and the last.

    Recycle-GAN's own has seven levels, down to one pixel of 128; this one has five, so that it
    learns from crops too.

    Parameters
    ----------
    features : int
        Channels of the first layer.
    limit : float, optional
        Largest output [SD], as a generator's.
    levels : int
        Convolutions on the way down; sizes must be multiples of 2 to the power of it.
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
        """Return the prediction, in the dtype of `pair`.

        Raises
        ------
        ValueError
            There are not two frames, or a size is not a multiple of `multiple`.
        """
        check_clips(pair, self.multiple, (2, *self.multiple[1:]), "predictor")
        if pair.shape[2] != 2:
            raise ValueError(f"predictor: {pair.shape[2]} frames; 2 are needed")
        x = pair.flatten(1, 2)
        skips: list[Tensor] = []
        innermost = len(self.down) - 1
        for level, convolve in enumerate(self.down):
            x = convolve(functional.leaky_relu(x, 0.2) if level else x)
            if level < innermost:
                x = self.norm(x) if level else x
                skips.append(x)
        for level in range(innermost, -1, -1):
            x = self.up[level](torch.relu(x))
            if level:
                x = torch.cat([skips.pop(), self.norm(x)], dim=1)
        return bounded(x.to(pair.dtype), self.limit)[:, :, None]
