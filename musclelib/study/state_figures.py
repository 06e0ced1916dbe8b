"""Pictures of muscle state: motion on B-mode, pairs of frames, and films with signals below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from musclelib.study.figures import CYCLE, GREY

_LONGER = 20  # how many times as long as they are displacements are drawn
_STRIP = 70  # height of a signal below a film [px]
_MARGIN = 6  # rows of a strip that stay empty above and below [px]
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


def motion(
    frames: Sequence[xr.DataArray],
    points: np.ndarray,
    displacements: Sequence[np.ndarray],
    titles: Sequence[str],
) -> Figure:
    """Draw displacements on frames below one another, 20 times as long as they are.

    Parameters
    ----------
    frames : sequence of xarray.DataArray
        Frames `(depth, lateral)` with their axes [mm], grey values.
    points : numpy.ndarray
        Points `(point, 2)` of (depth, lateral) [px].
    displacements : sequence of numpy.ndarray
        For each frame, `(point, 2)` of (depth, lateral) [px].
    titles : sequence of str
        Heading of each frame.
    """
    figure, axes = plt.subplots(
        len(frames), 1, figsize=(7.5, 2.6 * len(frames)), squeeze=False, layout="constrained"
    )
    for axis, frame, moved, title in zip(axes.flat, frames, displacements, titles, strict=True):
        depth, lateral = frame["depth"].values, frame["lateral"].values
        spacing = np.array([depth[1] - depth[0], lateral[1] - lateral[0]])
        axis.imshow(
            frame, cmap=GREY, extent=(lateral[0], lateral[-1], depth[-1], depth[0]), vmax=255
        )
        at, by = points * spacing + (depth[0], lateral[0]), moved * spacing * _LONGER
        axis.quiver(
            *at.T[::-1], *by.T[::-1],
            color=CYCLE[4], angles="xy", scale_units="xy", scale=1, width=0.003,
        )  # fmt: skip
        axis.set_title(title, fontsize=11)
        axis.tick_params(labelsize=9)
    figure.supxlabel("Lateral (mm)", fontsize=11)
    figure.supylabel("Depth (mm)", fontsize=11)
    return figure


def pairs(frames: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Draw pairs of frames below one another, the first frame in blue and the second in orange.

    Parameters
    ----------
    frames : sequence of numpy.ndarray
        Pairs `(2, depth, lateral)`, in any unit.
    titles : sequence of str
        Heading of each pair.
    """
    figure, axes = plt.subplots(
        len(frames), 1, figsize=(7.5, 2.4 * len(frames)), squeeze=False, layout="constrained"
    )
    for axis, pair, title in zip(axes.flat, frames, titles, strict=True):
        low, high = np.quantile(pair, (0.02, 0.98))
        levels = np.clip((pair - low) / max(high - low, 1e-12), 0, 1)
        colours = np.array([to_rgb(CYCLE[0]), to_rgb(CYCLE[1])])
        axis.imshow(np.einsum("pij,pc->ijc", levels, colours).clip(0, 1))
        axis.set_title(title, fontsize=11)
        axis.tick_params(labelsize=9)
    figure.supxlabel("Lateral (px)", fontsize=11)
    figure.supylabel("Depth (px)", fontsize=11)
    return figure


def film(
    pictures: Sequence[np.ndarray], signals: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Return a film with signals below its pictures, which are drawn as time passes.

    Parameters
    ----------
    pictures : sequence of numpy.ndarray
        Colours `(row, column, 3)`, uint8, of an even number of columns.
    signals : mapping
        By name, the true and the estimated signal `(time,)`; the true one is black and whole from
        the beginning, the estimated one is drawn up to the moment.

    Returns
    -------
    numpy.ndarray
        Colours `(time, row, column, 3)`, uint8.
    """
    height, width = pictures[0].shape[:2]
    strips = [_Strip(name, *both, width) for name, both in signals.items()]
    shape = (len(pictures), height + _STRIP * len(strips), width, 3)
    film = np.full(shape, 255, np.uint8)
    for number, picture in enumerate(pictures):
        film[number, :height] = picture
        for place, strip in enumerate(strips):
            top = height + place * _STRIP
            strip.draw(film[number, top : top + _STRIP], number)
    return film


class _Strip:
    """One signal below a film."""

    def __init__(self, name: str, true: np.ndarray, estimated: np.ndarray, width: int) -> None:
        both = np.concatenate([true, estimated])
        low, high = float(np.nanmin(both)), float(np.nanmax(both))
        across = np.linspace(0, width - 1, len(true))

        def line(values: np.ndarray) -> np.ndarray:
            share = (values - low) / max(high - low, 1e-12)
            rows = _STRIP - _MARGIN - share * (_STRIP - 2 * _MARGIN)
            return np.stack([across, rows], axis=1)

        self.name, self.true, self.estimated = name, line(true), line(estimated)

    def draw(self, picture: np.ndarray, number: int) -> None:
        """Draw the strip at a moment."""
        cv2.line(picture, (0, 0), (picture.shape[1], 0), (200, 200, 200), 1)
        _draw(picture, self.true, "black")
        _draw(picture, self.estimated[: number + 1], CYCLE[1], 2)
        now = int(self.true[number, 0])
        cv2.line(picture, (now, 0), (now, _STRIP), (200, 200, 200), 1)
        place = (6, 16)
        for colour, thick in ((_WHITE, 4), (_BLACK, 1)):
            cv2.putText(
                picture, self.name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, thick,
                cv2.LINE_AA,
            )  # fmt: skip


def _draw(picture: np.ndarray, line: np.ndarray, colour: str, thickness: int = 1) -> None:
    """Draw a line `(point, 2)` of (x, y) in place, without points that are not finite."""
    known = line[np.isfinite(line).all(axis=1)]
    rgb = [255 * part for part in to_rgb(colour)]
    if len(known) > 1:
        at = np.round(known * 16).astype(np.int32)[:, None]
        cv2.polylines(picture, [at], False, rgb, thickness, cv2.LINE_AA, shift=4)
