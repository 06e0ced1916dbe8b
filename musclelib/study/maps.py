"""Rows of maps in millimetres on one scale, of variance, of frames or of other quantities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from musclelib.metrics.spatial import log_variance_map
from musclelib.study.figures import CYCLE, DIVERGING, MAGNITUDE


def on_grid(values: ArrayLike, grid: Any, name: str, units: str = "1") -> xr.DataArray:
    """Put a map `(depth, lateral)` on its axes.

    Parameters
    ----------
    values : array_like
        `(depth, lateral)`, or `(unit, depth, lateral)`.
    grid : xarray.Dataset, xarray.DataArray or simulator parameters
        Whatever has the positions `depth` and `lateral` [mm].
    name, units : str
        What the values are, for the colour bar.
    """
    values = np.asarray(values)
    axes = {axis: np.asarray(getattr(grid, axis)) for axis in ("depth", "lateral")}
    dims = ("unit", "depth", "lateral")[-values.ndim :]
    return xr.DataArray(values, axes, dims, name=name, attrs={"units": units})


def log_variance(velocity: xr.DataArray) -> xr.DataArray:
    """Return the log-variance map of one sequence `(time, depth, lateral)` [decades]."""
    return on_grid(log_variance_map(velocity.to_numpy()), velocity, "log variance", "decades")


def side_by_side(
    values: Sequence[xr.DataArray],
    titles: Sequence[str] = (),
    *,
    limits: tuple[float, float] | None = None,
    cmap: str = MAGNITUDE,
    columns: int | None = None,
    territories: Sequence[xr.DataArray | None] = (),
    size: float = 2.2,
) -> Figure:
    """Draw maps beside one another, on one scale with one colour bar.

    Parameters
    ----------
    values : sequence of xarray.DataArray
        Maps `(depth, lateral)` as from `on_grid`; the name and unit of the first are those of the
        colour bar.
    titles : sequence of str
        Headings of the first maps; a grid of maps needs them in its first row only.
    limits : tuple, optional
        Values of the ends of the colour map; by default the smallest and largest value of all maps.
    cmap : str
        Colour map.
    columns : int, optional
        Maps in a row; by default all.
    territories : sequence of xarray.DataArray
        Masks `(unit, depth, lateral)` whose numbered outlines are drawn over each map; None: none.
    size : float
        Width of a map [inch].
    """
    columns = min(columns or len(values), len(values))
    rows = -(-len(values) // columns)
    low = min(float(np.nanmin(one)) for one in values)
    high = max(float(np.nanmax(one)) for one in values)
    low, high = limits or (low, high)
    extents = [_extent(one) for one in values]
    left, right, bottom, top = extents[0]
    height = size * (bottom - top) / (right - left)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(size * columns + 0.9, (height + 0.3) * rows + 0.3),
        squeeze=False,
        layout="compressed",
    )
    for number, one in enumerate(values):
        axis = axes.flat[number]
        shown = axis.imshow(one, cmap=cmap, vmin=low, vmax=high, extent=extents[number])
        axis.set_title(titles[number] if number < len(titles) else "", fontsize=11)
        axis.tick_params(labelsize=9)
        if number < len(territories) and (masks := territories[number]) is not None:
            outline(axis, masks)
            axis.set(xlim=extents[number][:2], ylim=extents[number][2:])
        if len(set(extents)) == 1:  # the ticks of the outer maps hold for all
            below = number + columns < len(values)
            axis.tick_params(labelbottom=not below, labelleft=number % columns == 0)
    for axis in axes.flat[len(values) :]:
        axis.set_axis_off()
    figure.supxlabel(_label(values[0]["lateral"], "mm"), fontsize=11)
    figure.supylabel(_label(values[0]["depth"], "mm"), fontsize=11)
    bar = figure.colorbar(shown, ax=axes, aspect=20 * rows, pad=0.01)
    bar.set_label(_label(values[0], "1"), fontsize=11)
    return figure


def frames(
    velocity: xr.DataArray, times: Sequence[float], *, cmap: str = DIVERGING, columns: int = 6
) -> Figure:
    """Draw the frames of a sequence `(time, depth, lateral)` nearest to `times` [s].

    As in paper 1, Fig. 5 B, and paper 2, Figs. 12 and 13.
    """
    chosen = velocity.sel(time=list(times), method="nearest")
    limit = float(np.quantile(np.abs(chosen), 0.999)) or 1.0
    titles = [f"{1e3 * time:.0f} ms" for time in chosen["time"].values]
    return side_by_side(
        list(chosen), titles, limits=(-limit, limit), cmap=cmap, columns=columns, size=1.6
    )


def outline(axis: Axes, territory: xr.DataArray) -> None:
    """Draw the rim of each territory `(unit, depth, lateral)` on a map, with its number."""
    for number, mask in enumerate(territory):
        if not bool(mask.any()):  # padding, or a unit that another map has
            continue
        row, column = np.nonzero(mask.values)
        place = float(mask["lateral"][column].mean()), float(mask["depth"][row].mean())
        inside = np.pad(mask.values.astype(float), 1)  # a rim at the edge is closed there
        axis.contour(
            _beyond(mask["lateral"].values),
            _beyond(mask["depth"].values),
            inside,
            levels=[0.5],
            colors=CYCLE[number % 6],
            linewidths=1.4,
        )
        axis.text(
            *place,
            str(number + 1),
            ha="center",
            va="center",
            fontsize=9,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )


def _extent(one: xr.DataArray) -> tuple[float, float, float, float]:
    """Return the edges of the outer pixels: left, right, bottom, top [mm]."""
    ends = []
    for axis in (one["lateral"].values, one["depth"].values):
        half = (axis[-1] - axis[0]) / (axis.size - 1) / 2
        ends.append((float(axis[0] - half), float(axis[-1] + half)))
    (left, right), (top, bottom) = ends
    return left, right, bottom, top


def _beyond(axis: np.ndarray) -> np.ndarray:
    """Continue an axis by one pixel at each end."""
    step = axis[1] - axis[0]
    return np.concatenate([[axis[0] - step], axis, [axis[-1] + step]])


def _label(values: xr.DataArray, unit: str) -> str:
    """Return the name of an axis or of values, with its unit."""
    unit = values.attrs.get("units", unit).replace("um", "µm")
    name = str(values.attrs.get("label", values.name or "value"))
    return name[:1].upper() + name[1:] + ("" if unit == "1" else f" ({unit})")
