import numpy as np
import pytest
import torch

from musclelib.networks.twitch import TwitchNetwork, crop


def test_a_train_has_a_value_for_each_frame_and_hears_both_directions():
    network = TwitchNetwork().eval()
    crop = torch.randn(1, 1, 100, 16, 16)
    changed = crop.clone()
    changed[:, :, 50] += 1
    with torch.no_grad():
        before, after = network(crop), network(changed)
    assert before.shape == (1, 100)
    differs = (before - after).abs()[0] > 0
    assert differs[:10].any()
    assert differs[-10:].any()


def test_parameters_of_the_twitch_network():
    convolutions = 16 * 375 + 4 * 16 * 16 * 135 + 5 * 3 * 16
    dense = (
        1024 * 1024
        + 1024 * 512
        + 512 * 256
        + 1024 * 1024
        + 1024 * 512
        + 512
        + 1024
        + 512
        + 256
        + 1024
        + 512
        + 1
    )
    gru = 2 * 3 * (256 * 512 + 512 * 512 + 2 * 512)
    assert (
        sum(value.numel() for value in TwitchNetwork().parameters()) == convolutions + dense + gru
    )


def test_wrong_crops_are_refused():
    with pytest.raises(ValueError, match=r"twitch network: input of shape \(1, 1, 40, 16, 15\)"):
        TwitchNetwork()(torch.zeros(1, 1, 40, 16, 15))


@pytest.mark.parametrize(("row", "column"), [(30, 30), (0, 0), (60, 3), (63, 63)])
def test_a_crop_has_the_unit_in_its_middle_and_zeros_beyond_the_field(row, column):
    velocity = np.arange(3 * 64 * 64, dtype=np.float32).reshape(3, 64, 64) + 1
    territory = np.zeros((64, 64), bool)
    territory[row, column] = True
    found = crop(velocity, territory)
    padded = np.pad(velocity, ((0, 0), (8, 8), (8, 8)))
    np.testing.assert_array_equal(found[:, 8, 8], velocity[:, row, column])
    np.testing.assert_array_equal(found, padded[:, row : row + 16, column : column + 16])


def test_a_disc_lies_in_the_middle_of_its_crop():
    rows, columns = np.mgrid[:64, :64] + 0.5
    territory = np.hypot(rows - 31, columns - 20) < 5  # of an even number of pixels
    found = crop(territory[None].astype(np.float32), territory)[0]
    np.testing.assert_array_equal(found, found[::-1])
    np.testing.assert_array_equal(found, found[:, ::-1])
