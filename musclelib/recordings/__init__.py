"""Real data in: public recordings and a user's files, turned into sequences.

Arrays
    `open_array` opens npy, MAT, HDF5 and zarr lazily. `echo_sequence` makes a sequence of echoes,
    `velocity_recording` one of velocity that was estimated elsewhere; `image_grid` lists the
    positions of their pixels.
B-mode video
    `open_video` returns a `Video`, read in chunks; `read_image` reads a single image.
    `video_sequence` makes a sequence of grey values, velocity and synchronised signals.
Signals
    `read_signals` reads torque, joint angle and EMG from CSV; `sample_by_time` and
    `sample_by_index` take them to the times of frames. `read_push_data` and `read_image_geometry`
    (an `ImageGeometry`) read the files of one public data set, `read_tibialis` those of another.
Observers
    `read_clip_observers`, `read_vastus_lateralis_observers` and
    `read_lateral_gastrocnemius_observers` read what observers measured on public images.
Public recordings
    `fetch` and `fetch_folder` return recordings of the `registry` by name, from a local mirror,
    `cache_folder` or the network; `local_path` accepts paths and names alike.
    `check_description` refuses to describe another file as one of them.

Examples
--------
>>> import numpy as np
>>> from musclelib.recordings import velocity_recording
>>> velocity = np.random.default_rng(0).normal(0, 1, (40, 16, 8))
>>> depth, lateral = np.arange(16) * 0.5, np.arange(8) * 0.5
>>> recording = velocity_recording(
...     velocity, 200.0, depth, lateral, unit="mm/s", filters=None, source="an example"
... )
>>> recording["velocity"].dims
('sequence', 'time', 'depth', 'lateral')
"""

from musclelib.recordings.arrays import open_array
from musclelib.recordings.downloads import (
    MissingRecordingError,
    cache_folder,
    check_description,
    fetch,
    fetch_folder,
    local_path,
    registry,
)
from musclelib.recordings.echoes import echo_sequence, image_grid, velocity_recording
from musclelib.recordings.footage import video_sequence
from musclelib.recordings.observers import (
    read_clip_observers,
    read_lateral_gastrocnemius_observers,
    read_vastus_lateralis_observers,
)
from musclelib.recordings.signals import (
    ImageGeometry,
    read_image_geometry,
    read_push_data,
    read_signals,
    sample_by_index,
    sample_by_time,
)
from musclelib.recordings.tibialis import read_tibialis
from musclelib.recordings.video import Video, open_video, read_image

__all__ = [
    "ImageGeometry",
    "MissingRecordingError",
    "Video",
    "cache_folder",
    "check_description",
    "echo_sequence",
    "fetch",
    "fetch_folder",
    "image_grid",
    "local_path",
    "open_array",
    "open_video",
    "read_clip_observers",
    "read_image",
    "read_image_geometry",
    "read_lateral_gastrocnemius_observers",
    "read_push_data",
    "read_signals",
    "read_tibialis",
    "read_vastus_lateralis_observers",
    "registry",
    "sample_by_index",
    "sample_by_time",
    "velocity_recording",
    "video_sequence",
]
