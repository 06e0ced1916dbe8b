"""Show figures, tables and movies in a notebook with caption and alternative text, and save them.

What is kept is shown by the same call, wherever in a cell it stands: so nothing that is kept is
missing from the page.
"""

from __future__ import annotations

import base64
import html
import io
import math
from pathlib import Path
from typing import Any

import cv2
import holoviews as hv
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, display

from musclelib.files import whole

_MOVIE_SIDE = 400  # screen pixels of a film, about
_MOVIE_SCALE = 3  # screen pixels for one pixel of a sequence, at most


class Presenter:
    """Shows what a drawing step made, numbered and captioned, and writes it below one folder.

    Parameters
    ----------
    folder : str or Path
        Gets `figures/NAME.svg` and `.png`, `tables/NAME.csv`, `movies/NAME.webm`.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        # the same drawing gives the same bytes
        mpl.rcParams["svg.hashsalt"] = "musclelib"
        mpl.rcParams["svg.fonttype"] = "none"

    def figure(
        self,
        element: Any,
        name: str,
        *,
        caption: str,
        alt: str,
        highlight: bool = False,
        readme: bool = False,
    ) -> None:
        """Show a HoloViews element or a matplotlib figure.

        Parameters
        ----------
        element : holoviews object or matplotlib.figure.Figure
            What to show.
        name : str
            Name of the files.
        caption : str
            What it shows and what to notice.
        alt : str
            The picture in words, for those who do not see it.
        highlight : bool
            Whether the first page of the report shows it, too.
        readme : bool
            Whether `make record` keeps its PNG for README and docs, below `reports/SCALE`.
        """
        figure = (
            element if isinstance(element, plt.Figure) else hv.render(element, backend="matplotlib")
        )
        picture = io.BytesIO()
        figure.savefig(
            picture, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None}
        )
        vector = io.BytesIO()
        figure.savefig(vector, format="svg", bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)
        self._keep("figures", f"{name}.png", picture.getvalue())
        self._keep("figures", f"{name}.svg", vector.getvalue())
        data = base64.b64encode(picture.getvalue()).decode()
        body = f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}">'
        links = {"SVG": f"figures/{name}.svg", "PNG": f"figures/{name}.png"}
        _show(name, body, caption, links, highlight=highlight, readme=readme)

    def table(
        self,
        frame: pd.DataFrame,
        name: str,
        *,
        caption: str,
        digits: int = 2,
        highlight: bool = False,
        readme: bool = False,
    ) -> None:
        """Show a table; every digit is in its CSV file. The arguments are those of a figure."""
        self._keep("tables", f"{name}.csv", frame.to_csv(lineterminator="\n").encode())
        shown = (
            legible(frame, digits)
            .rename_axis(index=None, columns=frame.index.name)
            .to_html(border=0)
        )
        links = {"CSV": f"tables/{name}.csv"}
        _show(f"{name}-table", shown, caption, links, highlight=highlight, readme=readme)

    def movie(
        self,
        frames: np.ndarray,
        name: str,
        *,
        rate: float,
        limit: float = 1.0,
        caption: str,
        alt: str,
        cmap: str = "RdBu_r",
    ) -> None:
        """Show a sequence `(time, depth, lateral)` as a film, coloured from -limit to limit.

        Parameters
        ----------
        frames : numpy.ndarray
            Velocities [mm/s]; or colours `(time, depth, lateral, 3)`, uint8, shown as they are.
        name : str
            Name of the file.
        rate : float
            Frames shown a second [Hz].
        limit : float
            Value of the ends of the colour map [mm/s].
        caption, alt : str
            As for a figure.
        cmap : str
            Colour map.
        """
        # BGR, for OpenCV
        colours = (plt.get_cmap(cmap)(np.linspace(0, 1, 256))[:, 2::-1] * 255).astype(np.uint8)
        scale = min(_MOVIE_SCALE, max(1, round(_MOVIE_SIDE / max(frames.shape[1:3]))))
        height, width = (size * scale for size in frames.shape[1:3])
        path = self.folder / "movies" / f"{name}.webm"
        with whole(path) as new:
            film = cv2.VideoWriter(str(new), cv2.VideoWriter.fourcc(*"VP80"), rate, (width, height))
            if not film.isOpened():
                raise RuntimeError(
                    f"{path}: this build of OpenCV cannot write WebM (VP8); install"
                    " opencv-python-headless"
                )
            for frame in frames:
                if frame.ndim == 3:
                    shown = frame[..., ::-1]
                else:
                    shown = colours[np.clip((frame / limit + 1) * 127.5, 0, 255).astype(np.uint8)]
                film.write(cv2.resize(shown, (width, height), interpolation=cv2.INTER_NEAREST))
            film.release()
        data = base64.b64encode(path.read_bytes()).decode()
        body = (
            f'<video controls loop muted playsinline width="{width}"'
            f' aria-label="{html.escape(alt)}" src="data:video/webm;base64,{data}"></video>'
        )
        _show(name, body, caption, {"WebM": f"movies/{name}.webm"})

    def _keep(self, kind: str, name: str, data: bytes) -> None:
        with whole(self.folder / kind / name) as path:
            path.write_bytes(data)


def legible(frame: pd.DataFrame, digits: int | None = None) -> pd.DataFrame:
    """Return a table as texts: "X mean" and "X SD" as one column X of "mean (SD)", – for no value.

    Parameters
    ----------
    frame : pandas.DataFrame
        Numbers and texts.
    digits : int, optional
        Decimals of numbers that are not whole; without it, as many as the largest of their column
        needs for three digits that count, and two in "mean (SD)".
    """
    shown = {}
    for column in frame:
        base = str(column).removesuffix(" mean").removesuffix(" SD")
        if {f"{base} mean", f"{base} SD"} <= set(frame.columns):
            means, deviations = (
                _texts(frame[f"{base} {kind}"], 2 if digits is None else digits)
                for kind in ("mean", "SD")
            )
            shown[base] = [f"{mean} ({sd})" for mean, sd in zip(means, deviations, strict=True)]
        else:
            shown[str(column)] = _texts(frame[column], digits)
    return pd.DataFrame(shown, index=frame.index)


def _texts(column: pd.Series, digits: int | None) -> list[str]:
    """Return the cells of a column, numbers with the same decimals."""
    if not pd.api.types.is_float_dtype(column):
        return ["–" if pd.isna(value) else str(value) for value in column]
    if digits is None:
        largest = column.abs().max()
        whole_numbers = not largest > 0 or (column.dropna() % 1 == 0).all()
        digits = 0 if whole_numbers else max(0, 2 - math.floor(math.log10(largest)))
    return ["–" if pd.isna(value) else f"{value:.{digits}f}" for value in column]


def _show(name: str, body: str, caption: str, links: dict[str, str], **marks: bool) -> None:
    """Display a framed body with its caption and files; `marks` go into the output's metadata."""
    files = " · ".join(
        f'<a href="{target}" download>{label}</a>' for label, target in links.items()
    )
    framed = (
        f'<figure id="{name}"><div class="scroll">{body}</div><figcaption>{html.escape(caption)}'
        f' <span class="files">{files}</span></figcaption></figure>'
    )
    about = {"files": list(links.values()), **marks}
    display(HTML(framed), metadata={"musclelib": about})
