"""A symmetric filter along time that corrects a translation's spectrum after training."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import firwin2
from torch import Tensor, nn
from torch.nn import functional


class TimeFilter(nn.Module):
    """Filter clips `(batch, 1, time, depth, lateral)` along time, without delay.

    Beyond the ends of a clip, its first and last frames are repeated.

    Attributes
    ----------
    taps : Tensor
        `(half + 1,)`: weight of the frame itself, then of the frames 1, 2, ... before and after it.
        They start as the identity.
    """

    taps: Tensor

    def __init__(self, half: int) -> None:
        super().__init__()
        self.register_buffer("taps", functional.one_hot(torch.tensor(0), half + 1).float())

    def forward(self, x: Tensor) -> Tensor:
        """Return the filtered clips, of the same shape."""
        first, *others = self.taps.tolist()
        half, frames = len(others), x.shape[2]
        # (b, 1, half + t + half, d, l)
        padded = functional.pad(x, (0, 0, 0, 0, half, half), mode="replicate")
        total = x * first
        # sums of shifted clips: on CPU several times as fast as a convolution of one channel
        for away, tap in enumerate(others, 1):
            for start in (half - away, half + away):
                total = total.add_(padded[:, :, start : start + frames], alpha=tap)
        return total

    def equalise(
        self, own: npt.ArrayLike, wanted: npt.ArrayLike, frequency: npt.ArrayLike, frame_rate: float
    ) -> Self:
        """Set the taps so that one spectrum approaches the shape of another and keeps its power.

        Parameters
        ----------
        own, wanted : numpy.ndarray
            Log power spectral densities `(frequency,)` [decades], see `metrics.temporal.log_psd`.
        frequency : numpy.ndarray
            Frequencies of both, rising [Hz].
        frame_rate : float
            Frame rate of the clips [Hz].
        """
        # frequencies as firwin2 wants them: 1 is half the frame rate
        lines = 2 * np.asarray(frequency) / frame_rate
        density = np.asarray(own)
        grid, half = np.linspace(0, 1, len(lines) + 1), len(self.taps) - 1

        # the gain of amplitudes is the square root of the ratio of powers
        gain = np.interp(grid, lines, 10 ** ((np.asarray(wanted) - density) / 2))
        taps = firwin2(2 * half + 1, grid, gain)[half:]

        # scale the taps by the power that the filter, as realised, takes away or adds
        response = taps[0] + 2 * np.cos(np.pi * np.outer(lines, np.arange(1, half + 1))) @ taps[1:]
        power = 10**density
        self.taps.copy_(torch.from_numpy(taps * np.sqrt(power.sum() / (power * response**2).sum())))
        return self
