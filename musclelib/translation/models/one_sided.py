"""One-sided translation: one light generator with discriminators of clips and of variance maps.

Content needs no way back. The content loss asks the translation of every moving pixel to move in
time with the pixel, which is the purpose of the cycle loss, stated directly; so there is no second
generator. The generator consists of separate convolutions in space and in time, adds to its blurred
input and has no normalisation: its output at one place and time depends only on the surroundings
and not on the length of the clip, so recordings can be divided anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from musclelib.networks.layers import frozen
from musclelib.networks.light_discriminators import _SILENT, ClipDiscriminator, MapDiscriminator
from musclelib.networks.light_generator import LightGenerator, LightGeneratorParameters
from musclelib.parameters import Parameters, quantity
from musclelib.training.objective import Objective, Turn
from musclelib.translation import losses
from musclelib.translation.models.cyclegan import weighted
from musclelib.translation.pool import ClipPool


@dataclass(frozen=True)
class OneSidedParameters(Parameters):
    """The parts of a one-sided translation."""

    name: str = quantity("one-sided", doc="name of the model")
    features: int = quantity(
        24,
        doc="channels of the finest level; the next levels have twice and four times as many",
        low=1,
    )
    blocks: int = quantity(1, doc="blocks of each level, on the way down and on the way up", low=1)
    discriminator_features: int = quantity(
        32, doc="channels of the discriminators' first layer", low=1
    )
    content: float = quantity(5.0, doc="weight of the content loss", low=0)
    map_weight: float = quantity(1.0, doc="weight of the variance maps' adversarial loss", low=0)
    pool: int = quantity(50, doc="number of past fakes kept", low=0)

    def generator(self) -> LightGeneratorParameters:
        """Return the parameters of the generator; its time filter is set after training."""
        return LightGeneratorParameters(self.features, self.blocks)


def content(translation: Tensor, original: Tensor) -> Tensor:
    """Return the content loss, L = 1 - mean r, which is 0 if all motion is kept.

    r is the correlation over time of a pixel with its translation, and the mean is over the pixels
    that move in the original.

    Parameters
    ----------
    translation, original : Tensor
        Clips `(batch, 1, time, depth, lateral)` [SD].
    """
    a, b = (
        clip.float() - clip.float().mean(dim=2, keepdim=True) for clip in (original, translation)
    )
    power_a, power_b = a.square().mean(dim=2), b.square().mean(dim=2)
    correlation = (a * b).mean(dim=2) / (power_a * power_b + _SILENT**2).sqrt()
    moving = (power_a > _SILENT).float()
    return 1 - (correlation * moving).sum() / moving.sum().clamp(min=1)


class OneSided(Objective):
    """The generator from A to B, its two discriminators, and their losses.

    Attributes
    ----------
    settings : OneSidedParameters
        The parameters that the model was built from.
    to_b : LightGenerator
        Generator from A (simulated) to B (in vivo).
    discriminator_clip, discriminator_map : ClipDiscriminator, MapDiscriminator
        Discriminators of real and translated clips of domain B, by clip and by variance map.
    pool_b : ClipPool
        Past fakes.
    """

    settings: OneSidedParameters

    def __init__(self, settings: OneSidedParameters) -> None:
        super().__init__()
        self.settings = settings
        self.to_b = LightGenerator(settings.generator())
        self.discriminator_clip = ClipDiscriminator(settings.discriminator_features)
        self.discriminator_map = MapDiscriminator(settings.discriminator_features)
        self.pool_b = ClipPool(settings.pool, 1)

    def groups(self) -> dict[str, list[nn.Module]]:
        """Return generator and discriminators."""
        return {
            "generators": [self.to_b],
            "discriminators": [self.discriminator_clip, self.discriminator_map],
        }

    def turns(self, a: Tensor, b: Tensor) -> Iterator[Turn]:
        """Yield the turn of the generator, then that of the discriminators on its fakes."""
        total, terms, fakes = self.generator_loss(a, b)
        yield Turn("generators", total, terms)
        yield Turn("discriminators", *self.discriminator_loss(a, b, fakes))

    def memory(self) -> dict[str, Tensor]:
        """Return the pool of past fakes."""
        return self.pool_b.state_dict()

    def remember(self, memory: dict[str, Tensor]) -> None:
        """Restore the pool that `memory` returned."""
        self.pool_b.load_state_dict(memory)

    def generator_loss(
        self, a: Tensor, b: Tensor
    ) -> tuple[Tensor, dict[str, Tensor], tuple[Tensor, ...]]:
        """Return the loss of the generator, its terms and the fakes.

        L = adversarial(clips) + m adversarial(variance maps) + c content, with weights m and c.

        Parameters
        ----------
        a, b : Tensor
            Clips of domains A and B, `(batch, 1, time, depth, lateral)` [SD].
        """
        fake = self.to_b(a)
        with frozen(self.discriminator_clip, self.discriminator_map):
            terms = {
                "adversarial_b": losses.lsgan(self.discriminator_clip(fake), real=True),
                "map_b": losses.lsgan(self.discriminator_map(fake), real=True),
            }
        terms["content_a"] = content(fake, a)
        weights = {
            "adversarial": 1.0,
            "map": self.settings.map_weight,
            "content": self.settings.content,
        }
        return *weighted(terms, weights), (fake.detach(),)

    def discriminator_loss(
        self, a: Tensor, b: Tensor, fakes: tuple[Tensor, ...]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of the discriminators on real clips and on fakes from the pool.

        For each discriminator it is L = [mean (D(b) - 1)² + mean D(fake)²] / 2.

        Parameters
        ----------
        a, b : Tensor
            Clips of domains A and B, `(batch, 1, time, depth, lateral)` [SD].
        fakes : tuple of Tensor
            The fakes that `generator_loss` returned.
        """
        fake = self.pool_b(fakes[0])
        terms = {}
        for name, discriminator in (
            ("discriminator_clip", self.discriminator_clip),
            ("discriminator_map", self.discriminator_map),
        ):
            real, false = discriminator(torch.cat([b, fake])).split([len(b), len(fake)])
            terms[name] = (losses.lsgan(real, real=True) + losses.lsgan(false, real=False)) / 2
        return weighted(terms, {"discriminator": 1.0})
