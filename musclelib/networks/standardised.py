"""The standardisation of inputs and outputs, which travels with the weights of a network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

STATES = ("emg", "torque", "angle")
"""The muscle states in the order of a network's outputs, in V, N m and degrees."""


class Standardised(nn.Module):
    """A network whose inputs and outputs have zero mean and unit SD over its training set.

    The moments are buffers, so that files of weights hold them; before training they are 0 and 1.

    Parameters
    ----------
    inputs : int
        Number of means of the input; one if a mean holds for all of its values.
    """

    input_mean: Tensor
    input_sd: Tensor
    output_mean: Tensor
    output_sd: Tensor

    def __init__(self, inputs: int) -> None:
        super().__init__()
        for name, count in (("input", inputs), ("output", len(STATES))):
            self.register_buffer(f"{name}_mean", torch.zeros(count))
            self.register_buffer(f"{name}_sd", torch.ones(count))

    def standardise(
        self, input_mean: Tensor, input_sd: Tensor, output_mean: Tensor, output_sd: Tensor
    ) -> None:
        """Set the moments of the training set."""
        self.input_mean.copy_(input_mean)
        self.input_sd.copy_(input_sd)
        self.output_mean.copy_(output_mean)
        self.output_sd.copy_(output_sd)

    def standard(self, changes: Tensor) -> Tensor:
        """Return changes `(batch, 3)` [V, N m, deg] in SDs from their mean."""
        return (changes - self.output_mean) / self.output_sd

    def changes(self, inputs: Tensor) -> Tensor:
        """Return the changes of the muscle states `(batch, 3)` [V, N m, deg] for raw inputs."""
        return self(inputs) * self.output_sd + self.output_mean


def initialise(network: nn.Module) -> None:
    """Draw the weights with a variance of 1 / fan-in, and set biases to 0 (section III-G)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            nn.init.normal_(layer.weight, std=1 / math.sqrt(fan_in))
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
