"""Measured aponeuroses and fascicles, drawn over longitudinal images."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_APONEUROSIS, _FASCICLE, _OBSERVER = "#33d6ff", "#ffd84d", "#ff5c5c"


def overlays(
    images: Sequence[np.ndarray],
    found: Sequence[xr.Dataset],
    titles: Sequence[str],
    *,
    observed: Sequence[float | None] = (),
    columns: int = 3,
    size: float = 3.4,
) -> Figure:
    """Draw images, each with its aponeuroses and a fascicle through the middle of the muscle.

    Parameters
    ----------
    images : sequence of numpy.ndarray
        Grey values `(depth, lateral)`.
    found : sequence of xarray.Dataset
        One frame of `measure_fascicles` for each image; one without a muscle has no lines.
    titles : sequence of str
        Headings.
    observed : sequence of float or None
        Fascicle angle by observers [deg], which a second line shows.
    columns : int
        Images in a row.
    size : float
        Width of an image [inch].
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    ratio = max(image.shape[0] / image.shape[1] for image in images)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(size * columns, (size * ratio + 0.3) * rows),
        squeeze=False,
        layout="compressed",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image, cmap="gray")
        axis.set_title(titles[number], fontsize=10)
        one = found[number]
        for name in ("superficial_row", "deep_row"):
            axis.plot(one["lateral"], one[name], color=_APONEUROSIS, linewidth=1.2)
        if number < len(observed) and (angle := observed[number]) is not None:
            _fascicle(axis, one, angle, _OBSERVER, "--")
        _fascicle(axis, one, float(one["fascicle_angle"]), _FASCICLE, "-")
        axis.set(xlim=(-0.5, image.shape[1] - 0.5), ylim=(image.shape[0] - 0.5, -0.5))
    return figure


def _fascicle(axis: Axes, one: xr.Dataset, angle: float, colour: str, dash: str) -> None:
    """Draw a line at an angle [deg] through the middle of the muscle, between its aponeuroses."""
    lateral = one["lateral"].values
    upper, lower = one["superficial_row"].values, one["deep_row"].values
    middle = len(lateral) // 2
    rows = (upper[middle] + lower[middle]) / 2
    rows = rows + np.tan(np.radians(angle)) * (lateral - lateral[middle])
    inside = (rows >= upper) & (rows <= lower)
    axis.plot(lateral[inside], rows[inside], color=colour, linestyle=dash, linewidth=1.4)
