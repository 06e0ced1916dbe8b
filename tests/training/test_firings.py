import numpy as np
import pytest
import torch

from musclelib.identification.onsets import firing_times
from musclelib.networks.firing_detector import RATE, FiringDetector, FiringParameters
from musclelib.networks.unit_weights import load_unit_network
from musclelib.training import TrainingParameters
from musclelib.training.firings import BANDS, FiringValidation, SimulatedFirings
from musclelib.training.identification import export, train_identification
from musclelib.training.recipes import Recipe, Stage


def test_a_batch_is_standardised_trains_with_their_firings():
    trains, firings = SimulatedFirings(32, seed=3)[5]
    assert trains.shape == (32, 1, firings.shape[1])
    assert firings.shape[0] == 32
    assert 160 <= firings.shape[1] < 480
    torch.testing.assert_close(trains.mean(dim=2), torch.zeros(32, 1), atol=1e-5, rtol=0)
    torch.testing.assert_close(trains.std(dim=2, correction=0), torch.ones(32, 1), atol=1e-4, rtol=0)
    seconds = firings.shape[1] / RATE
    heard = firings.sum(dim=1) > 2
    rates = firings.sum(dim=1)[heard] / seconds
    assert 3 < rates.max() < 30
    assert rates.max() > 2 * rates.min()


def test_every_step_is_another_and_comes_again():
    examples = SimulatedFirings(16, seed=0)
    assert torch.equal(examples[2][0], SimulatedFirings(16, seed=0)[2][0])
    assert examples[2][0].shape != examples[3][0].shape or not torch.equal(examples[2][0], examples[3][0])


def test_devices_share_what_one_device_would_make():
    whole = SimulatedFirings(32, 1)[2]
    parts = [SimulatedFirings(16, 1, rank=rank, world=2)[2] for rank in (0, 1)]
    for values, halves in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(values, torch.cat(halves))


def test_trains_fire_where_the_counts_say():
    """Velocity rises after an onset: more so than at any other time."""
    trains, firings = (values.numpy() for values in SimulatedFirings(64, seed=1, rate=(4.0, 6.0))[0])
    rises = [
        np.mean([train[frame + 8] - train[frame] for frame in np.flatnonzero(counts > 0.5) if frame + 8 < len(train)])
        for train, counts in zip(trains[:, 0], firings, strict=True)
        if (counts > 0.5).sum() > 3
    ]
    assert np.mean(np.array(rises) > 0) > 0.95


class Oracle(torch.nn.Module):
    """Answers with what validation knows, or with every other firing of it."""

    def __init__(self, validation, every=1):
        super().__init__()
        self.anything, self.every = torch.nn.Parameter(torch.zeros(())), every
        self.answers = iter([examples[step][1] for examples in validation.bands for step in range(validation.count)])
        self.network = self.answer

    def answer(self, trains):
        known = next(self.answers)
        told = torch.zeros_like(known)
        for one, counts in zip(told, known, strict=True):
            frames = np.round(firing_times(counts.numpy())[:: self.every] * RATE).astype(int)
            one[torch.from_numpy(frames)] = 1
        return told


@pytest.mark.parametrize(("every", "share"), [(1, 1.0), (2, 0.5)])
def test_bands_are_judged_by_number_and_time(every, share):
    validation = FiringValidation(1, seed=0)
    scores = validation(Oracle(validation, every))
    assert scores["agreement"] == pytest.approx(share, abs=0.06)
    for low, high in BANDS:
        assert scores[f"told {low:g}-{high:g} Hz"] == pytest.approx(share, abs=0.06)
    assert scores["score"] == pytest.approx(2 * (1 - share), abs=0.08)


def test_a_detector_of_firings_is_trained_and_shipped_with_a_card(tmp_path):
    training = TrainingParameters(steps=2, batch=16, device="cpu", precision="32-true", flip=False)
    recipe = Recipe(FiringParameters(features=4), (Stage("all", training),))
    train_identification(recipe, tmp_path / "run", validated=1)
    export(recipe, tmp_path / "run", tmp_path / "firings")
    assert load_unit_network(FiringDetector, tmp_path / "firings.safetensors").settings == recipe.network
    card = (tmp_path / "firings.md").read_text()
    assert "Tells when the twitches of a train begin" in card
    assert "told 20-25 Hz" in card
    assert "dB" not in card
