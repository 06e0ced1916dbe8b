"""A page to look through motor units in JupyterLab: the territory, twitch train, facts of each."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import panel as pn
import xarray as xr

from musclelib.identification.store import table
from musclelib.study.figures import CYCLE

_LATERAL = hv.Dimension("lateral", label="Lateral", unit="mm")
_DEPTH = hv.Dimension("depth", label="Depth", unit="mm")
_SPREAD = hv.Dimension("spread", label="SD of velocity", unit="mm/s")
_TIME = hv.Dimension("time", label="Time", unit="s")
_VELOCITY = hv.Dimension("velocity", label="Velocity", unit="mm/s")


def unit_page(units: xr.Dataset, velocity: xr.DataArray) -> pn.Column:
    """Return a page that shows one motor unit, chosen by sequence and number, for a notebook.

    Parameters
    ----------
    units : xarray.Dataset
        Motor units as `musclelib.identification.store.open_units` returns them, or true ones of a
        sequence store.
    velocity : xarray.DataArray
        The sequences that they belong to, `(sequence, time, depth, lateral)` [mm/s]; one is loaded
        at a time.
    """
    pn.extension(inline=True)  # inline: no script of another host
    hv.extension("bokeh", "matplotlib", logo=False, inline=True)
    facts = table(units)
    sequence = pn.widgets.IntInput(
        name="sequence", start=0, end=units.sizes["sequence"] - 1, value=0
    )
    unit = pn.widgets.IntSlider(name="unit", start=1, end=max(2, units.sizes["unit"]), value=1)

    def look(sequence: int, unit: int) -> pn.viewable.Viewable:
        own = (
            facts[facts["sequence"] == sequence].drop(columns="sequence").set_index("unit").round(3)
        )
        if not len(own):
            return pn.pane.Markdown("No motor unit was identified in this sequence.")
        chosen = min(unit, len(own))
        one = units.isel(sequence=sequence, unit=slice(len(own))).load()
        spread = velocity.isel(sequence=sequence).std("time").load()
        return pn.Column(
            pn.Row(territory_map(one, spread, chosen), pn.pane.DataFrame(own.loc[[chosen]].T)),
            unit_train(one, chosen),
            sizing_mode="stretch_width",
        )

    choices = pn.Row(sequence, unit)
    return pn.Column(choices, pn.bind(look, sequence, unit), sizing_mode="stretch_width")


def territory_map(one: xr.Dataset, spread: xr.DataArray, unit: int) -> hv.Overlay:
    """Draw the territories of a sequence over the SD of its velocity, one with a broad outline.

    Parameters
    ----------
    one : xarray.Dataset
        `territory` `(unit, depth, lateral)`, without padding.
    spread : xarray.DataArray
        SD of the velocity over time `(depth, lateral)` [mm/s].
    unit : int
        Number of the chosen unit, from 1.
    """
    axes = one.lateral.values, one.depth.values
    drawn = [hv.Image((*axes, spread.values), [_LATERAL, _DEPTH], _SPREAD)]
    for number, mask in enumerate(one.territory.values, start=1):
        row, column = np.nonzero(mask)
        if not len(row):
            continue
        inside = hv.Image((*axes, mask.astype(float)), [_LATERAL, _DEPTH], "inside")
        colour, width = (CYCLE[1], 4) if number == unit else (CYCLE[0], 1.5)
        rim = hv.opts.Contours(backend="bokeh", color=colour, line_width=width, cmap=None)
        centre = float(axes[0][column].mean()), float(axes[1][row].mean())
        drawn += [
            hv.operation.contours(inside, levels=[0.5]).opts(rim),
            hv.Text(*centre, str(number)),
        ]
    scale = 0.0, 1.6 * float(spread.max())  # so pale that outlines and numbers are legible
    return hv.Overlay(drawn).opts(
        hv.opts.Image(backend="bokeh", cmap="gray_r", clim=scale, colorbar=True),
        hv.opts.Overlay(
            backend="bokeh", invert_yaxis=True, frame_width=330, data_aspect=1, show_legend=False
        ),
    )


def unit_train(one: xr.Dataset, unit: int) -> hv.Overlay:
    """Draw the twitch train of a motor unit of one sequence, with a triangle at each firing.

    Parameters
    ----------
    one : xarray.Dataset
        `twitch_train` `(unit, time)` [mm/s] and `firing_time` `(unit, firing)` [s].
    unit : int
        Number of the unit, from 1.
    """
    time, train = one.time.values, one.twitch_train.values[unit - 1]
    fired = one.firing_time.values[unit - 1]
    fired = fired[np.isfinite(fired)]
    line = hv.Curve((time, train), _TIME, _VELOCITY)
    marks = hv.Scatter((fired, np.interp(fired, time, train)), _TIME, _VELOCITY)
    return (line * marks).opts(
        hv.opts.Curve(
            backend="bokeh", color=CYCLE[0], responsive=True, height=260, tools=["hover"]
        ),
        hv.opts.Scatter(backend="bokeh", color="black", marker="triangle", size=8),
    )
