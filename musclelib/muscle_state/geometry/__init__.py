"""Geometry of a muscle in any longitudinal image or video: aponeuroses, fascicles, thickness.

Measuring
    `measure_fascicles` measures the inner edges of both aponeuroses, thickness, fascicle angle,
    pennation, fascicle length and its own confidence; `find_image_area` finds the ultrasound
    image within a screen shot. `structure_tensor_angle` is a second, independent method.
Learning and accuracy
    `fit_choices` fits what is learnt, a `Choice` of the aponeuroses and one of the angle, to
    `make_examples` of `Marked` images; `save_choices` and `load_choices` keep them. The public
    images are those of `vastus_lateralis`, `lateral_gastrocnemius` and `clip_frames`, or of
    `public_images` together; `clip_video` is a whole clip. `evaluate` compares with observers,
    without training on the participant, and `accuracy` sums up.

Angles [deg] are positive where a structure runs down to the right.

Examples
--------
>>> import numpy as np
>>> from musclelib.muscle_state.geometry import find_image_area
>>> screen = np.zeros((200, 300), np.uint8)
>>> screen[20:180, 50:250] = np.random.default_rng(0).integers(0, 255, (160, 200))
>>> top, bottom, left, right = find_image_area(screen)
>>> bool(abs(top - 20) < 5 and abs(right - 250) < 5)
True
"""

from musclelib.muscle_state.geometry.choice import Choice, load_choices, save_choices
from musclelib.muscle_state.geometry.evaluate import accuracy, evaluate, structure_tensor_angle
from musclelib.muscle_state.geometry.image_area import find_image_area
from musclelib.muscle_state.geometry.learning import fit_choices, make_examples
from musclelib.muscle_state.geometry.measure import measure_fascicles
from musclelib.muscle_state.geometry.public_images import (
    Marked,
    clip_frames,
    clip_video,
    lateral_gastrocnemius,
    public_images,
    vastus_lateralis,
)

__all__ = [
    "Choice",
    "Marked",
    "accuracy",
    "clip_frames",
    "clip_video",
    "evaluate",
    "find_image_area",
    "fit_choices",
    "lateral_gastrocnemius",
    "load_choices",
    "make_examples",
    "measure_fascicles",
    "public_images",
    "save_choices",
    "structure_tensor_angle",
    "vastus_lateralis",
]
