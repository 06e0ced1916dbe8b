"""Recycle-GAN: a CycleGAN on single frames with a prediction of the next frame in its cycle."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from musclelib.networks.layers import frozen
from musclelib.networks.unet_predictor import Predictor
from musclelib.parameters import ParameterError, quantity
from musclelib.translation import losses
from musclelib.translation.models.cyclegan import CycleGAN, CycleGANParameters, together, weighted


@dataclass(frozen=True)
class RecycleGANParameters(CycleGANParameters):
    """The parts of a Recycle-GAN; `cycle` and `identity` have an effect only with `plain`."""

    name: str = quantity("recycle", doc="name of the model")
    kernel: str = quantity("single", doc="2-D networks for single frames", choices=("single",))
    prediction: float = quantity(10.0, doc="weight of the prediction loss", low=0)
    recycle: float = quantity(10.0, doc="weight of the recycle loss", low=0)
    plain: bool = quantity(
        False, doc="whether the plain cycle and identity losses of CycleGAN are added"
    )

    def check(self) -> None:
        """Refuse noise: a prediction cannot keep a noise map that differs in every frame."""
        if self.noise:
            raise ParameterError("RecycleGANParameters.noise = True: allowed is False")


class RecycleGAN(CycleGAN):
    """The networks of a Recycle-GAN, and the losses of its generators and of its discriminators.

    Clips are cut into triplets of frames x0, x1, x2. With G to the other domain, F back, and P the
    other domain's predictor, y0 = G(x0), y1 = G(x1) and y2 = P(y0, y1), the loss is a sum over both
    domains of

    - adversarial: mean (D(y) - 1)² over each of y0, y1 and y2;
    - prediction: mean |Q(x0, x1) - x2|, with the predictor Q of the clip's domain (weight 10);
    - recycle: mean |F(y2) - x2| (weight 10);
    - with `plain`, for each of x0 and x1: cycle, mean |F(y) - x| (weight 10), and identity, mean
      |F(x) - x| (weight 5).

    Recycle-GAN was published in both variants, with and without the plain losses. Discriminators
    separate y0, y1 and y2 from real frames. A sequence is translated frame by frame, without
    predictors.

    Attributes
    ----------
    predict_a, predict_b : Predictor
        Predictors of the next frame of each domain.
    """

    settings: RecycleGANParameters

    def __init__(self, settings: RecycleGANParameters) -> None:
        super().__init__(settings)
        self.predict_a = Predictor(settings.features, settings.limit)
        self.predict_b = Predictor(settings.features, settings.limit)

    def groups(self) -> dict[str, list[nn.Module]]:
        """Return generators, together with the predictors, and discriminators."""
        groups = super().groups()
        groups["generators"] += [self.predict_a, self.predict_b]
        return groups

    def generator_loss(
        self, a: Tensor, b: Tensor
    ) -> tuple[Tensor, dict[str, Tensor], tuple[Tensor, ...]]:
        """Return the loss of generators and predictors.

        Parameters
        ----------
        a, b : Tensor
            Clips of domains A and B, `(batch, 1, time, depth, lateral)` [SD], of three frames or
            more.

        Returns
        -------
        total : Tensor
            The weighted sum; as published, terms of several frames are sums and not means over
            them.
        terms : dict of Tensor
            The terms before weighting, averaged over frames, without gradients.
        fakes : tuple of Tensor
            Translated triplets, to domain A and to domain B, without gradients, for
            `discriminator_loss`.
        """
        settings, plain = self.settings, self.settings.plain
        a, b = triplets(a), triplets(b)
        start_a, start_b = a[:, :, :2], b[:, :, :2]
        begun_b, *same_b = together(self.to_b, [start_a, start_b] if plain else [start_a])
        begun_a, *same_a = together(self.to_a, [start_b, start_a] if plain else [start_b])
        ended_b, guess_b = together(self.predict_b, [begun_b, start_b])
        ended_a, guess_a = together(self.predict_a, [begun_a, start_a])
        fake_a, fake_b = torch.cat([begun_a, ended_a], dim=2), torch.cat([begun_b, ended_b], dim=2)
        back_a = self.to_a(fake_b if plain else ended_b)
        back_b = self.to_b(fake_a if plain else ended_a)

        with frozen(self.discriminator_a, self.discriminator_b):
            terms = {
                "adversarial_a": losses.lsgan(self.discriminator_a(fake_a), real=True),
                "adversarial_b": losses.lsgan(self.discriminator_b(fake_b), real=True),
            }
        for domain, real, guess, back in (("a", a, guess_a, back_a), ("b", b, guess_b, back_b)):
            terms[f"prediction_{domain}"] = losses.cycle(guess, real[:, :, 2:])
            terms[f"recycle_{domain}"] = losses.cycle(back[:, :, -1:], real[:, :, 2:])
        if plain:
            terms["cycle_a"] = losses.cycle(back_a[:, :, :2], start_a)
            terms["cycle_b"] = losses.cycle(back_b[:, :, :2], start_b)
            terms["identity_a"] = losses.identity(same_a[0], start_a)
            terms["identity_b"] = losses.identity(same_b[0], start_b, settings.identity_form)
        weights = {
            "adversarial": 3.0,
            "prediction": settings.prediction,
            "recycle": settings.recycle,
            "cycle": 2 * settings.cycle,
            "identity": 2 * settings.identity,
        }
        return *weighted(terms, weights), (fake_a.detach(), fake_b.detach())

    def discriminator_loss(
        self, a: Tensor, b: Tensor, fakes: tuple[Tensor, ...]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of the discriminators on triplets, see `CycleGAN.discriminator_loss`."""
        return super().discriminator_loss(triplets(a), triplets(b), fakes)


def triplets(clips: Tensor) -> Tensor:
    """Cut clips `(batch, 1, time, ...)` into `(batch * (time // 3), 1, 3, ...)`.

    Frames that do not fill a last triplet are left out.

    Raises
    ------
    ValueError
        The clips have fewer than three frames.
    """
    count = clips.shape[2] // 3
    if not count:
        raise ValueError(f"Recycle-GAN: clips of {clips.shape[2]} frames; at least 3 are needed")
    return clips[:, :, : 3 * count].unflatten(2, (count, 3)).transpose(1, 2).flatten(0, 1)
