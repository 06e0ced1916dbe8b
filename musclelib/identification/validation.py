"""Validate the networks of identification during training, on sequences outside the training."""

from __future__ import annotations

from typing import Any

import numpy as np

from musclelib.identification.examples import SimulatedTerritories, SimulatedTrains
from musclelib.identification.firing_examples import _UNITS, SimulatedFirings
from musclelib.identification.firings import firings
from musclelib.identification.objectives import train_loss
from musclelib.identification.onsets import firing_times
from musclelib.metrics.firing_agreement import agreement
from musclelib.metrics.matching import match
from musclelib.simulator import SimulatorParameters

_UNSEEN = 1_000_003  # difference of the seed of validation sequences from that of training


class TerritoryValidation:
    """Detect units in sequences outside the training.

    `score`, better if lower, is 1 - F at an IoU of 0.5, with the F score of all units.
    """

    def __init__(self, parameters: SimulatorParameters, count: int, seed: int) -> None:
        self.examples = SimulatedTerritories(parameters, 1, seed + _UNSEEN, flip=False)
        self.count = count

    def __call__(self, objective: Any, step: int = 0) -> dict[str, float]:
        """Return recall and precision of units, and the mean pixel recall and precision."""
        counted, pixels = np.zeros(3), []
        for number in range(self.count):
            velocity, (true,) = self.examples[number]
            (found,) = objective.network(velocity.to(next(objective.parameters()).device))
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
    """Estimate trains of units outside the training; `score`, better if lower, is the loss."""

    def __init__(self, parameters: SimulatorParameters, count: int, seed: int) -> None:
        self.rate, self.count = parameters.frame_rate, count
        self.examples = SimulatedTrains(parameters, 4, seed + _UNSEEN, flip=False)

    def __call__(self, objective: Any, step: int = 0) -> dict[str, float]:
        """Return the loss, and the mean rate of agreement of the firings (paper 2, equation 1)."""
        losses, rates = [], []
        for number in range(self.count):
            crops, trains = self.examples[number]
            found = objective.network(crops.to(next(objective.parameters()).device)).float().cpu()
            losses.append(float(train_loss(found, trains)))
            rates += [
                agreement(firings(true, self.rate), firings(estimate, self.rate)).rate
                for true, estimate in zip(trains.numpy(), found.numpy(), strict=True)
            ]
        return {"score": float(np.mean(losses)), "agreement": float(np.nanmean(rates))}


BANDS = ((4.0, 8.0), (8.0, 13.0), (13.0, 20.0), (20.0, 25.0))
"""Ranges of the firing rate that have the same weight in the validation [Hz]."""


class FiringValidation:
    """Detect firings in trains outside the training, in bands of their firing rate.

    `score`, better if lower, is 1 - the mean rate of agreement + the mean relative error of the
    number of firings.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.bands = [SimulatedFirings(_UNITS, seed + _UNSEEN, rate=band) for band in BANDS]

    def __call__(self, objective: Any, step: int = 0) -> dict[str, float]:
        """Return the score, the rate of agreement, and found relative to true firings by band."""
        scores: dict[str, float] = {}
        rates, errors = [], []
        for band, examples in zip(BANDS, self.bands, strict=True):
            found_count = true_count = 0
            for number in range(self.count):
                trains, firings = examples[number]
                device = next(objective.parameters()).device
                expected = objective.network(trains.to(device)).cpu().numpy()
                for one, counts in zip(expected, firings.numpy(), strict=True):
                    found, known = firing_times(one), firing_times(counts)
                    found_count += len(found)
                    true_count += len(known)
                    rates.append(agreement(known, found).rate)
            share = found_count / max(true_count, 1)
            scores[f"found / true {band[0]:g}-{band[1]:g} Hz"] = share
            errors.append(abs(share - 1))
        mean = float(np.nanmean(rates))
        return {"score": 1 - mean + float(np.mean(errors)), "agreement": mean} | scores
