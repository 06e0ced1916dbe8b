"""CycleGAN: two generators and two discriminators that learn from unpaired clips of two domains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from musclelib.networks.layers import frozen
from musclelib.networks.patch_discriminator import Discriminator, DiscriminatorParameters
from musclelib.networks.resnet_generator import Generator, GeneratorParameters
from musclelib.parameters import Parameters, quantity
from musclelib.training.objective import Objective, Turn
from musclelib.translation import losses
from musclelib.translation.pool import ClipPool


@dataclass(frozen=True)
class CycleGANParameters(Parameters):
    """The parts of a CycleGAN; the defaults are paper 1's "3D cycleGAN default"."""

    name: str = quantity("3d", doc="name of the model")
    kernel: str = quantity(
        "clip", doc="3-D networks for clips or 2-D for single frames", choices=("clip", "single")
    )
    features: int = quantity(32, doc="channels of the generators' first layer", low=1)
    blocks: int = quantity(6, doc="residual blocks of the generators", low=1)
    temporal_stride: int = quantity(
        2, doc="stride of generators and discriminators along time", choices=(1, 2)
    )
    noise: bool = quantity(False, doc="whether the generator from A to B injects noise")
    limit: float | None = quantity(
        20.0, "SD", "largest output of the generators; None is linear", above=0
    )
    discriminator_features: int = quantity(
        64, doc="channels of the discriminators' first layer", low=1
    )
    cycle: float = quantity(10.0, doc="weight of the cycle loss", low=0)
    identity: float = quantity(
        5.0, doc="weight of the identity loss, 0.5 times that of the cycle loss", low=0
    )
    identity_form: str = quantity(
        "l1",
        doc="l1 in both domains as in CycleGAN's code, or l2 in B as in equation 5",
        choices=("l1", "l2"),
    )
    pool: int = quantity(50, doc="number of past fakes kept for each discriminator", low=0)

    def generator(self, noise: bool) -> GeneratorParameters:
        """Return the parameters of a generator."""
        return GeneratorParameters(
            self.kernel, self.features, self.blocks, self.temporal_stride, noise, self.limit
        )

    def discriminator(self) -> DiscriminatorParameters:
        """Return the parameters of a discriminator."""
        return DiscriminatorParameters(
            self.kernel, self.discriminator_features, self.temporal_stride
        )


