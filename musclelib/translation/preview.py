"""Previews of a translation while it is trained: variance maps of fixed clips, and how far content is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import nn

from musclelib.training.data import Source


def correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    """Pearson correlation over all pixels and frames of two batches of clips.

    0 where one of them is constant.
    """
    x, y = (values.double() - values.double().mean() for values in (first, second))
    scale = float(x.norm() * y.norm())
    return float((x * y).sum()) / scale if scale else 0.0


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


def fixed(clips: Source, device: torch.device) -> torch.Tensor:
    """Return the first and the middle clip of a data set, to look at all through a run, in a size networks take."""
    both = torch.stack([clips[0], clips[len(clips) // 2]]).to(device)
    depth, lateral = (size // 4 * 4 for size in both.shape[-2:])
    return both[..., :depth, :lateral]
