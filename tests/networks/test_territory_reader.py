import pytest
import torch

from musclelib.networks import weights
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader


@pytest.mark.parametrize("field", [(64, 64), (40, 33), (9, 70)])
def test_any_field(field):
    mask, score = TerritoryReader(ReaderParameters(features=4)).eval()(torch.randn(3, 5, *field))
    assert (mask.shape, score.shape) == ((3, *field), (3,))


def test_weights_come_back(tmp_path):
    reader = TerritoryReader(ReaderParameters(features=4)).eval()
    weights.save(reader, tmp_path / "reader.safetensors", half=True)
    images = torch.randn(2, 5, 24, 24)
    for one, other in zip(
        reader(images),
        weights.load(tmp_path / "reader.safetensors", TerritoryReader)(images),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-3)  # kept in half precision
