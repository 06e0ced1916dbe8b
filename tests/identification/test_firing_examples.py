import numpy as np
import torch

from musclelib.identification.firing_examples import SimulatedFirings
from musclelib.networks.firing_detector import RATE


def test_a_batch_is_standardised_trains_with_their_firings():
    trains, firings = SimulatedFirings(32, seed=3)[5]
    assert trains.shape == (32, 1, firings.shape[1])
    assert firings.shape[0] == 32
    assert 160 <= firings.shape[1] < 480
    torch.testing.assert_close(trains.mean(dim=2), torch.zeros(32, 1), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        trains.std(dim=2, correction=0), torch.ones(32, 1), atol=1e-4, rtol=0
    )
    seconds = firings.shape[1] / RATE
    heard = firings.sum(dim=1) > 2
    rates = firings.sum(dim=1)[heard] / seconds
    assert 3 < rates.max() < 30
    assert rates.max() > 2 * rates.min()


def test_every_step_is_another_and_comes_again():
    examples = SimulatedFirings(16, seed=0)
    assert torch.equal(examples[2][0], SimulatedFirings(16, seed=0)[2][0])
    assert examples[2][0].shape != examples[3][0].shape or not torch.equal(
        examples[2][0], examples[3][0]
    )


def test_devices_share_what_one_device_would_make():
    whole = SimulatedFirings(32, 1)[2]
    parts = [SimulatedFirings(16, 1, rank=rank, world=2)[2] for rank in (0, 1)]
    for values, halves in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(values, torch.cat(halves))


def test_trains_fire_where_the_counts_say():
    """Velocity rises after an onset: more so than at any other time."""
    trains, firings = (
        values.numpy() for values in SimulatedFirings(64, seed=1, rate=(4.0, 6.0))[0]
    )
    rises = [
        np.mean(
            [
                train[frame + 8] - train[frame]
                for frame in np.flatnonzero(counts > 0.5)
                if frame + 8 < len(train)
            ]
        )
        for train, counts in zip(trains[:, 0], firings, strict=True)
        if (counts > 0.5).sum() > 3
    ]
    assert np.mean(np.array(rises) > 0) > 0.95
