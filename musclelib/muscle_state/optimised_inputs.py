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
_BLUR = 1.5  # SD of the Gaussian before motion is measured [px]
_SEARCH = 10  # iterations of the Lucas-Kanade equations
_SMALLEST = 4  # smallest side of a block [px]


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


def flow(pairs: np.ndarray, blocks: tuple[int, int] = (3, 1)) -> Flow:
    """Measure the motion between the two frames of pairs, block by block.

    The Lucas-Kanade equations of a block are added over all pairs and iterated from no motion, so
    that of several similar motions the shortest is found. Frames are blurred a little, since
    optimised frames keep some of the noise that they began with.

    Parameters
    ----------
    pairs : numpy.ndarray
        `(pair, 2, depth, lateral)`.
    blocks : tuple of int
        Numbers of blocks along depth and lateral.

    Raises
    ------
    ValueError
        A block is smaller than 4 pixels along depth or lateral.
    """
    edges = [
        np.linspace(0, size, count + 1).astype(int)
        for size, count in zip(pairs.shape[2:], blocks, strict=True)
    ]
    smallest = tuple(int(np.diff(edge).min()) for edge in edges)
    if min(smallest) < _SMALLEST:
        raise ValueError(
            f"blocks of {smallest} px; needed are at least {_SMALLEST} px: take fewer blocks"
        )
    smooth = ndimage.gaussian_filter(pairs.astype(float), (0, 0, _BLUR, _BLUR))
    centres = [(edge[:-1] + edge[1:] - 1) / 2 for edge in edges]
    motion, correlation = np.zeros((*blocks, 2)), np.zeros(blocks)
    for row, column in np.ndindex(*blocks):
        part = np.s_[:, edges[0][row] : edges[0][row + 1], edges[1][column] : edges[1][column + 1]]
        motion[row, column], correlation[row, column] = _motion(smooth, part)
    return Flow(np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1), motion, correlation)


def _motion(pairs: np.ndarray, part: tuple[slice, ...]) -> tuple[np.ndarray, float]:
    """Return the motion (depth, lateral) of a block, and the correlation after that motion."""
    first, second = pairs[:, 0], pairs[:, 1]
    found = np.zeros(2)
    for _ in range(_SEARCH):
        moved = ndimage.shift(second, (0, *-found), order=1, mode="nearest")
        # what has moved out of the frame is left out
        inside = ndimage.shift(np.ones(first.shape[1:]), -found, order=1)[part[1:]] > 0.99
        slopes = np.stack([np.gradient((first + moved) / 2, axis=axis)[part] for axis in (1, 2)])
        slopes = slopes[:, :, inside].reshape(2, -1)
        difference = (moved - first)[part][:, inside].ravel()
        step = np.linalg.lstsq(slopes @ slopes.T, -slopes @ difference, rcond=None)[0]
        found += np.clip(step, -1, 1)
    one, other = first[part][:, inside].ravel(), moved[part][:, inside].ravel()
    alike = one.size > 1 and min(one.std(), other.std()) > 0
    return found, float(np.corrcoef(one, other)[0, 1]) if alike else 0.0
