"""Judge the networks of paper 2 while they are trained, on sequences that they are not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from musclelib.identification.firings import agreement, firings
from musclelib.identification.matching import match
from musclelib.networks.twitch import train_loss
from musclelib.simulator import SimulatorParameters
from musclelib.training.simulated import SimulatedTerritories, SimulatedTrains

_UNSEEN = 1_000_003  # the seed of validation sequences lies this far from that of training


class TerritoryValidation:
    """Detect in sequences that are not trained on; `score`, lower better, is 1 - the F score at an IoU of 0.5."""

    def __init__(self, parameters: SimulatorParameters, count: int, seed: int) -> None:
        self.examples = SimulatedTerritories(parameters, 1, seed + _UNSEEN, flip=False)
        self.count = count

    def __call__(self, objective: Any) -> dict[str, float]:
        """Return recall and precision over all units, and the mean pixel recall and precision of those found."""
        counted, pixels = np.zeros(3), []
        for step in range(self.count):
            velocity, (true,) = self.examples[step]
            (found,) = objective.detector(velocity.to(next(objective.parameters()).device))
            masks = (found["masks"][:, 0] > 0.5).cpu().numpy()
            pairs = match(true["masks"].numpy().astype(bool), masks)
            counted += len(pairs.true), len(true["masks"]), len(masks)
            pixels.append((pairs.pixel_recall, pairs.pixel_precision))
        hits, units, detected = counted
        recall, precision = np.nanmean(np.array(pixels), axis=0) if hits else (np.nan, np.nan)
        return {
            "recall": hits / units,
            "precision": hits / detected if detected else np.nan,
            "pixel recall": recall,
            "pixel precision": precision,
            "score": 1 - 2 * hits / (units + detected),
        }


class TrainValidation:
    """Estimate trains of units that are not trained on; `score`, lower better, is the loss."""

    def __init__(self, parameters: SimulatorParameters, count: int, seed: int) -> None:
        self.rate, self.count = parameters.frame_rate, count
        self.examples = SimulatedTrains(parameters, 4, seed + _UNSEEN, flip=False)

    def __call__(self, objective: Any) -> dict[str, float]:
        """Return the loss, and the mean rate of agreement of the firings (paper 2, equation 1)."""
        losses, rates = [], []
        for step in range(self.count):
            crops, trains = self.examples[step]
            found = objective.network(crops.to(next(objective.parameters()).device)).float().cpu()
            losses.append(float(train_loss(found, trains)))
            rates += [
                agreement(firings(true, self.rate), firings(estimate, self.rate)).rate
                for true, estimate in zip(trains.numpy(), found.numpy(), strict=True)
            ]
        return {"score": float(np.mean(losses)), "agreement": float(np.nanmean(rates))}
