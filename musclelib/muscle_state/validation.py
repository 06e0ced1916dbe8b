"""The review of a network on participants who are left out of the training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from musclelib.muscle_state.examples import StateExamples
from musclelib.networks.standardised import STATES

_BATCH = 32


class StateValidation:
    """Estimate changes of the muscle state for equidistant pairs of frames.

    `score`, better if lower, is the mean square error of the standardised changes, as in the
    training (paper 3, section III-G).

    Parameters
    ----------
    examples : StateExamples
        The examples of the participants left out.
    count : int
        Largest number of pairs; equidistant ones if there are more.
    """

    def __init__(self, examples: StateExamples, count: int) -> None:
        self.examples = examples
        most = min(count, len(examples))
        self.numbers = np.linspace(0, len(examples) - 1, most).round().astype(int).tolist()

    def __call__(self, objective: Any, step: int = 0) -> dict[str, float]:
        """Return the score, and the mean square error of each signal."""
        network = objective.network
        device = next(network.parameters()).device
        total = torch.zeros(len(STATES), dtype=torch.float64)
        for first in range(0, len(self.numbers), _BATCH):
            inputs, changes = self.examples.rows(self.numbers[first : first + _BATCH])
            error = network(inputs.to(device)) - network.standard(changes.to(device))
            total += error.double().square().sum(dim=0).cpu()
        errors = (total / len(self.numbers)).tolist()
        return {"score": float(np.mean(errors)), **dict(zip(STATES, errors, strict=True))}
