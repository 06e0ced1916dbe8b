import numpy as np
import pytest
import torch

from musclelib.identification.examples import SimulatedTerritories
from musclelib.identification.onsets import firing_times
from musclelib.identification.validation import (
    BANDS,
    FiringValidation,
    TerritoryValidation,
    TrainValidation,
)
from musclelib.networks.firing_detector import RATE
from musclelib.simulator import preset


class Oracle(torch.nn.Module):
    """Answers with what validation knows, or with every other firing of it."""

    def __init__(self, validation, every=1):
        super().__init__()
        self.anything, self.every = torch.nn.Parameter(torch.zeros(())), every
        self.answers = iter(
            [examples[step][1] for examples in validation.bands for step in range(validation.count)]
        )
        self.network = self.answer

    def answer(self, trains):
        known = next(self.answers)
        told = torch.zeros_like(known)
        for one, counts in zip(told, known, strict=True):
            frames = np.round(firing_times(counts.numpy())[:: self.every] * RATE).astype(int)
            one[torch.from_numpy(frames)] = 1
        return told


class Answer(torch.nn.Module):
    """Finds every other unit, and something that is none."""

    def __init__(self, examples):
        super().__init__()
        self.anything, self.examples, self.step = torch.nn.Parameter(torch.zeros(())), examples, 0
        self.network = self.find

    def find(self, velocity):
        seen, (truth,) = self.examples[self.step]
        assert torch.equal(seen, velocity)
        self.step += 1
        masks = torch.cat([truth["masks"][::2].float(), torch.zeros(1, 64, 64)])
        return [{"masks": masks[:, None], "scores": torch.ones(len(masks))}]


@pytest.mark.parametrize(("every", "share"), [(1, 1.0), (2, 0.5)])
def test_bands_are_judged_by_number_and_time(every, share):
    validation = FiringValidation(1, seed=0)
    scores = validation(Oracle(validation, every))
    assert scores["agreement"] == pytest.approx(share, abs=0.06)
    for low, high in BANDS:
        assert scores[f"found / true {low:g}-{high:g} Hz"] == pytest.approx(share, abs=0.06)
    assert scores["score"] == pytest.approx(2 * (1 - share), abs=0.08)


def test_territories_are_judged_over_all_units():
    simulated = preset("paper2", frames=60, units=(4, 4), diameter=(4.0, 8.0))
    validation = TerritoryValidation(simulated, 3, seed=0)
    scores = validation(Answer(validation.examples))
    assert scores["recall"] == pytest.approx(0.5)
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["score"] == pytest.approx(1 - 2 * 6 / (12 + 9))
    assert (scores["pixel recall"], scores["pixel precision"]) == (1, 1)
    trained = SimulatedTerritories(simulated, 1, 0, flip=False)
    assert not torch.equal(trained[0][0], validation.examples[0][0])


def test_trains_are_judged_by_loss_and_firings():
    simulated = preset("paper2", units=(4, 4))
    validation = TrainValidation(simulated, 2, seed=0)
    objective = torch.nn.Module()
    objective.anything = torch.nn.Parameter(torch.zeros(()))
    answers = iter([validation.examples[step][1] for step in range(2)])
    objective.network = lambda crops: 0.5 * next(answers)
    scores = validation(objective)
    assert scores["agreement"] == 1
    assert 0 < scores["score"] < 0.25
