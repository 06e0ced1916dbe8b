"""Public longitudinal images with observers' measurements, as one list with one convention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from musclelib.recordings.observers import (
    CLIP_PIXEL,
    LATERAL_PIXEL,
    read_clip_observers,
    read_lateral_gastrocnemius_observers,
    read_vastus_lateralis_observers,
)
from musclelib.recordings.video import open_video, read_image

# left and upper edge, width and height of the ultrasound image [pixel]
CLIP_CROP = (215, 45, 720, 574)  # gastrocnemius medialis (p6_params.mat)
LATERAL_CROP = (112, 62, 576, 458)


@dataclass(frozen=True)
class Marked:
    """An image, `(depth, lateral)` grey values, and what observers found in it.

    Attributes
    ----------
    participant, name, kind : str
        Participant, image, and set of images in the tables.
    image : ndarray
        Grey values of the ultrasound image without margins.
    angle, superficial : ndarray
        Fascicle angle and angle of the superficial aponeurosis by observer [deg].
    height : ndarray
        Distance of the inner edges of the aponeuroses along the depth, by observer [pixel].
    rows : tuple of float or None
        Mean rows of the inner edges, where observers gave them.
    end : int
        Column at which heights were measured: 0, or -1 for the last one.
    pixel : float or None
        Size of a pixel [mm].
    frame : int
        Frame in the video, 0 for images.
    """

    participant: str
    name: str
    kind: str
    image: np.ndarray
    angle: np.ndarray
    superficial: np.ndarray
    height: np.ndarray
    rows: tuple[float, float] | None
    end: int
    pixel: float | None
    frame: int = 0


def vastus_lateralis(mirror: str | Path) -> Iterator[Marked]:
    """Yield the images of the vastus lateralis that the mirror of public recordings holds."""
    folder = Path(mirror) / "vastus_lateralis"
    found = read_vastus_lateralis_observers(folder / "dataset1_for_manual_estimation.xlsx")
    for place in range(found.sizes["image"]):
        row = found.isel(image=place)
        person, leg = str(row["participant"].item()), row["leg"].item()
        name = f"{person}_{leg}20_step_{row['step'].item():03d}.png"
        if (folder / person / name).exists():
            yield _marked(row, person, name, "vastus lateralis", read_image(folder / person / name))


def lateral_gastrocnemius(mirror: str | Path) -> Iterator[Marked]:
    """Yield the images of both sequences of the lateral gastrocnemius."""
    folder = Path(mirror) / "gastrocnemius_fascicles" / "lateral_gastrocnemius"
    found = read_lateral_gastrocnemius_observers(folder)
    for place in range(found.sizes["image"]):
        row = found.isel(image=place)
        task, frame = str(row["task"].item()), int(row["frame"].item())
        name = f"gastroc_{task}_{frame:03d}.png"
        image = read_image(folder / task.replace("_", "-") / name, LATERAL_CROP)
        kind = f"lateral gastrocnemius, {task.replace('_', ' ')}"
        yield _marked(row, "lateral", name, kind, image, LATERAL_CROP[1], LATERAL_PIXEL, frame)


def clip_frames(mirror: str | Path) -> Iterator[Marked]:
    """Yield the observed frames of the clips that the mirror holds, clip by clip."""
    folder = Path(mirror) / "gm_torque_angle"
    found = read_clip_observers(folder / "observers")
    for clip in sorted(set(found["clip"].values)):
        if not (folder / f"{clip}.mp4").exists():
            continue
        frames = clip_video(mirror, clip)
        for place in np.flatnonzero(found["clip"].values == clip):
            row = found.isel(image=place)
            frame = int(row["frame"].item())
            yield Marked(
                "clips",
                str(clip),
                "gastrocnemius medialis, clips",
                frames[frame],
                row["fascicle_angle"].values,
                row["superficial_angle"].values,
                row["thickness"].values / CLIP_PIXEL,
                None,
                -1,
                CLIP_PIXEL,
                frame,
            )


def clip_video(mirror: str | Path, clip: str) -> np.ndarray:
    """Return a clip of the gastrocnemius medialis without margins, `(time, depth, lateral)`."""
    path = Path(mirror) / "gm_torque_angle" / f"{clip}.mp4"
    video = open_video(path, pixel_size=CLIP_PIXEL, crop=CLIP_CROP)
    return np.concatenate(list(video.chunks()))


def _marked(
    row: xr.Dataset,
    person: str,
    name: str,
    kind: str,
    image: np.ndarray,
    top: int = 0,
    pixel: float | None = None,
    frame: int = 0,
) -> Marked:
    superficial, deep = row["superficial_row"].values - top, row["deep_row"].values - top
    return Marked(
        person,
        name,
        kind,
        image,
        row["fascicle_angle"].values,
        row["superficial_angle"].values,
        deep - superficial,
        (float(superficial.mean()), float(deep.mean())),
        0,
        pixel,
        frame,
    )
