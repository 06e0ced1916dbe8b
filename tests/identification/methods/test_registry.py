import pytest

from musclelib.identification.methods.paper2 import Paper2
from musclelib.identification.methods.registry import METHODS, NETWORKS, method, title
from musclelib.networks import weights
from musclelib.networks.mask_rcnn import DETECTORS, Detector
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader
from musclelib.networks.twitch import TwitchNetwork, TwitchParameters
from musclelib.networks.weights import MissingWeightsError, WeightsError
from musclelib.parameters import ParameterError


def test_methods_by_name(tmp_path):
    weights.save(
        TerritoryReader(ReaderParameters(features=4)), tmp_path / "reader.safetensors", half=True
    )
    assert method("edges", tmp_path).reader.settings.features == 4
    assert callable(method("plain", tmp_path))


def test_unknown_methods_and_missing_weights_are_told(tmp_path):
    with pytest.raises(ParameterError, match=f"method 'best': allowed are {', '.join(METHODS)}"):
        method("best", tmp_path)
    with pytest.raises(MissingWeightsError, match=r"reader\.safetensors"):
        method("edges", tmp_path)


def test_damaged_weights_do_not_count_as_missing(tmp_path):
    (tmp_path / "reader.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"reader\.safetensors: cannot be read") as told:
        method("edges", tmp_path)
    assert not isinstance(told.value, MissingWeightsError)


@pytest.mark.parametrize(
    ("detector", "network", "wanted"),
    [
        ("paper", "paper", "paper 2"),
        ("light", "light", "paper 2 (light)"),
        ("paper", "light", "paper 2 (light)"),
        ("light", "tiny", "paper 2 (light, tiny)"),
    ],
)
def test_networks_that_are_not_the_papers_are_told_in_the_title(detector, network, wanted):
    looks = Detector(DETECTORS["light"].changed(channels=8, hidden=8, name=detector))
    estimates = TwitchNetwork(TwitchParameters(dense=8, features=4, states=8, name=network))
    assert title("paper 2", Paper2(looks, estimates)) == wanted


def test_other_methods_are_called_by_their_name():
    assert title("plain", method("plain", "")) == "plain"


@pytest.mark.parametrize("name", METHODS)
def test_the_weights_that_a_method_needs_are_named(tmp_path, name):
    if name not in NETWORKS:
        assert callable(method(name, tmp_path))
        return
    with pytest.raises(MissingWeightsError, match=rf"{NETWORKS[name][0]}\.safetensors"):
        method(name, tmp_path)
