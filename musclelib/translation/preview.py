"""Previews of a translation during training: variance maps, and the correlation of content."""

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

_INVERTED = -0.1  # correlation of inverted translations; those of untrained networks are near 0


class Previews:
    """The review of a translation, which translates and draws fixed clips of both domains.

    Besides the generator `to_b`, a generator `to_a` from B to A is reviewed if there is one. A
    direction that inverts the contractions causes a warning, once.

    Parameters
    ----------
    clips_a, clips_b : Source
        Clips of the two domains; the first and the middle clip of each are drawn.
    folder : Path
        Folder of the run; pictures are written to the folder `previews` in it.
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
        """Draw the clips; return correlations of translation and input, and the validation."""
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
    """Translate clips and draw their variance maps beside those of their translations.

    Parameters
    ----------
    directions : mapping
        The generator and the clips that it translates, by name, such as `A to B`.
    path : Path
        The PNG file to write.

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
    """Return the Pearson correlation of two batches of clips, 0 if one is constant."""
    x, y = (values.double() - values.double().mean() for values in (first, second))
    scale = float(x.norm() * y.norm())
    return float((x * y).sum()) / scale if scale else 0.0


def fixed(clips: Source) -> torch.Tensor:
    """Return the first and the middle clip of a source, cropped to a size that networks accept."""
    both = torch.stack([clips[0], clips[len(clips) // 2]])
    depth, lateral = (size // 4 * 4 for size in both.shape[-2:])
    return both[..., :depth, :lateral]
