import numpy as np
import pytest
import torch

from musclelib import sequences
from musclelib.identification.examples import SimulatedTerritories, SimulatedTrains
from musclelib.networks.twitch import crop
from musclelib.parameters import ParameterError
from musclelib.simulator import preset, simulate

SMALL = preset("paper2", frames=60, units=(3, 5), diameter=(4.0, 8.0))


def test_a_batch_is_standardised_sequences_with_the_truth_of_each():
    velocity, truths = SimulatedTerritories(SMALL, 2, seed=3, flip=False)[4]
    assert velocity.shape == (2, 1, 60, 64, 64)
    for place, number in enumerate((8, 9)):
        made = simulate(SMALL, 3, number)
        np.testing.assert_array_equal(velocity[place, 0], sequences.standardised(made.velocity))
        np.testing.assert_array_equal(truths[place]["masks"].bool(), made.territory)


def test_flips_turn_sequence_and_truth_alike_every_way():
    plain, turned = (
        SimulatedTerritories(SMALL, 1, 0, count=1, flip=flip) for flip in (False, True)
    )
    (original, (truth,)), seen = plain[0], set()
    for step in range(20):
        velocity, (found,) = turned[step]
        for axes in ((), (2,), (3,), (2, 3)):
            if torch.equal(velocity, original.flip([axis + 1 for axis in axes])):
                seen.add(axes)
                expected = truth["masks"].flip([axis - 1 for axis in axes])
                assert torch.equal(found["masks"], expected)
    assert len(seen) == 4


def test_devices_share_what_one_device_would_make():
    whole = SimulatedTerritories(SMALL, 4, 1)[2][0]
    parts = [SimulatedTerritories(SMALL, 2, 1, rank=rank, world=2)[2][0] for rank in (0, 1)]
    assert torch.equal(whole, torch.cat(parts))


def test_crops_have_the_train_of_the_unit_in_their_middle():
    crops, trains = SimulatedTrains(SMALL, 3, seed=5, flip=False)[1]
    assert (crops.shape, trains.shape) == ((3, 1, 60, 16, 16), (3, 60))
    made = simulate(SMALL, 5, 1)
    velocity, deviation = sequences.standardised(made.velocity), sequences.moments(made.velocity)[1]
    own = made.twitch_train / np.float32(deviation)
    for one, train in zip(crops[:, 0].numpy(), trains.numpy(), strict=True):
        (unit,) = np.flatnonzero((own == train).all(axis=1))
        np.testing.assert_array_equal(one, crop(velocity, made.territory[unit]))


def test_a_set_of_few_sequences_comes_again_and_endless_ones_do_not():
    few = SimulatedTerritories(SMALL, 1, 0, count=2, flip=False)
    assert (
        len(
            {
                float(few[step][0].double().square().mean() + few[step][0][0, 0, 5].sum())
                for step in range(8)
            }
        )
        == 2
    )


@pytest.mark.parametrize(
    ("changes", "count", "message"),
    [
        ({"units": (0, 3)}, None, "units = \\(0, 3\\): there must be at least one"),
        ({}, 0, "count = 0: allowed is at least 1"),
    ],
)
def test_impossible_sets_are_refused(changes, count, message):
    with pytest.raises(ParameterError, match=message):
        SimulatedTerritories(SMALL.changed(**changes), 1, 0, count)
