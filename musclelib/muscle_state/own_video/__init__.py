"""A researcher's own B-mode video: fascicle geometry over time, with signals and muscle state.

Opening
    `open_own_video` opens a video or a folder of images as an `OwnVideo`: its frames in a range of
    time, cropped, with a stated scale; `signals_at_frames` reads the signals recorded with it.
Measuring
    `measure_video` measures the geometry of every frame; `estimate_state` adds the changes of EMG,
    torque and joint angle that a network estimates.
Results
    `write_measures` writes a zarr store and a CSV table, `read_measures` reads the store back;
    `write_overlay` writes a film of the frames with what was measured, which `draw_overlay` draws
    one frame at a time.

Examples
--------
>>> import tempfile
>>> from pathlib import Path
>>> import cv2
>>> import numpy as np
>>> from musclelib.muscle_state.own_video import measure_video, open_own_video
>>> row, column = np.mgrid[:300, :400]
>>> image = 60 + 30 * np.cos((row - column * np.tan(np.radians(20))) * 0.42)
>>> image[:60], image[220:], image[56:62], image[220:226] = 50, 50, 220, 220
>>> speckle = 1 + 0.25 * np.random.default_rng(0).normal(size=(3, 300, 400))
>>> folder = Path(tempfile.mkdtemp())
>>> for number, frame in enumerate((image * speckle).clip(0, 255).astype(np.uint8)):
...     _ = cv2.imwrite(str(folder / f"{number}.png"), frame)
>>> video = open_own_video(folder, frame_rate=50, crop=(0, 0, 400, 300))
>>> measures = measure_video(video)
>>> bool(abs(measures.fascicle_angle - 20).max() < 2), measures.thickness.units
(True, 'pixel')
"""

from musclelib.muscle_state.own_video.measure import measure_video
from musclelib.muscle_state.own_video.opening import OwnVideo, open_own_video
from musclelib.muscle_state.own_video.overlay import draw_overlay, write_overlay
from musclelib.muscle_state.own_video.results import read_measures, write_measures
from musclelib.muscle_state.own_video.signals import signals_at_frames
from musclelib.muscle_state.own_video.state import estimate_state

__all__ = [
    "OwnVideo",
    "draw_overlay",
    "estimate_state",
    "measure_video",
    "open_own_video",
    "read_measures",
    "signals_at_frames",
    "write_measures",
    "write_overlay",
]
