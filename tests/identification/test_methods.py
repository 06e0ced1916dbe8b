import pytest

from musclelib.identification.methods import METHODS, method
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader
from musclelib.networks.unit_weights import save_unit_network
from musclelib.networks.weights import MissingWeightsError, WeightsError
from musclelib.parameters import ParameterError


def test_methods_by_name(tmp_path):
    save_unit_network(TerritoryReader(ReaderParameters(features=4)), tmp_path / "reader.safetensors")
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
