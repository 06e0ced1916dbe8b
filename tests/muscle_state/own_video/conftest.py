"""Small videos of a synthetic muscle whose fascicles turn, in the formats that people bring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

SHAPE = (240, 320)
EDGES = (56.0, 184.0)  # rows of the inner edges of both aponeuroses


def muscle(angle: float, seed: int = 0) -> np.ndarray:
    """Stripes at an angle [deg] between two level bright lines, with speckle."""
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    radians = np.radians(angle)
    phase = (row * np.cos(radians) - (column - SHAPE[1] / 2) * np.sin(radians)) * 0.45
    image = 60 + 30 * np.cos(phase)
    for edge, side in zip(EDGES, (-1, 1), strict=True):
        centre = edge + 2.5 * side
        image[(row - centre) * side > 0] = 50
        image += 150 * np.exp(-0.5 * ((row - centre) / 2.5) ** 2)
    image *= 1 + 0.25 * np.random.default_rng(seed).normal(size=SHAPE)
    return np.clip(image, 0, 255).astype(np.uint8)


def turning(count: int = 12, first: float = 18.0, last: float = 24.0) -> np.ndarray:
    """Frames whose fascicles turn evenly from one angle to another."""
    return np.stack(
        [muscle(angle, seed) for seed, angle in enumerate(np.linspace(first, last, count))]
    )


def write_folder(path: Path, frames: Sequence[np.ndarray]) -> Path:
    """Write frames as numbered PNG images."""
    path.mkdir()
    for number, frame in enumerate(frames):
        cv2.imwrite(str(path / f"frame_{number}.png"), frame)
    return path


def write_film(path: Path, frames: Sequence[np.ndarray], rate: float = 50.0) -> Path:
    """Write frames as a film without loss."""
    size = frames[0].shape[::-1]
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), rate, size)
    for frame in frames:
        film.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    film.release()
    return path


@pytest.fixture(name="muscle", scope="session")
def fixture_muscle() -> Callable[..., np.ndarray]:
    """Make one frame of a muscle with fascicles at an angle [deg]."""
    return muscle


@pytest.fixture(name="turning", scope="session")
def fixture_turning() -> Callable[..., np.ndarray]:
    """Make frames whose fascicles turn, from 18 to 24 degrees by default."""
    return turning


@pytest.fixture(name="write_folder", scope="session")
def fixture_write_folder() -> Callable[..., Path]:
    """Write frames as a folder of images."""
    return write_folder


@pytest.fixture(name="write_film", scope="session")
def fixture_write_film() -> Callable[..., Path]:
    """Write frames as an AVI film at 50 frames/s."""
    return write_film


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of a muscle whose fascicles turn, at 50 frames/s."""
    return write_film(tmp_path_factory.mktemp("film") / "turning.avi", turning())
