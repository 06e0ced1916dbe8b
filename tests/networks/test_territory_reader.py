import numpy as np
import pytest
import torch

from musclelib.networks.territory_reader import ReaderParameters, Reading, TerritoryReader
from musclelib.networks.unit_weights import load_unit_network, save_unit_network


@pytest.mark.parametrize("field", [(64, 64), (40, 33), (9, 70)])
def test_any_field(field):
    mask, score = TerritoryReader(ReaderParameters(features=4)).eval()(torch.randn(3, 5, *field))
    assert (mask.shape, score.shape) == ((3, *field), (3,))


def test_losses_by_hand(monkeypatch):
    model = Reading(ReaderParameters(features=4))
    logits = torch.full((2, 2, 2), 100.0)
    logits[0, 0] = -100.0
    monkeypatch.setattr(TerritoryReader, "forward", lambda self, images: (logits, torch.tensor([0.0, 100.0])))
    territory = torch.tensor([[[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    total, parts = model.loss(torch.zeros(2, 5, 2, 2), territory, torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0]))
    # the first territory is right; the second is wrong, but nobody knows it
    assert float(parts["overlap"]) == pytest.approx(0, abs=1e-6)
    assert float(parts["pixel"]) == pytest.approx(0, abs=1e-6)
    assert float(parts["score"]) == pytest.approx(np.log(2) / 2)
    assert float(total) == pytest.approx(sum(map(float, parts.values())))
    _, parts = model.loss(torch.zeros(2, 5, 2, 2), 1 - territory, torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0]))
    assert float(parts["overlap"]) == pytest.approx(1 - 1 / 5)
    assert float(parts["pixel"]) == pytest.approx(100)


def test_it_learns_where_the_bright_half_is():
    torch.manual_seed(0)
    model = Reading(ReaderParameters(features=8))
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    images = torch.randn(16, 5, 16, 16)
    images[:, 1, :8] += 3 * torch.tensor([1.0, -1.0]).repeat(8)[:, None, None]
    units = torch.tensor([1.0, 0.0]).repeat(8)
    territory = torch.zeros(16, 16, 16)
    territory[:, :8] = 1
    for _ in range(60):
        optimiser.zero_grad()
        total, _ = model.loss(images, territory, torch.ones(16), units)
        total.backward()
        optimiser.step()
    mask, score = model.reader.eval()(images)
    assert ((mask > 0) == (territory > 0)).float().mean() > 0.9
    assert ((score > 0) == (units > 0)).float().mean() > 0.9


def test_weights_come_back(tmp_path):
    reader = TerritoryReader(ReaderParameters(features=4)).eval()
    save_unit_network(reader, tmp_path / "reader.safetensors")
    images = torch.randn(2, 5, 24, 24)
    for one, other in zip(
        reader(images), load_unit_network(TerritoryReader, tmp_path / "reader.safetensors")(images), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-3)  # kept in half precision
