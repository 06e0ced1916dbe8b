import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from musclelib.simulator.cross_section import Motion


def random_motion(seed, sources=6, rank=6):
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((sources, rank)) @ rng.standard_normal((rank, 50)).cumsum(axis=1)
    gain = rng.standard_normal((sources, 9, 7)).astype(np.float32)
    return Motion(gain, signal.astype(np.float32), np.arange(9) * 0.5, np.arange(7) - 3.0, 2000.0)


def test_displacement_and_velocity_by_hand():
    motion = Motion(
        np.full((1, 1, 1), 2, np.float32),
        np.array([[1, 3, 2]], np.float32),
        np.ones(1),
        np.ones(1),
        1000.0,
    )
    np.testing.assert_allclose(motion.displacement()[:, 0, 0], [2, 6, 4])  # [um]
    np.testing.assert_allclose(motion.velocity()[:, 0, 0], [2, 4, -2])  # [um] a millisecond


@given(st.integers(0, 10**6), st.integers(0, 49), st.integers(0, 49))
def test_any_stretch_is_that_of_the_whole(seed, start, stop):
    motion = random_motion(seed)
    for whole, part in (
        (motion.displacement(), motion.displacement(start, stop)),
        (motion.velocity(), motion.velocity(start, stop)),
    ):
        np.testing.assert_allclose(part, whole[start:stop], rtol=1e-5, atol=1e-4)


@given(st.integers(0, 10**6))
def test_gains_between_pixels_are_bilinear_and_the_edge_beyond(seed):
    motion = random_motion(seed)
    points = np.random.default_rng(seed).uniform((-1, -5), (6, 5), (40, 2))
    held = np.clip(points, (0, -3), (4, 3))
    for plane, found in zip(motion.gain, motion.gain_at(points), strict=True):
        expected = RegularGridInterpolator((motion.depth, motion.lateral), plane)(held)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@given(st.integers(0, 10**6), st.floats(0.001, 0.8))
def test_compression_keeps_its_tolerance(seed, tolerance):
    motion = random_motion(seed)
    fewer = motion.compress(tolerance)
    assert len(fewer.gain) <= len(motion.gain)
    for name in ("displacement", "velocity"):
        whole, found = getattr(motion, name)(), getattr(fewer, name)()
        assert np.linalg.norm(found - whole) < tolerance * np.linalg.norm(whole)


def test_compression_finds_the_rank():
    assert len(random_motion(0, sources=8, rank=3).compress(1e-3).gain) == 3


def test_a_motion_without_sources_is_still():
    motion = Motion(
        np.zeros((0, 4, 5), np.float32),
        np.zeros((0, 9), np.float32),
        np.arange(4),
        np.arange(5),
        2000.0,
    )
    for same in (motion, motion.compress(0.01)):
        assert same.displacement().shape == same.velocity().shape == (9, 4, 5)
        assert not same.velocity().any()
        assert same.gain_at(np.zeros((3, 2))).shape == (0, 3)


@pytest.mark.parametrize("tolerance", [0, 1, -0.1])
def test_impossible_tolerance(tolerance):
    with pytest.raises(ValueError, match="between 0 and 1"):
        random_motion(0).compress(tolerance)


def test_shapes_that_do_not_agree():
    with pytest.raises(ValueError, match="source, depth, lateral"):
        Motion(
            np.zeros((2, 4, 5), np.float32),
            np.zeros((3, 9), np.float32),
            np.arange(4),
            np.arange(5),
            2000.0,
        )
