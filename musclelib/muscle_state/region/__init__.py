"""The muscle in a longitudinal image: its contour, and the region that the methods look at.

Contours
    A contour is 40 points `(depth, lateral)` [px]: the two inner boundaries of the muscle.
    `contour_from_labels` takes it from a map of tissues, `contour_from_aponeuroses` from a mask of
    aponeuroses, `contour_from_curves` from two curves. `boundary_error` compares two contours.
Search
    `ContourFinder` learns shapes (`ShapeModel`), first contours (`TextureStart`) and grey profiles
    (`Profiles`) from annotated frames, and finds the contour of each frame of a sequence, as
    `FoundContours` with a confidence. `find_bands` needs no training, and a finder can learn from
    the bands of an own video (`ContourFinder.from_bands`).
Region
    `place_region` places a `Region` of 120 x 496 pixels along the muscle, which extracts it from
    frames and takes points there and back.

Examples
--------
>>> import numpy as np
>>> from musclelib.muscle_state.region import find_bands, place_region
>>> frame = np.random.default_rng(0).uniform(0, 40, (300, 640)).astype(np.float32)
>>> frame[40:52], frame[200:212] = 200, 200  # two aponeuroses
>>> contour = find_bands(frame)
>>> region = place_region(contour[None], (0.1, 0.1), frame.shape)
>>> region.extract(frame[None]).shape
(1, 120, 496)
"""

from musclelib.muscle_state.region.bands import find_bands
from musclelib.muscle_state.region.contours import (
    boundary_error,
    contour_from_aponeuroses,
    contour_from_curves,
    contour_from_labels,
)
from musclelib.muscle_state.region.extract import Region, place_region
from musclelib.muscle_state.region.finder import ContourFinder, FoundContours
from musclelib.muscle_state.region.search import Profiles
from musclelib.muscle_state.region.shape_model import ShapeModel
from musclelib.muscle_state.region.texture import TextureStart

__all__ = [
    "ContourFinder",
    "FoundContours",
    "Profiles",
    "Region",
    "ShapeModel",
    "TextureStart",
    "boundary_error",
    "contour_from_aponeuroses",
    "contour_from_curves",
    "contour_from_labels",
    "find_bands",
    "place_region",
]
