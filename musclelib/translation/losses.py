"""The losses of paper 1 (equations 1 to 5, with the least-squares objective), all computed in float32."""

from __future__ import annotations

import torch
from torch import Tensor


def lsgan(scores: Tensor, real: bool) -> Tensor:
    """Return the least-squares adversarial loss: the mean of (score - 1)² if they should be real, else of score²."""
    return (scores.float() - float(real)).square().mean()


def cycle(reconstruction: Tensor, original: Tensor) -> Tensor:
    """Return the cycle loss (equation 3): the mean absolute difference [SD]."""
    return (reconstruction.float() - original.float()).abs().mean()


def identity(mapped: Tensor, original: Tensor, form: str = "l1") -> Tensor:
    """Return the identity loss (equation 5) [SD].

    Parameters
    ----------
    mapped, original : Tensor
        A clip, `(batch, ...)`, put through the generator into its own domain, and the clip.
    form : str
        "l1": the mean absolute difference, as equation 5 prints it for domain A, and as CycleGAN's
        code has it for both. "l2": the Euclidean norm of a clip's difference, as printed for domain
        B, over the square root of its number of pixels, so that its size compares with "l1"; the
        mean over clips.

    Raises
    ------
    ValueError
        There is no such form.
    """
    if form == "l1":
        return cycle(mapped, original)
    if form == "l2":
        difference = (mapped.float() - original.float()).flatten(1)
        return torch.linalg.vector_norm(difference, dim=1).mean() / difference.shape[1] ** 0.5
    raise ValueError(f"identity loss {form!r}: allowed are 'l1', 'l2'")
