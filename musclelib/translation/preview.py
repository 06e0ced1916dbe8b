"""Previews of a translation while it is trained: variance maps, and how far content is kept."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import nn

from musclelib.training.data import Source
from musclelib.training.objective import Review

# correlation; networks that have learnt nothing yet scatter closely around 0
_INVERTED = -0.1


class Previews:
    """The review of a translation: fixed clips of both domains, translated and drawn at each one.

    A network `to_a`, from B to A, is shown and watched as `to_b` is, where there is one. Warns once
    of each direction that inverts the contractions.

    Parameters
    ----------
    clips_a, clips_b : Source
        Clips of the two domains; the first and the middle one of each are shown.
    folder : Path
        Folder of the run; pictures go to `previews` below it.
    validation : callable, optional
        A review whose numbers are added, among them the score.
    """

    def __init__(
        self, clips_a: Source, clips_b: Source, folder: Path, validation: Review | None = None
    ) -> None:
        self.clips = {"A to B": fixed(clips_a), "B to A": fixed(clips_b)}
        self.folder, self.validation = folder, validation
        self.warned: set[str] = set()

    def __call__(self, objective: Any, step: int) -> dict[str, float]:
        """Draw, and return the correlation of translations with their inputs, and the validation."""
        device = next(objective.to_b.parameters()).device
        directions = {"A to B": (objective.to_b, self.clips["A to B"].to(device))}
        if hasattr(objective, "to_a"):
            directions["B to A"] = (objective.to_a, self.clips["B to A"].to(device))
        kept = preview(directions, self.folder / f"previews/{step:07d}.png")
        for name, value in kept.items():
            if value < _INVERTED and name not in self.warned:
                self.warned.add(name)
                warnings.warn(
                    f"step {step}: translations {name!r} correlate with their input by"
                    f" {value:.2f}: contractions are inverted; start again with another seed, or"
                    " raise the weight of the identity loss",
                    stacklevel=2,
                )
        scores = {f"correlation {name}": value for name, value in kept.items()}
        return scores | dict(self.validation(objective, step) if self.validation else {})


@torch.no_grad()
def preview(
    directions: Mapping[str, tuple[nn.Module, torch.Tensor]], path: Path
) -> dict[str, float]:
    """Translate fixed clips, draw their variance maps beside those of their inputs, and say what remained of them.

    Parameters
    ----------
    directions : mapping
        Name, such as `A to B`, to the generator and the clips that it translates.
    path : Path
        PNG file.

    Returns
    -------
    dict
        Correlation of translation and input, by name.
    """
    translated = {
        name: (clips, generator(clips)) for name, (generator, clips) in directions.items()
    }
    contents = {name: correlation(*pair) for name, pair in translated.items()}
    columns = 2 * max(len(clips) for _, clips in directions.values())
    figure = Figure(figsize=(2.6 * columns, 2.8 * len(directions)), layout="constrained")
    rows = figure.subplots(len(directions), columns, squeeze=False)
    for (name, pair), axes in zip(translated.items(), rows, strict=True):
        for number, axis in enumerate(axes):
            clip, side = divmod(number, 2)
            drawn = axis.imshow(pair[side][clip, 0].float().var(0).cpu().numpy(), cmap="cividis")
            axis.set_title(f"{name}: {('input', 'translation')[side]}", fontsize=9)
            axis.set_axis_off()
            figure.colorbar(drawn, ax=axis, shrink=0.7)
    figure.suptitle(
        "Variance over time [SD²]; correlation "
        + ", ".join(f"{name} {value:.2f}" for name, value in contents.items())
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=90)
    return contents


def correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    """Pearson correlation over all pixels and frames of two batches of clips.

    0 where one of them is constant.
    """
    x, y = (values.double() - values.double().mean() for values in (first, second))
    scale = float(x.norm() * y.norm())
    return float((x * y).sum()) / scale if scale else 0.0


def fixed(clips: Source) -> torch.Tensor:
    """Return the first and the middle clip of a data set, to look at all through a run, in a size networks take."""
    both = torch.stack([clips[0], clips[len(clips) // 2]])
    depth, lateral = (size // 4 * 4 for size in both.shape[-2:])
    return both[..., :depth, :lateral]
