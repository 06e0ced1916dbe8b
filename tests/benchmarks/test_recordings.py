"""Speed and memory of streaming a B-mode video and of its optical flow."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from musclelib.acquisition.optical_flow import tissue_velocity
from musclelib.recordings.video import Video, open_video

COUNT, HEIGHT, WIDTH = 96, 288, 360


@pytest.fixture
def video(tmp_path: Path) -> Video:
    speckle = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH), dtype=np.uint8)
    speckle = cv2.GaussianBlur(speckle, (0, 0), 2.5)
    writer = cv2.VideoWriter(
        str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"FFV1"), 60.0, (WIDTH, HEIGHT)
    )
    for number in range(COUNT):
        writer.write(cv2.cvtColor(np.roll(speckle, number, axis=1), cv2.COLOR_GRAY2BGR))
    writer.release()
    return open_video(tmp_path / "a.avi", pixel_size=0.1)


@pytest.mark.parametrize("task", ["stream", "tissue velocity"])
def test_video(benchmark: Any, video: Video, task: str) -> None:
    def consume() -> None:
        for _ in video.chunks() if task == "stream" else tissue_velocity(video):
            pass

    tracemalloc.start()
    consume()
    benchmark.extra_info["peak MB"] = round(tracemalloc.get_traced_memory()[1] / 1e6, 1)
    tracemalloc.stop()
    benchmark.pedantic(consume, rounds=2)
    benchmark.extra_info["frames per second"] = round(COUNT / benchmark.stats.stats.min, 1)
    print(f"\n{task}: {benchmark.extra_info}")
