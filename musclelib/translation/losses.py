"""The losses of paper 1, equations 1 to 5 with the least-squares objective, in float32."""

from __future__ import annotations

import torch
from torch import Tensor


def lsgan(scores: Tensor, real: bool) -> Tensor:
    """Return the least-squares adversarial loss (equations 1 and 2).

    L = mean (D(x) - 1)² for scores that should be real, and mean D(x)² for those of fakes.

    Parameters
    ----------
    scores : Tensor
        Scores D(x) of a discriminator, of any shape.
    real : bool
        Whether the scores should be those of real clips.
    """
    return (scores.float() - float(real)).square().mean()


def cycle(reconstruction: Tensor, original: Tensor) -> Tensor:
    """Return the cycle loss (equation 3), L = mean |F(G(x)) - x| [SD].

    Parameters
    ----------
    reconstruction, original : Tensor
        A clip F(G(x)) translated there and back, and the clip x, of one shape.
    """
    return (reconstruction.float() - original.float()).abs().mean()


def identity(mapped: Tensor, original: Tensor, form: str = "l1") -> Tensor:
    """Return the identity loss (equation 5) [SD].

    L = mean |G(y) - y| in the form "l1", L = mean over clips of ||G(y) - y|| / sqrt(n) in "l2".

    Parameters
    ----------
    mapped, original : Tensor
        A clip G(y), `(batch, ...)`, that the generator has mapped to its domain, and the clip y.
    form : str
        "l1", as printed for domain A and as in CycleGAN's code for both domains, or "l2", the
        Euclidean norm as printed for domain B. It is divided by the square root of the number n of
        pixels of a clip, so that its size compares with that of "l1".

    Raises
    ------
    ValueError
        The form is unknown.
    """
    if form == "l1":
        return cycle(mapped, original)
    if form == "l2":
        difference = (mapped.float() - original.float()).flatten(1)
        return torch.linalg.vector_norm(difference, dim=1).mean() / difference.shape[1] ** 0.5
    raise ValueError(f"identity loss {form!r}: allowed are 'l1', 'l2'")
