"""Public longitudinal images with observers' measurements, as one list with one convention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from tqdm.auto import tqdm

from musclelib.recordings.downloads import fetch, fetch_folder
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

CLIPS = "gastrocnemius medialis, clips"
"""Set of images that are frames of videos."""


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


def public_images() -> list[Marked]:
    """Return the images of all three sets; a set that cannot be had is left out with a line."""
    found: list[Marked] = []
    for read in (vastus_lateralis, lateral_gastrocnemius, clip_frames):
        name = read.__name__.replace("_", " ")
        try:
            found += tqdm(read(), desc=name, unit="image")
        except (FileNotFoundError, ConnectionError) as error:
            print(f"{name}: left out, {error}")
    return found


def vastus_lateralis() -> Iterator[Marked]:
    """Yield the public images of the vastus lateralis, fetched first if necessary.

    Raises
    ------
    FileNotFoundError, ConnectionError
        They are neither here nor can they be downloaded.
    """
    folder = fetch_folder("vastus_lateralis")
    found = read_vastus_lateralis_observers(folder / "dataset1_for_manual_estimation.xlsx")
    for place in range(found.sizes["image"]):
        row = found.isel(image=place)
        person, leg = str(row["participant"].item()), row["leg"].item()
        name = f"{person}_{leg}20_step_{row['step'].item():03d}.png"
        if (folder / person / name).exists():
            yield _marked(row, person, name, "vastus lateralis", read_image(folder / person / name))


def lateral_gastrocnemius() -> Iterator[Marked]:
    """Yield the images of both sequences of the lateral gastrocnemius, as `vastus_lateralis`."""
    folder = fetch_folder("gastrocnemius_fascicles/lateral_gastrocnemius")
    found = read_lateral_gastrocnemius_observers(folder)
    for place in range(found.sizes["image"]):
        row = found.isel(image=place)
        task, frame = str(row["task"].item()), int(row["frame"].item())
        name = f"gastroc_{task}_{frame:03d}.png"
        image = read_image(folder / task.replace("_", "-") / name, LATERAL_CROP)
        kind = f"lateral gastrocnemius, {task.replace('_', ' ')}"
        yield _marked(row, "lateral", name, kind, image, LATERAL_CROP[1], LATERAL_PIXEL, frame)


def clip_frames(clips: Sequence[str] | None = None) -> Iterator[Marked]:
    """Yield the observed frames of the clips of these names, or of all, as `vastus_lateralis`."""
    folder = fetch_folder("gm_torque_angle")
    found = read_clip_observers(folder / "observers")
    for clip in sorted(set(found["clip"].values)):
        if not (folder / f"{clip}.mp4").exists() or (clips is not None and clip not in clips):
            continue
        frames = clip_video(clip)
        for place in np.flatnonzero(found["clip"].values == clip):
            row = found.isel(image=place)
            frame = int(row["frame"].item())
            yield Marked(
                "clips",
                str(clip),
                CLIPS,
                frames[frame],
                row["fascicle_angle"].values,
                row["superficial_angle"].values,
                row["thickness"].values / CLIP_PIXEL,
                None,
                -1,
                CLIP_PIXEL,
                frame,
            )


def clip_video(clip: str) -> np.ndarray:
    """Return a clip of the gastrocnemius medialis without margins, `(time, depth, lateral)`."""
    path = fetch(f"gm_torque_angle/{clip}.mp4")
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
