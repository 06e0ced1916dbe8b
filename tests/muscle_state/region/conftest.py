"""Synthetic pictures of a muscle between two bright aponeuroses, whose boundaries are known."""

import cv2
import numpy as np
import pytest

SHAPE = (260, 360)


def draw(upper, lower, seed=0, shape=SHAPE, gain=1.0):
    """Draw speckle with bright bands outside of two curves, and return it as uint8."""
    rng = np.random.default_rng(seed)
    depth = np.arange(shape[0])[:, None]
    mean = np.full(shape, 30.0)
    mean[(depth > upper - 12) & (depth < upper)] = 180
    mean[(depth > lower) & (depth < lower + 14)] = 170
    mean[depth > lower + 14] = 45
    # sub-pixel edges: the mean is blurred, speckle multiplies it
    mean = cv2.GaussianBlur(mean, (0, 0), 1.0)
    speckle = cv2.GaussianBlur(rng.rayleigh(1.0, shape), (0, 0), sigmaX=2, sigmaY=1)
    return np.clip(gain * mean * speckle / 1.25, 0, 255).astype(np.uint8)


def curves(depth=40.0, thickness=120.0, tilt=0.0, bend=0.0, width=SHAPE[1]):
    """Return an upper and a lower curve; `tilt` [px per px], `bend` [px] at the middle."""
    place = np.linspace(-1, 1, width)
    upper = depth + tilt * place * width / 2
    return upper, upper + thickness + bend * (1 - place**2)


@pytest.fixture(scope="session")
def scenes():
    """Frames and their curves with random depth, thickness, tilt and bend."""

    def make(count, seed):
        rng = np.random.default_rng(seed)
        drawn = [
            curves(
                rng.uniform(30, 50), rng.uniform(105, 135), rng.uniform(-0.05, 0.05),
                rng.uniform(-8, 8),
            )
            for _ in range(count)
        ]  # fmt: skip
        frames = np.stack([draw(*pair, seed=seed + i) for i, pair in enumerate(drawn)])
        return frames, drawn

    return make
