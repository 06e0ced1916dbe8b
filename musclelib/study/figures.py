"""Figures as HoloViews elements, drawn by matplotlib: images, curves, spectra and trains."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import holoviews as hv
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from musclelib.metrics.temporal import log_psd

# `hv.extension` would put six megabytes of scripts, for widgets, into every notebook
hv.util.extension("matplotlib")
# room for the labels of colour bars and axes
hv.opts.defaults(hv.opts.Layout(backend="matplotlib", hspace=0.8))


def _picture(element: Any) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return an element as JupyterLab shows it at the end of a cell."""
    figure, picture = hv.render(element, backend="matplotlib"), io.BytesIO()
    figure.savefig(picture, format="png", bbox_inches="tight")
    plt.close(figure)
    return {"image/png": picture.getvalue()}, {}


hv.Store.set_display_hook("png", hv.core.Dimensioned, _picture)

DIVERGING, MAGNITUDE, GREY = "RdBu_r", "cividis", "gray"
"""Colour maps that suit colour-blind readers: signed, positive, and B-mode or paper-like frames."""

CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Line colours (Okabe and Ito); drawn with `DASHES` beside, so that colour is never alone."""

DASHES = ("-", "--", "-.", ":")


def image(
    values: xr.DataArray,
    *,
    cmap: str = MAGNITUDE,
    limits: tuple[float, float] | None = None,
    title: str = "",
    colorbar: bool = True,
    size: float = 130,
) -> hv.Image:
    """Draw an image `(depth, lateral)` with its coordinates [mm], depth downwards.

    Parameters
    ----------
    values : xarray.DataArray
        With a name, or a `long_name`, and `units`.
    cmap : str
        Colour map.
    limits : tuple, optional
        Values of its ends; the smallest and largest value without.
    title : str
        Heading.
    colorbar : bool
        Whether the scale is drawn.
    size : float
        Size in percent of HoloViews' default.
    """
    depth, lateral = (
        hv.Dimension(name, label=name.capitalize(), unit="mm") for name in ("depth", "lateral")
    )
    unit = values.attrs.get("units", "1").replace("um", "µm")
    label = str(values.name or values.attrs.get("long_name", "value")).capitalize()
    scale = hv.Dimension("value", label=label, unit=None if unit == "1" else unit)
    drawn = hv.Image(
        (values["lateral"], values["depth"], values.values),
        kdims=[lateral, depth],
        vdims=[scale],
        rtol=1e-2,
    )
    low, high = limits or (float(np.nanmin(values)), float(np.nanmax(values)))
    return drawn.opts(
        hv.opts.Image(
            backend="matplotlib",
            cmap=cmap,
            clim=(low, high),
            fontsize={"title": 13, "labels": 12, "ticks": 10, "clabel": 11},
            invert_yaxis=True,
            aspect="equal",
            colorbar=colorbar,
            title=title,
            fig_size=size,
        )
    )


def curves(
    data: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x: tuple[str, str],
    y: tuple[str, str],
    title: str = "",
    aspect: float = 2.4,
    size: float = 220,
    legend: str = "right",
    band: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
) -> hv.Overlay:
    """Draw labelled curves over one axis.

    Parameters
    ----------
    data : dict
        Label to x and y values.
    x, y : tuple of str
        Name and unit of the axes.
    title : str
        Heading.
    aspect, size : float
        Width over height, and size in percent.
    legend : str
        Where the legend stands; empty for none.
    band : tuple, optional
        x, the middle and half the height of a grey band behind the curves.
    """
    kdim = hv.Dimension("x", label=x[0], unit=x[1] or None)
    vdim = hv.Dimension("y", label=y[0], unit=y[1] or None)
    drawn: list[hv.Element] = []
    if band is not None:
        grey = hv.opts.Spread(backend="matplotlib", facecolor="0.85", edgecolor="none")
        drawn.append(hv.Spread(tuple(map(np.asarray, band)), kdim, [vdim, "half"]).opts(grey))
    for number, (label, (horizontal, vertical)) in enumerate(data.items()):
        curve = hv.Curve((np.asarray(horizontal), np.asarray(vertical)), kdim, vdim, label=label)
        drawn.append(
            curve.opts(
                hv.opts.Curve(
                    backend="matplotlib",
                    color=CYCLE[number % len(CYCLE)],
                    linestyle=DASHES[number % len(DASHES)],
                    linewidth=1.4,
                )
            )
        )
    return hv.Overlay(drawn).opts(
        hv.opts.Overlay(
            backend="matplotlib",
            title=title,
            aspect=aspect,
            fig_size=size,
            show_legend=bool(legend) and len(data) > 1,
            legend_position=legend or "right",
        )
    )


def grid(panels: Sequence[hv.Overlay], columns: int) -> hv.Layout:
    """Put panels of curves into a grid, with room for their labels.

    Parameters
    ----------
    panels : sequence of holoviews.Overlay
        The panels, row by row.
    columns : int
        Number of panels in a row.
    """
    room = hv.opts.Layout(backend="matplotlib", vspace=0.9, hspace=0.6, sublabel_format="")
    return hv.Layout(list(panels)).cols(columns).opts(room)


def history(
    table: pd.DataFrame,
    columns: Sequence[str],
    *,
    y: tuple[str, str] = ("Loss", ""),
    title: str = "",
) -> hv.Overlay:
    """Draw columns of a training's table of losses or scores over its column `step`.

    `table` is the `losses.csv` or `scores.csv` of a run, `y` the name and unit of its values.
    """
    data = {name: (table["step"], table[name]) for name in columns}
    return curves(data, x=("Step", ""), y=y, title=title, size=150, aspect=1.4)


def loudest_pixel(velocity: xr.DataArray) -> dict[str, int]:
    """Return the index of the most mobile pixel of `(time, depth, lateral)`, for `isel`."""
    spread = velocity.var("time").to_numpy()
    row, column = np.unravel_index(int(spread.argmax()), spread.shape)
    return {"depth": int(row), "lateral": int(column)}


def spectra(
    signals: Mapping[str, xr.DataArray],
    others: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    *,
    duration: float = 1.0,
) -> hv.Layout:
    """Draw the velocity of single pixels and its power spectral density (paper 1, Fig. 2 G, H).

    Parameters
    ----------
    signals : dict
        Label to velocity `(time,)`; drawn over its standard deviation.
    others : dict, optional
        Label to frequency [Hz] and log power spectral density of whole sets, for the right panel.
    duration : float
        Seconds of the signals that are drawn; their spectra are those of all of it.
    """
    courses: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    densities: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    for label, signal in signals.items():
        start = float(signal["time"][0])
        part = signal.sel(time=slice(start, start + duration))
        courses[label] = part["time"].values, part.values / float(signal.std())
        rate = 1 / float(signal["time"].diff("time").mean())
        densities[label] = log_psd(signal.values[:, None, None], rate)
    densities |= others or {}
    peaks = {
        name: (f, np.asarray(density) - np.max(density)) for name, (f, density) in densities.items()
    }
    panel: dict[str, Any] = {"size": 150, "aspect": 1.4}
    return curves(courses, x=("Time", "s"), y=("Velocity", "SD"), legend="", **panel) + curves(
        peaks, x=("Frequency", "Hz"), y=("Log PSD below its peak", "decades"), **panel
    )


def stacked(
    rows: ArrayLike,
    time: ArrayLike,
    labels: Sequence[str],
    marks: Sequence[ArrayLike] = (),
    *,
    scale: tuple[float, str],
    title: str = "",
) -> hv.Overlay:
    """Draw signals below one another, each on the same scale, with a mark at every firing.

    Parameters
    ----------
    rows : array_like
        `(unit, time)`.
    time : array_like
        `(time,)` [s].
    labels : sequence of str
        Name of each row.
    marks : sequence of array_like
        Firing times of each row [s].
    scale : tuple
        What one step of the axis stands for: number and unit.
    title : str
        Heading.
    """
    rows, step = np.asarray(rows), scale[0]
    drawn: list[hv.Element] = []
    for number, row in enumerate(rows):
        curve = hv.Curve(
            (time, row / step - number), hv.Dimension("time", label="Time", unit="s"), "unit"
        )
        drawn.append(
            curve.opts(
                hv.opts.Curve(backend="matplotlib", color=CYCLE[number % len(CYCLE)], linewidth=1.2)
            )
        )
        if len(marks):
            at = np.asarray(marks[number])
            at = at[np.isfinite(at)]
            points = hv.Scatter((at, np.full(len(at), -number - 0.32)), "time", "unit")
            drawn.append(
                points.opts(hv.opts.Scatter(backend="matplotlib", color="black", marker="^", s=10))
            )
    ticks = [(-number, label) for number, label in enumerate(labels)]
    return hv.Overlay(drawn).opts(
        hv.opts.Overlay(
            backend="matplotlib",
            yticks=ticks,
            ylabel=f"one step = {step:g} {scale[1]}",
            aspect=1.9,
            fig_size=220,
            title=title,
            show_legend=False,
        )
    )
