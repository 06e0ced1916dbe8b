"""The objectives with which the networks of identification are trained."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from musclelib.networks.firing_detector import FiringDetector, FiringParameters
from musclelib.networks.mask_rcnn import Detector, DetectorParameters
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader
from musclelib.networks.twitch import TwitchNetwork, TwitchParameters
from musclelib.training.objective import Supervised

_NAMES = {
    "loss_objectness": "anchor score",
    "loss_rpn_box_reg": "anchor box",
    "loss_classifier": "score",
    "loss_box_reg": "box",
    "loss_mask": "mask",
}

_SPREAD = 1.0  # SD of the Gaussian over which a true firing is spread [frame]


class Detection(Supervised):
    """Trains a detector on sequences and the territories of their units.

    L = L(anchor score) + L(anchor box) + L(score) + L(box) + L(mask), the last three of regions,
    all of weight 1 (paper 2, section III-B.3).
    """

    network: Detector

    def __init__(self, settings: DetectorParameters) -> None:
        super().__init__()
        self.settings = settings
        self.network = Detector(settings)

    def loss(
        self, velocity: Tensor, truth: list[dict[str, Tensor]]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum of the five losses, and the losses.

        Parameters
        ----------
        velocity : Tensor
            `(batch, 1, 400, 64, 64)` [SD].
        truth : list of dict
            The truth of each sequence, see `musclelib.networks.mask_rcnn.truth`.
        """
        losses = self.network(velocity, truth)
        return torch.stack(list(losses.values())).sum(), {
            _NAMES[name]: value for name, value in losses.items()
        }


class FiringDetection(Supervised):
    """Trains a firing detector on twitch trains and the number of firings in each frame."""

    def __init__(self, settings: FiringParameters) -> None:
        super().__init__()
        self.settings = settings
        self.network = FiringDetector(settings)

    def loss(self, trains: Tensor, firings: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the negative log-likelihood of Poisson counts, per firing.

        L = sum over trains and frames of (e - n log e), divided by the number of firings, with the
        expected number e and the true number n, spread over neighbouring frames. It is smallest if
        e is the expectation of n, whose sum around a firing is one even if the frame is uncertain.

        Parameters
        ----------
        trains : Tensor
            `(train, 1, time)` [SD].
        firings : Tensor
            `(train, time)`, firings in each frame; two frames may share a firing.
        """
        expected = self.network(trains)
        reach = torch.arange(-4, 5, device=firings.device)
        spread = torch.exp(-0.5 * (reach / _SPREAD) ** 2)
        spread = (spread / spread.sum()).to(firings.dtype)[None, None]
        wanted = functional.conv1d(firings[:, None], spread, padding=4)[:, 0]  # (train, time)
        return (expected - wanted * torch.log(expected + 1e-6)).sum() / firings.sum().clamp(
            min=1
        ), {}


class TwitchEstimation(Supervised):
    """Trains a twitch network on crops and the twitch trains of their units."""

    def __init__(self, settings: TwitchParameters) -> None:
        super().__init__()
        self.settings = settings
        self.network = TwitchNetwork(settings)

    def loss(self, crops: Tensor, trains: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return `train_loss` of the estimates.

        Parameters
        ----------
        crops : Tensor
            `(batch, 1, time, 16, 16)` [SD].
        trains : Tensor
            True twitch trains `(batch, time)` [SD].
        """
        return train_loss(self.network(crops), trains), {}


def train_loss(estimate: Tensor, truth: Tensor) -> Tensor:
    """Return the mean squared error of trains relative to their peaks.

    L = mean ((estimate - truth) / max |truth|)², so that units of small velocity count as much as
    others (paper 2, section III-C.3). A unit whose truth is 0 throughout, since it fired neither in
    the sequence nor shortly before, does not count; without any other unit the loss is 0.

    Parameters
    ----------
    estimate, truth : Tensor
        Trains `(batch, time)`, of one unit each.
    """
    largest = truth.abs().amax(dim=1, keepdim=True)
    heard = largest > 0
    errors = ((estimate - truth) / largest.where(heard, 1)).square() * heard
    return errors.sum() / (heard.sum() * truth.shape[1]).clamp(min=1)


class Reading(Supervised):
    """Trains a territory reader on components of sequences whose units are known."""

    def __init__(self, settings: ReaderParameters) -> None:
        super().__init__()
        self.settings = settings
        self.network = TerritoryReader(settings)

    def loss(
        self, images: Tensor, territory: Tensor, known: Tensor, unit: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum of the losses of territories and scores, and the losses.

        L = Dice(mask, territory) + cross entropy(mask, territory) + cross entropy(score, unit).

        Parameters
        ----------
        images : Tensor
            `(component, 5, depth, lateral)`.
        territory : Tensor
            `(component, depth, lateral)`, share of each pixel that belongs to it, 0 to 1.
        known : Tensor
            `(component,)`, 1 if a unit causes the component, 0 otherwise; components with 0 do not
            enter the losses of territories.
        unit : Tensor
            `(component,)`, 1 for the best component of a unit, 0 for others, which are to be
            rejected.
        """
        logits, score = self.network(images)
        logits = logits.float()
        mask = torch.sigmoid(logits)
        shared = (mask * territory).sum(dim=(1, 2))
        both = (mask.square() + territory.square()).sum(dim=(1, 2))
        entropy = functional.binary_cross_entropy_with_logits(
            logits, territory, reduction="none"
        ).mean(dim=(1, 2))
        weight = known / known.sum().clamp(min=1)
        parts = {
            "overlap": ((1 - (2 * shared + 1) / (both + 1)) * weight).sum(),  # Dice
            "pixel": (entropy * weight).sum(),
            "score": functional.binary_cross_entropy_with_logits(score.float(), unit),
        }
        return torch.stack(list(parts.values())).sum(), parts