class CycleGAN(Objective):
    """The networks of a CycleGAN, and the losses of its generators and of its discriminators.

    Attributes
    ----------
    settings : CycleGANParameters
        The parameters that the model was built from.
    to_b, to_a : Generator
        Generators from A (simulated) to B (in vivo), with noise if wanted, and from B to A.
    discriminator_a, discriminator_b : Discriminator
        Discriminators of real and translated clips of each domain.
    pool_a, pool_b : ClipPool
        Past fakes of each domain.
    """

    settings: CycleGANParameters

    def __init__(self, settings: CycleGANParameters) -> None:
        super().__init__()
        self.settings = settings
        self.to_b = Generator(settings.generator(settings.noise))
        self.to_a = Generator(settings.generator(noise=False))
        self.discriminator_a = Discriminator(settings.discriminator())
        self.discriminator_b = Discriminator(settings.discriminator())
        self.pool_a, self.pool_b = ClipPool(settings.pool, 0), ClipPool(settings.pool, 1)

    def groups(self) -> dict[str, list[nn.Module]]:
        """Return generators and discriminators."""
        return {
            "generators": [self.to_b, self.to_a],
            "discriminators": [self.discriminator_a, self.discriminator_b],
        }

    def turns(self, a: Tensor, b: Tensor) -> Iterator[Turn]:
        """Yield the turn of the generators, then that of the discriminators on their fakes."""
        total, terms, fakes = self.generator_loss(a, b)
        yield Turn("generators", total, terms)
        yield Turn("discriminators", *self.discriminator_loss(a, b, fakes))

    def memory(self) -> dict[str, Tensor]:
        """Return the pools of past fakes."""
        pools = {"pool_a": self.pool_a, "pool_b": self.pool_b}
        return {
            f"{name}.{key}": value
            for name, pool in pools.items()
            for key, value in pool.state_dict().items()
        }

    def remember(self, memory: dict[str, Tensor]) -> None:
        """Restore the pools that `memory` returned."""
        for name, pool in (("pool_a.", self.pool_a), ("pool_b.", self.pool_b)):
            pool.load_state_dict(
                {key.removeprefix(name): memory[key] for key in memory if key.startswith(name)}
            )

    def generator_loss(
        self, a: Tensor, b: Tensor
    ) -> tuple[Tensor, dict[str, Tensor], tuple[Tensor, ...]]:
        """Return the loss of the generators (equations 1 to 5).

        With G from A to B, F from B to A, and weights c and i it is L = adversarial(G, F) + c
        [cycle(F(G(a)), a) + cycle(G(F(b)), b)] + i [identity(F(a), a) + identity(G(b), b)].
        Translations, identities and one of the cycles pass a generator as one batch: InstanceNorm
        treats every clip separately, and a large batch takes less time. The discriminators
        accumulate no gradients.

        Parameters
        ----------
        a, b : Tensor
            Clips of domains A and B, `(batch, 1, time, depth, lateral)` [SD].

        Returns
        -------
        total : Tensor
            The weighted sum of the terms.
        terms : dict of Tensor
            The terms before weighting, without gradients.
        fakes : tuple of Tensor
            Translated clips, to domain A and to domain B, without gradients, for
            `discriminator_loss`.
        """
        settings = self.settings
        with_identity = settings.identity > 0
        fake_b, *same_b = together(self.to_b, [a, b] if with_identity else [a])
        fake_a, cycle_a, *same_a = together(
            self.to_a, [b, fake_b, a] if with_identity else [b, fake_b]
        )
        cycle_b = self.to_b(fake_a)

        with frozen(self.discriminator_a, self.discriminator_b):
            terms = {
                "adversarial_a": losses.lsgan(self.discriminator_a(fake_a), real=True),
                "adversarial_b": losses.lsgan(self.discriminator_b(fake_b), real=True),
            }
        terms |= {"cycle_a": losses.cycle(cycle_a, a), "cycle_b": losses.cycle(cycle_b, b)}
        if with_identity:
            terms["identity_a"] = losses.identity(same_a[0], a)
            terms["identity_b"] = losses.identity(same_b[0], b, settings.identity_form)
        weights = {"adversarial": 1.0, "cycle": settings.cycle, "identity": settings.identity}
        return *weighted(terms, weights), (fake_a.detach(), fake_b.detach())

    def discriminator_loss(
        self, a: Tensor, b: Tensor, fakes: tuple[Tensor, ...]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of the discriminators on real clips and on fakes from the pools.

        For each domain it is L = [mean (D(x) - 1)² + mean D(fake)²] / 2.

        Parameters
        ----------
        a, b : Tensor
            Clips of domains A and B.
        fakes : tuple of Tensor
            The fakes that `generator_loss` returned.

        Returns
        -------
        total : Tensor
            The sum over both domains.
        terms : dict of Tensor
            The loss of each domain, without gradients.
        """
        fake_a, fake_b = fakes
        terms = {
            "discriminator_a": _discriminator(self.discriminator_a, a, self.pool_a(fake_a)),
            "discriminator_b": _discriminator(self.discriminator_b, b, self.pool_b(fake_b)),
        }
        return weighted(terms, {"discriminator": 1.0})


def weighted(
    terms: dict[str, Tensor], weights: dict[str, float]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the weighted sum of terms named `kind_domain`, and the terms without gradients.

    `weights` has the weight of each kind.
    """
    total = torch.stack(
        [weights[name.rsplit("_", 1)[0]] * term for name, term in terms.items()]
    ).sum()
    return total, {name: term.detach() for name, term in terms.items()}


def together(generator: nn.Module, clips: list[Tensor]) -> tuple[Tensor, ...]:
    """Put several batches of clips through a network as one."""
    return generator(torch.cat(clips)).split([len(part) for part in clips])


def _discriminator(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    scores_real, scores_fake = together(discriminator, [real, fake])
    return (losses.lsgan(scores_real, real=True) + losses.lsgan(scores_fake, real=False)) / 2
