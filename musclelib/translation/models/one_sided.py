"""Our own translation: one light generator, trained against its clips and its variance maps.

Content needs no way back. Where a pixel of the input moves, its translation is asked to move in
time with it, which is what the cycle loss is for, said directly; so there is no second generator.
The generator is factorised into convolutions in space and in time, adds to its blurred input, and
has no normalisation: what it does at one place and time depends on its surroundings alone, not on
the length of the clip, so recordings can be cut anywhere.
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
    """What a one-sided translation is built from."""

    name: str = quantity("one-sided", doc="name of the model")
    features: int = quantity(
        24,
        doc="channels at half the pixels; twice and four times as many at the next levels",
        low=1,
    )
    blocks: int = quantity(1, doc="blocks at each level, down and up", low=1)
    discriminator_features: int = quantity(
        32, doc="channels of the discriminators' first layer", low=1
    )
    content: float = quantity(5.0, doc="weight of the content loss", low=0)
    map_weight: float = quantity(1.0, doc="weight of the variance maps' adversarial loss", low=0)
    pool: int = quantity(50, doc="past fakes kept", low=0)

    def generator(self) -> LightGeneratorParameters:
        """Return the parameters of the generator, whose filter on time is set after training."""
        return LightGeneratorParameters(self.features, self.blocks)


def content(translation: Tensor, original: Tensor) -> Tensor:
    """Return 1 - the mean correlation over time of every moving pixel with its translation: 0 if all is kept.

    Parameters
    ----------
    translation, original : Tensor
        Clips `(batch, 1, time, depth, lateral)`.
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
        What it was built from.
    to_b : LightGenerator
        Translates A (simulated) to B (in vivo).
    discriminator_clip, discriminator_map : ClipDiscriminator, MapDiscriminator
        Tell real clips of domain B from translated ones, by the clips and by their variance maps.
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
        """Fill the pool with what `memory` returned."""
        self.pool_b.load_state_dict(memory)

    def generator_loss(
        self, a: Tensor, b: Tensor
    ) -> tuple[Tensor, dict[str, Tensor], tuple[Tensor, ...]]:
        """Return the weighted sum of the generator's losses, its terms, and the fakes."""
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
        """Return the sum of the discriminators' losses on real clips and on fakes out of the pool, and the terms."""
        fake = self.pool_b(fakes[0])
        terms = {}
        for name, discriminator in (
            ("discriminator_clip", self.discriminator_clip),
            ("discriminator_map", self.discriminator_map),
        ):
            real, false = discriminator(torch.cat([b, fake])).split([len(b), len(fake)])
            terms[name] = (losses.lsgan(real, real=True) + losses.lsgan(false, real=False)) / 2
        return weighted(terms, {"discriminator": 1.0})
