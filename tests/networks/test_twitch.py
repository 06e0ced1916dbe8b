import pytest
import torch

from musclelib.networks.twitch import TwitchNetwork, train_loss


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
    dense = 1024 * 1024 + 1024 * 512 + 512 * 256 + 1024 * 1024 + 1024 * 512 + 512 + 1024 + 512 + 256 + 1024 + 512 + 1
    gru = 2 * 3 * (256 * 512 + 512 * 512 + 2 * 512)
    assert sum(value.numel() for value in TwitchNetwork().parameters()) == convolutions + dense + gru


def test_weak_units_count_as_much_as_strong_ones():
    torch.manual_seed(0)
    truth, estimate = torch.randn(2, 50), torch.randn(2, 50)
    gain = torch.tensor([[1.0], [1000.0]])
    assert float(train_loss(gain * estimate, gain * truth)) == pytest.approx(float(train_loss(estimate, truth)))
    by_hand = train_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, -4.0]]))
    assert float(by_hand) == pytest.approx(((1 / 4) ** 2 + 1) / 2)


def test_wrong_crops_are_refused():
    with pytest.raises(ValueError, match=r"twitch network: input of shape \(1, 1, 40, 16, 15\)"):
        TwitchNetwork()(torch.zeros(1, 1, 40, 16, 15))
