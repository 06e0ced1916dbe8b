"""Contours of a muscle in a sequence: start by texture, last frame or bands, then the search."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from musclelib.files import whole
from musclelib.muscle_state.region.bands import find_bands
from musclelib.muscle_state.region.search import Profiles, evenness, search, smooth
from musclelib.muscle_state.region.shape_model import ShapeModel
from musclelib.muscle_state.region.texture import TextureStart

TRUSTED = 0.7
"""Confidence below which a contour is not trusted."""

_FRAMES = 60  # of a sequence that a finder learns from by itself
_EVEN = 0.5  # evenness of bands that are plain, between 0.4 of other tissue and 0.6 of aponeuroses
_PARTS = ("shape", "texture", "profiles")


class FoundContours(NamedTuple):
    """Contours of a sequence."""

    contours: np.ndarray
    """Contour of each frame, `(time, 40, 2)` [px]."""
    confidence: np.ndarray
    """How far each fits, 0 to 1, `(time,)`: see `search`."""

    def trusted(self) -> np.ndarray:
        """Return the contours of the frames that are trusted.

        Raises
        ------
        ValueError
            Fewer than half of the frames are: the sequence may not show the muscle.
        """
        good = self.confidence >= TRUSTED
        if good.mean() < 0.5:
            raise ValueError(
                f"the muscle is found with a confidence of {TRUSTED} in {good.mean():.0%} of the"
                " frames; at least 50% are needed. Do they show the muscle, as in the training?"
            )
        return self.contours[good]


@dataclass(frozen=True, eq=False)
class ContourFinder:
    """What is learnt of a muscle's contour in one set of frames of equal size.

    Attributes
    ----------
    shape : ShapeModel
        Shapes of 10 components.
    texture : TextureStart
        First contours.
    profiles : Profiles
        Grey values across the boundaries.
    frame_shape : tuple of int
        Depth and lateral pixels of a frame.
    """

    shape: ShapeModel
    texture: TextureStart
    profiles: Profiles
    frame_shape: tuple[int, int]

    @classmethod
    def fit(cls, frames: np.ndarray, contours: np.ndarray) -> ContourFinder:
        """Learn from frames and their contours.

        Parameters
        ----------
        frames : numpy.ndarray, (example, depth, lateral)
            Frames, uint8 or float with grey values of that range.
        contours : numpy.ndarray, (example, 40, 2)
            Their contours [px].

        Raises
        ------
        ValueError
            Numbers of frames and contours differ, or there are fewer than 3.
        """
        if len(frames) != len(contours):
            raise ValueError(f"{len(frames)} frames with {len(contours)} contours")
        shape = ShapeModel.fit(contours)
        return cls(
            shape,
            TextureStart.fit(frames, contours, shape),
            Profiles.fit(frames, contours),
            (frames.shape[1], frames.shape[2]),
        )

    @classmethod
    def from_bands(cls, frames: np.ndarray) -> ContourFinder:
        """Learn from a sequence without annotations: where two bright bands are plain, they count.

        Parameters
        ----------
        frames : numpy.ndarray, (time, depth, lateral)
            Frames whose whole width shows the muscle; up to 60 are taken, evenly spaced.

        Raises
        ------
        ValueError
            Fewer than half of these frames, or fewer than 3, show two bands: the sequence may not
            show a muscle along its fascicles.
        """
        if np.ndim(frames) != 3 or len(frames) < 3:
            raise ValueError(
                f"frames of shape {np.shape(frames)}; (time, depth, lateral) with at least 3 frames"
                " is needed"
            )
        places = np.unique(np.linspace(0, len(frames) - 1, _FRAMES).round().astype(int))
        contours = np.stack([find_bands(frames[place]) for place in places])
        plain = [
            evenness(smooth(frames[place]), contour) >= _EVEN
            for place, contour in zip(places, contours, strict=True)
        ]
        if sum(plain) < max(3, len(places) / 2):
            raise ValueError(
                f"two aponeuroses are seen in {sum(plain)} of {len(places)} frames; at least half"
                " are needed. Do they show a muscle along its fascicles, cropped to the image?"
            )
        return cls.fit(frames[places[plain]], contours[plain])

    @classmethod
    def load(cls, path: str | Path) -> ContourFinder:
        """Read a finder that was saved.

        Raises
        ------
        ValueError
            The file is none of a finder.
        """
        try:
            with safe_open(str(path), "np") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            height, width = arrays.pop("frame_shape").tolist()
            parts = {
                name: {
                    key.removeprefix(f"{name}."): values
                    for key, values in arrays.items()
                    if key.startswith(f"{name}.")
                }
                for name in _PARTS
            }
            explained = parts["shape"].pop("explained").item()
            shape = ShapeModel(**parts["shape"], explained=explained)
            texture, profiles = TextureStart(**parts["texture"]), Profiles(**parts["profiles"])
        except FileNotFoundError:
            raise ValueError(f"there is no file {path}") from None
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no contour finder: {error}") from None
        return cls(shape, texture, profiles, (height, width))

    def save(self, path: str | Path) -> None:
        """Write the finder as safetensors; the file appears whole or not at all."""
        arrays = {
            f"{part}.{name}": np.ascontiguousarray(values, dtype=np.float64)
            for part in _PARTS
            for name, values in vars(getattr(self, part)).items()
        }
        arrays["frame_shape"] = np.array(self.frame_shape)
        with whole(path) as new:
            save_file(arrays, new)

    def find(self, frames: np.ndarray) -> FoundContours:
        """Find the contour in each frame of a sequence.

        A frame's search starts from its texture or from the contour of the frame before, whichever
        fits better. If there is no trusted frame before, or what is found is not trusted, searches
        from the texture and from two bright bands compete.

        Parameters
        ----------
        frames : numpy.ndarray, (time, depth, lateral)
            Frames as in the training.

        Raises
        ------
        ValueError
            The frames have another size than those of the training.
        """
        if np.ndim(frames) != 3 or np.shape(frames)[1:] != self.frame_shape or not len(frames):
            raise ValueError(
                f"frames of shape {np.shape(frames)}; (time, {self.frame_shape[0]},"
                f" {self.frame_shape[1]}) is needed, as in the training"
            )
        found: list[tuple[np.ndarray, float]] = []
        for frame in frames:
            smoothed = smooth(frame)
            starts = [self.texture.contour(frame, self.shape)]
            followed = bool(found) and found[-1][1] >= TRUSTED
            if followed:
                starts.append(found[-1][0])
                starts = [min(starts, key=lambda start: self._misfit(smoothed, start))]
            results = [self._search(smoothed, start) for start in starts]
            if not followed or results[0][1] < TRUSTED:
                results.append(self._search(smoothed, self._from_bands(frame)))
            result = min(results, key=lambda one: self._misfit(smoothed, one[0]))
            found.append(result)
        contours, confidence = zip(*found, strict=True)
        return FoundContours(np.stack(contours), np.array(confidence))

    def _search(self, smoothed: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, float]:
        return search(smoothed, start, self.shape, self.profiles)

    def _misfit(self, smoothed: np.ndarray, contour: np.ndarray) -> float:
        """Return the mean distance of the profiles at a contour; what does not fit counts alike."""
        distance = self.profiles.distances(smoothed, contour, 1).min(axis=1)
        return float(np.minimum(distance, 3).mean())

    def _from_bands(self, frame: np.ndarray) -> np.ndarray:
        """Return the bands within the columns of the training contours."""
        lateral = self.shape.mean[:, 1]
        first = max(int(np.floor(lateral.min())), 0)
        bands = find_bands(frame[:, first : int(np.ceil(lateral.max())) + 1])
        bands[:, 1] += first
        return self.shape.project(bands)
