"""A symmetric filter on time: what a translation needs beyond the frames that its convolutions reach."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import firwin2
from torch import Tensor, nn
from torch.nn import functional


class TimeFilter(nn.Module):
    """Filter clips `(batch, 1, time, depth, lateral)` on time, without delay.

    At the ends, the last frame goes on.

    Attributes
    ----------
    taps : Tensor
        `(half + 1,)`: of the frame itself, then of those 1, 2, ... frames before and after it. At
        first, they change nothing.
    """

    taps: Tensor

    def __init__(self, half: int) -> None:
        super().__init__()
        self.register_buffer("taps", functional.one_hot(torch.tensor(0), half + 1).float())

    def forward(self, x: Tensor) -> Tensor:
        """Return the filtered clips."""
        first, *others = self.taps.tolist()
        half, frames = len(others), x.shape[2]
        # (b, 1, half + t + half, d, l)
        padded = functional.pad(x, (0, 0, 0, 0, half, half), mode="replicate")
        total = x * first
        # on CPU several times as fast as a convolution of one channel
        for away, tap in enumerate(others, 1):
            for start in (half - away, half + away):
                total = total.add_(padded[:, :, start : start + frames], alpha=tap)
        return total

    def equalise(
        self, own: npt.ArrayLike, wanted: npt.ArrayLike, frequency: npt.ArrayLike, frame_rate: float
    ) -> Self:
        """Set the taps so that a spectrum comes close to another in shape, and keeps its power.

        Parameters
        ----------
        own, wanted : array
            Log power spectral densities `(frequency,)` [decades], as `metrics.temporal.log_psd`
            gives them.
        frequency : array
            Their frequencies, rising [Hz].
        frame_rate : float
            Frames a second [Hz].
        """
        # 1 is half the frame rate
        lines = 2 * np.asarray(frequency) / frame_rate
        density = np.asarray(own)
        grid, half = np.linspace(0, 1, len(lines) + 1), len(self.taps) - 1
        gain = np.interp(grid, lines, 10 ** ((np.asarray(wanted) - density) / 2))
        taps = firwin2(2 * half + 1, grid, gain)[half:]
        response = taps[0] + 2 * np.cos(np.pi * np.outer(lines, np.arange(1, half + 1))) @ taps[1:]
        power = 10**density
        self.taps.copy_(torch.from_numpy(taps * np.sqrt(power.sum() / (power * response**2).sum())))
        return self
