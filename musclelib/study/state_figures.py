"""Pictures of muscle state: motion on B-mode, and films of the muscle with its signals below."""

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
    frames: np.ndarray,
    lines: Sequence[Sequence[np.ndarray]],
    signals: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    """Return a film of a muscle, lines upon it, and signals below that are drawn as time passes.

    Parameters
    ----------
    frames : numpy.ndarray
        Grey frames `(time, depth, lateral)`, uint8, with square pixels.
    lines : sequence of sequence of numpy.ndarray
        For each frame, lines `(point, 2)` of (depth, lateral) [px], coloured in turn.
    signals : mapping
        By name, the true and the estimated signal `(time,)`; the true one is black and whole from
        the beginning, the estimated one is drawn up to the moment.

    Returns
    -------
    numpy.ndarray
        Colours `(time, row, column, 3)`, uint8.
    """
    count, height, width = frames.shape
    height, width = height + height % 2, width + width % 2  # films have even sides
    strips = {name: _Strip(name, *both, width) for name, both in signals.items()}
    film = np.full((count, height + _STRIP * len(strips), width, 3), 255, np.uint8)
    for number, frame in enumerate(frames):
        picture = film[number]
        picture[: frame.shape[0], : frame.shape[1]] = frame[..., None]
        for place, line in enumerate(lines[number]):
            _draw(picture[:height], line[:, ::-1], CYCLE[4 + place % 2])
        for place, strip in enumerate(strips.values()):
            top = height + place * _STRIP
            strip.draw(picture[top : top + _STRIP], number)
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
        _draw(picture, self.true, _BLACK)
        _draw(picture, self.estimated[: number + 1], CYCLE[1], 2)
        now = int(self.true[number, 0])
        cv2.line(picture, (now, 0), (now, _STRIP), (200, 200, 200), 1)
        place = (6, 16)
        for colour, thick in ((_WHITE, 4), (_BLACK, 1)):
            cv2.putText(
                picture, self.name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, thick,
                cv2.LINE_AA,
            )  # fmt: skip


def _draw(
    picture: np.ndarray, line: np.ndarray, colour: str | tuple[int, ...], thickness: int = 1
) -> None:
    """Draw a line `(point, 2)` of (x, y) in place, without points that are not finite."""
    known = line[np.isfinite(line).all(axis=1)]
    rgb = [255 * part for part in to_rgb(colour)] if isinstance(colour, str) else list(colour)
    if len(known) > 1:
        at = np.round(known * 16).astype(np.int32)[:, None]
        cv2.polylines(picture, [at], False, rgb, thickness, cv2.LINE_AA, shift=4)
