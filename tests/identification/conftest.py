import numpy as np
import pytest


def discs(*places, field=(48, 48)):
    depth, lateral = np.indices(field)
    return np.array([(depth - y) ** 2 + (lateral - x) ** 2 <= r**2 for y, x, r in places], np.float32)


@pytest.fixture(name="discs", scope="session")
def fixture_discs():
    """Masks of circles `(depth, lateral, radius)` in a field of 48 x 48 pixels."""
    return discs


@pytest.fixture(scope="session")
def overlapping():
    """Five territories on top of one another."""
    return discs((18, 18, 10), (24, 26, 10), (28, 16, 9), (30, 24, 8), (20, 28, 6))


@pytest.fixture(scope="session")
def waving():
    """Make a sequence of masks that move in waves of their own, and its trains."""

    def make(masks, noise=0.0):
        rng = np.random.default_rng(0)
        time = np.arange(400) / 400
        trains = np.array([np.sin(2 * np.pi * rng.uniform(6, 20) * time + rng.uniform(0, 6)) ** 3 for _ in masks])
        velocity = np.einsum("ut,uij->tij", trains, masks) + noise * rng.standard_normal((400, *masks.shape[1:]))
        return velocity.astype(np.float32), trains

    return make
