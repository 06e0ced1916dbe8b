import numpy as np
import pytest
import torch
from torch import nn

from musclelib.identification.methods.paper2 import Paper2
from musclelib.networks import weights
from musclelib.networks.mask_rcnn import DETECTORS, Detector
from musclelib.networks.twitch import TWITCH_NETWORKS, TwitchNetwork
from musclelib.networks.weights import WeightsError
from musclelib.simulator import preset, simulate


class Knowing(nn.Module):
    """A detector that knows the answer."""

    def __init__(self, territory, scores):
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(()))
        self.territory = torch.from_numpy(territory)
        self.scores = torch.tensor(scores)
        self.given = None

    def forward(self, velocity):
        self.given = velocity
        return [{"masks": 0.8 * self.territory[:, None].float(), "scores": self.scores}]


class Middle(nn.Module):
    """A twitch network that reads the pixel in the middle."""

    def forward(self, crops):
        return crops[:, 0, :, 8, 8]


@pytest.fixture(scope="module")
def made():
    return simulate(preset("paper2", units=(3, 3)), 0, 0)


def test_trains_come_back_in_the_sequences_unit_most_certain_first(made):
    detector = Knowing(made.territory, [0.2, 0.9, 0.5])
    found = Paper2(detector, Middle())(7 * made.velocity, 400)
    assert found.confidence.tolist() == pytest.approx([0.9, 0.5, 0.2])
    np.testing.assert_array_equal(found.territory, made.territory[[1, 2, 0]])
    assert float(detector.given.mean()) == pytest.approx(0, abs=1e-4)
    assert float(detector.given.std()) == pytest.approx(1, abs=1e-3)
    alone = made.territory.sum(0) == 1
    for mask, train in zip(found.territory, found.twitch_train, strict=True):
        row, column = (int(np.floor(pixels.mean() + 0.5)) for pixels in np.nonzero(mask))
        if alone[row, column]:
            own = 7 * made.velocity[:, row, column]
            np.testing.assert_allclose(
                train, own - 7 * made.velocity.mean(), atol=1e-4 * np.abs(own).max()
            )


def test_empty_masks_are_no_units(made):
    found = Paper2(Knowing(made.territory * False, [0.9, 0.8, 0.7]), Middle())(made.velocity, 400)
    assert (found.territory.shape, found.twitch_train.shape) == ((0, 64, 64), (0, 400))


@pytest.mark.parametrize(
    ("change", "rate", "pixel"),
    [
        (lambda v: v[:300], 400, 0.625),
        (lambda v: v[:, :32], 400, 0.625),
        (lambda v: v, 512.0, 0.625),
        (lambda v: v, 400, 0.3125),
    ],
)
def test_sequences_of_another_kind_are_refused_in_one_line(made, change, rate, pixel):
    with pytest.raises(
        ValueError,
        match=r"mm: paper 2's networks accept only 400 x 64 x 64 .* at 400 Hz, pixels of 0.625 mm",
    ) as error:
        Paper2(Knowing(made.territory, [0.9] * 3), Middle())(
            change(made.velocity), rate, (0.625, pixel)
        )
    assert "\n" not in str(error.value)


def test_networks_are_loaded_from_a_folder(tmp_path, made):
    torch.manual_seed(0)
    detector = Detector(
        DETECTORS["light"].changed(stages=1, channels=8, hidden=16, confidence=0.0, units=5)
    )
    weights.save(detector, tmp_path / "detector.safetensors", half=True)
    with pytest.raises(WeightsError, match=r"twitch.safetensors: there is no such file"):
        Paper2.load(tmp_path)
    network = TwitchNetwork(TWITCH_NETWORKS["light"].changed(features=2, dense=8, states=4))
    weights.save(network, tmp_path / "twitch.safetensors", half=True)
    identify = Paper2.load(tmp_path)
    found, again = identify(made.velocity, 400), identify(made.velocity, 400.0, seed=9)
    assert len(found.confidence) <= 5
    assert found.twitch_train.shape == (len(found.confidence), 400)
    np.testing.assert_array_equal(found.territory, again.territory)
    np.testing.assert_array_equal(found.twitch_train, again.twitch_train)
