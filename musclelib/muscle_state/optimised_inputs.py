"""Inputs that excite a neuron of a network most, and the motion that they show (section III-H)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage

from musclelib.networks.state_cnn import StateCnn
from musclelib.parameters import ParameterError
from musclelib.streams import Purpose, torch_seed

_STEP, _DECAY, _ITERATIONS = 0.5, 0.05, 100  # of paper 3
_FARTHEST = (4, 8)  # longest motion that is sought, along depth and lateral [px]


def optimised_inputs(
    network: StateCnn, layer: int, unit: int, count: int = 1, place: tuple[int, int] | None = None
) -> np.ndarray:
    """Optimise pairs of frames, from noise, so that they excite a neuron.

    As in paper 3, an iteration adds 0.5 times the gradient of the neuron's response less 0.05 times
    the frames (L2 regularisation), 100 times, from Gaussian noise of zero mean and unit variance.
    The scale of the gradient depends on the network, and the paper does not give it; here it is
    divided by its root mean square, so that the noise of the start fades in any network.

    Parameters
    ----------
    network : StateCnn
        A trained network.
    layer : int
        Number of the layer, from 1; the last one is the output.
    unit : int
        Number of the filter or neuron; of the output 0 for EMG, 1 for torque, 2 for angle.
    count : int
        Number of pairs, from different noise.
    place : tuple of int, optional
        Row and column at which a convolution's filter is excited; by default everywhere.

    Returns
    -------
    numpy.ndarray
        float32 `(count, 2, depth, lateral)` [SD of the grey values]; the later frame is second.

    Raises
    ------
    ParameterError
        The network has no such layer or unit.
    """
    layers = network.layers()
    if not 1 <= layer <= len(layers):
        raise ParameterError(f"layer = {layer}: allowed is 1 to {len(layers)}")
    units = layers[layer - 1].weight.shape[0]
    if not 0 <= unit < units:
        raise ParameterError(f"unit = {unit}: layer {layer} has units 0 to {units - 1}")
    network.eval()
    device = network.input_mean.device
    generator = torch.Generator().manual_seed(torch_seed(Purpose.OPTIMISED_INPUTS, 0, layer, unit))
    frames = torch.randn(count, 2, *network.settings.shape, generator=generator).to(device)
    for _ in range(_ITERATIONS):
        frames.requires_grad_(True)
        response = network.responses(frames * network.input_sd + network.input_mean, layer)
        response = response[:, unit]
        if place is not None:
            response = response[:, place[0], place[1]]
        (gradient,) = torch.autograd.grad(response.sum(), frames)
        size = gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
        frames = (frames + _STEP * (gradient / size - _DECAY * frames)).detach()
    return frames.cpu().numpy()


class Flow(NamedTuple):
    """The motion from the first to the second frame of pairs, in blocks of the frame."""

    centre: np.ndarray
    """Centres of the blocks, `(row, column, 2)` of (depth, lateral) [px]."""
    motion: np.ndarray
    """Motion of each block, `(row, column, 2)` of (depth, lateral) [px]."""
    correlation: np.ndarray
    """Correlation of the frames in each block after that motion, `(row, column)`."""

    def lateral(self) -> tuple[float, float]:
        """Return translation [px] and shear of the lateral motion.

        Shear is the difference of motion between the deepest and the shallowest block [px] by a
        straight line through the blocks, which are weighted by their correlation: translation moves
        all depths alike, shear moves them apart.
        """
        depth = self.centre[..., 0].ravel()
        weight = np.sqrt(self.correlation.clip(min=1e-6).ravel())
        middle, span = (depth.min() + depth.max()) / 2, depth.max() - depth.min()
        slope, offset = np.polyfit(depth - middle, self.motion[..., 1].ravel(), 1, w=weight)
        return float(offset), float(slope * span)


def flow(pairs: np.ndarray, blocks: tuple[int, int] = (4, 6)) -> Flow:
    """Measure the motion between the two frames of pairs, as the maximum of their correlation.

    Parameters
    ----------
    pairs : numpy.ndarray
        `(pair, 2, depth, lateral)`; the correlations of all pairs are added.
    blocks : tuple of int
        Numbers of blocks along depth and lateral.

    Raises
    ------
    ValueError
        A block is smaller than twice the longest motion that is sought along depth or lateral.
    """
    rows, columns = (
        np.linspace(0, size, count + 1).astype(int)
        for size, count in zip(pairs.shape[2:], blocks, strict=True)
    )
    smallest = (int(np.diff(rows).min()), int(np.diff(columns).min()))
    if smallest[0] < _FARTHEST[0] + 2 or smallest[1] < _FARTHEST[1] + 2:
        raise ValueError(
            f"blocks of {smallest} px; needed are at least"
            f" {(_FARTHEST[0] + 2, _FARTHEST[1] + 2)} px: take fewer blocks"
        )
    centre, motion = np.zeros((*blocks, 2)), np.zeros((*blocks, 2))
    correlation = np.zeros(blocks)
    for row, column in np.ndindex(*blocks):
        part = np.s_[..., rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
        centre[row, column] = (
            (rows[row] + rows[row + 1] - 1) / 2,
            (columns[column] + columns[column + 1] - 1) / 2,
        )
        motion[row, column], correlation[row, column] = _shift(pairs[part])
    return Flow(centre, motion, correlation)


def _shift(pairs: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the shift (depth, lateral) with the highest correlation, and that correlation."""
    offsets = [np.arange(-far, far + 1) for far in _FARTHEST]
    values = np.zeros([len(part) for part in offsets])
    height, width = pairs.shape[2:]
    for down, right in np.ndindex(*values.shape):
        by = (offsets[0][down], offsets[1][right])
        one, other = (
            pairs[
                :,
                frame,
                max(sign * by[0], 0) : height + min(sign * by[0], 0),
                max(sign * by[1], 0) : width + min(sign * by[1], 0),
            ]
            for frame, sign in ((0, -1), (1, 1))
        )
        one, other = (part - part.mean(axis=(1, 2), keepdims=True) for part in (one, other))
        scale = np.sqrt((one**2).sum() * (other**2).sum())
        values[down, right] = (one * other).sum() / scale if scale > 0 else 0
    fine = ndimage.zoom(values, 10, order=3, mode="nearest", grid_mode=False)
    best = np.unravel_index(fine.argmax(), fine.shape)
    steps = [2 * far / (size - 1) for far, size in zip(_FARTHEST, fine.shape, strict=True)]
    found = np.array([place * step for place, step in zip(best, steps, strict=True)]) - _FARTHEST
    return found, float(values.max())
