import pytest
import torch

from musclelib.networks.mask_rcnn import DETECTORS, Detector
from musclelib.networks.twitch import TWITCH_NETWORKS, TwitchNetwork
from musclelib.networks.unit_weights import load_unit_network, save_unit_network
from musclelib.networks.weights import WeightsError, about

SMALL = TWITCH_NETWORKS["light"].changed(features=2, dense=8, states=4)


def test_a_twitch_network_survives_up_to_half_precision(tmp_path):
    network = TwitchNetwork(SMALL).eval()
    save_unit_network(network, tmp_path / "deep" / "twitch.safetensors", steps="7")
    read = load_unit_network(TwitchNetwork, tmp_path / "deep" / "twitch.safetensors")
    assert read.settings == SMALL
    assert not read.training
    assert about(tmp_path / "deep" / "twitch.safetensors") == {"steps": "7"}
    for name, value in network.state_dict().items():
        there = read.state_dict()[name]
        assert there.dtype == value.dtype
        assert torch.equal(there, value.half().float() if value.dim() > 1 else value), name


def test_a_detector_survives(tmp_path):
    detector = Detector(DETECTORS["light"].changed(stages=1, channels=8, hidden=16))
    detector.rcnn.backbone.fusion.layers[1].running_var.fill_(1e-7)
    save_unit_network(detector, tmp_path / "detector.safetensors")
    read = load_unit_network(Detector, tmp_path / "detector.safetensors")
    assert read.settings == detector.settings
    # moments are kept in full
    assert float(read.rcnn.backbone.fusion.layers[1].running_var[0]) == pytest.approx(1e-7)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "twitch.safetensors"
    with pytest.raises(WeightsError, match="there is no such file"):
        load_unit_network(Detector, path)
    save_unit_network(TwitchNetwork(SMALL), path)
    with pytest.raises(WeightsError, match="kind 'TwitchNetwork'; a Detector is needed"):
        load_unit_network(Detector, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        load_unit_network(TwitchNetwork, path)
