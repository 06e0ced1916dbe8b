"""Small stores of trials whose textures move by known amounts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from musclelib import sequences

RATE = 25.0
SHAPE = (24, 48)
SCALE = np.array([0.01, 2.0, 0.5])  # V, N m and deg for 1 px of depth, shear and lateral motion


def moving_trial(seed: int, frames: int, shape: tuple[int, int] = SHAPE) -> tuple[np.ndarray, ...]:
    """Frames of a texture, and its (depth, shear, lateral) motion since the first frame [px].

    Shear moves the upper and the lower border by as many pixels in opposite directions.
    """
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(frames, 3)) * (0.6, 1.0, 0.9)
    path = np.cumsum(steps, axis=0) - 0.1 * ndimage.uniform_filter1d(np.cumsum(steps, axis=0), 9)
    path -= path[0]
    height, width = (size + 40 for size in shape)
    texture = ndimage.gaussian_filter(rng.normal(size=(height, width)), 1.5, mode="wrap")
    texture = 120 + 40 * texture / texture.std()
    row, column = np.mgrid[: shape[0], : shape[1]].astype(float)
    lever = 2 * row / (shape[0] - 1) - 1
    images = [
        ndimage.map_coordinates(
            texture, [row - depth, column - lateral - shear * lever], order=3, mode="grid-wrap"
        )
        for depth, shear, lateral in path
    ]
    return np.stack(images).clip(0, 255).round().astype(np.uint8), path


def trials_dataset(subjects: int, frames: int, tasks: int = 1) -> xr.Dataset:
    """Trials of several participants."""
    made = [moving_trial(100 + number, frames) for number in range(subjects * tasks)]
    states = np.stack([path for _, path in made]) * SCALE
    dataset = sequences.build(
        {
            "intensity": np.stack([images for images, _ in made]),
            **{name: states[..., n] for n, name in enumerate(("emg", "torque", "angle"))},
            "subject": np.repeat(np.arange(subjects) + 1, tasks),
        },
        time=np.arange(frames) / RATE,
        depth=np.arange(SHAPE[0]) * 0.1,
        lateral=np.arange(SHAPE[1]) * 0.1,
        domain="simulated",
        source="a moving texture",
        units={"intensity": "1"},
    )
    codes = np.tile((np.arange(tasks) + 2) % 3, subjects)
    return dataset.assign(task=("sequence", codes, {"units": "1", "long_name": "task"}))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty participants with one trial of the task "combined" each."""
    path = tmp_path_factory.mktemp("trials") / "trials.zarr"
    sequences.write(trials_dataset(20, 121), path)
    return path
