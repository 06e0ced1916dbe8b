import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.acquisition import band_pass, estimate_velocity
from musclelib.simulator.echo import EchoFrames, EchoParameters, Scatterers


def relative(wrong, right):
    return np.sqrt(np.mean(np.abs(wrong - right) ** 2) / np.mean(np.abs(right) ** 2))


def estimate(frames, probe, pixels):
    return estimate_velocity(frames, probe, *pixels, kind="image iq")


def true_velocity(motion, there):
    """In mm/s, half a frame after each but the last."""
    points = np.stack(np.meshgrid(there.depth, there.lateral, indexing="ij"), -1).reshape(-1, 2)
    steps = np.diff(motion.signal, axis=1) * 2  # um a frame, in mm/s
    return (steps.T @ motion.gain_at(points)).reshape(-1, there.depth.size, there.lateral.size)


@pytest.mark.parametrize("correlation", [1.0, 0.999])
def test_expansion_gives_the_velocity_of_displaced_scatterers(
    make, swing, probe, pixels, correlation
):
    frames = make(swing, correlation=correlation)
    fast, exact = frames[40:52], frames.exact(40, 52)
    assert relative(fast, exact) < 0.01
    assert (
        relative(estimate(fast, probe, pixels).values, estimate(exact, probe, pixels).values) < 0.02
    )


def test_expansion_holds_far_from_where_the_tissue_was_at_first(make, swing, probe, pixels):
    frames = make(swing + 200)  # compressed by 200 um and more
    fast, exact = frames[40:48], frames.exact(40, 48)
    assert (
        relative(estimate(fast, probe, pixels).values, estimate(exact, probe, pixels).values) < 0.02
    )


def test_estimated_velocity_is_the_true_one(make, motion_of, swing, probe, pixels):
    estimated = estimate(make(swing), probe, pixels)
    assert (
        np.corrcoef(estimated.values.ravel(), true_velocity(motion_of(swing), estimated).ravel())[
            0, 1
        ]
        > 0.95
    )


def test_uniform_motion_is_estimated_without_bias(make, motion_of, swing, probe, pixels):
    swing[0] = 0
    estimated = estimate(make(swing), probe, pixels)
    true = true_velocity(motion_of(swing), estimated)
    assert np.sum(estimated.values * true) / np.sum(true**2) == pytest.approx(1, abs=0.02)


def test_tissue_at_rest_gives_one_image(make):
    frames = make(np.zeros((2, 8)))[:]
    assert np.abs(frames).max() > 0
    np.testing.assert_array_equal(frames, np.broadcast_to(frames[0], frames.shape))


def test_small_motions_add(make, swing):
    swing *= 1e-2
    rest, both = make(0 * swing)[:20], make(swing)[:20]
    one, other = (make(swing * np.eye(2)[source][:, None])[:20] for source in range(2))
    # means of the signals move the points the expansion is about, so this compares whole frames
    assert relative(one + other - rest - rest, both - rest) < 0.02


@pytest.fixture(scope="module")
def short_frames(make, probe):
    signal = np.random.default_rng(0).normal(size=(2, 500))
    narrow = replace(probe, element_count=16)
    return make(signal, recording=narrow, rows=np.arange(5, 9, 0.15), snr=10.0, correlation=0.999)


@given(start=st.integers(0, 490), count=st.integers(1, 10))
def test_any_slice_is_the_same(short_frames, start, count):
    part = slice(start, start + count)
    np.testing.assert_allclose(short_frames[part], short_frames[:][part], rtol=0, atol=1e-3)


def test_seed_and_index_make_the_frames(make, swing):
    noisy = {"snr": 20.0, "correlation": 0.999}
    first = make(swing, seed=1, index=2, **noisy)[100:104]
    np.testing.assert_array_equal(first, make(swing, seed=1, index=2, **noisy)[100:104])
    assert relative(make(swing, seed=1, index=3, **noisy)[100:104], first) > 0.5
    assert relative(make(swing, seed=2, index=2, **noisy)[100:104], first) > 0.5


def test_noise_has_the_set_level(make):
    still = np.zeros((2, 40))
    clean, noisy = make(still)[:], make(still, snr=20.0)[:]
    measured = 10 * np.log10(np.mean(np.abs(clean) ** 2) / np.mean(np.abs(noisy - clean) ** 2))
    assert measured == pytest.approx(20, abs=0.3)


def test_noise_raises_the_error_of_the_velocity_with_depth(make, motion_of, swing, probe, pixels):
    swing[0] = 0
    estimated = estimate(make(swing, snr=20.0, attenuation=1.0), probe, pixels)
    error = band_pass(
        estimated.values - true_velocity(motion_of(swing), estimated), probe.prf, 5, 50
    )
    layers = [float(part.std()) for part in np.array_split(error, 4, axis=1)]
    assert layers == sorted(layers)
    assert layers[-1] > 3 * layers[0]


def test_out_of_plane_motion_decorrelates_as_set(make):
    frames = make(np.zeros((2, 400)), correlation=0.9)[:]
    pairs = np.vdot(frames[:-1], frames[1:]).real / np.vdot(frames[:-1], frames[:-1]).real
    assert pairs == pytest.approx(0.9, abs=0.03)


def test_faster_than_nyquist_warns_and_aliases(make, probe, pixels):
    slow = replace(probe, prf=100.0)  # Nyquist 7.7 mm/s
    signal = np.stack([np.zeros(30), 200.0 * np.arange(30)])  # half of 20 mm/s: 10 mm/s
    with pytest.warns(
        UserWarning, match=r"10 mm/s, above the Nyquist velocity of 7.7 mm/s, at depth"
    ):
        frames = make(signal, recording=slow)
    estimated = estimate(frames.exact(14, 17), slow, pixels).values
    assert np.median(estimated) == pytest.approx(10 - 2 * slow.nyquist_velocity, rel=0.05)


def test_the_warning_says_where_and_how_much_aliases(make, motion_of, probe):
    """Steps of 100 um at 100 Hz exceed 7.7 mm/s where the gain is 1.3, in half of the unit."""
    signal, slow = np.stack([100.0 * np.arange(30), np.zeros(30)]), replace(probe, prf=100.0)
    with pytest.warns(UserWarning, match="up to 13 mm/s") as caught:
        make(signal, recording=slow)
    found = re.search(
        r"at depth ([\d.]+) mm, lateral ([-\d.]+) mm, and in ([\d.]+)%", str(caught[0].message)
    )
    depth, lateral, share = map(float, found.groups())
    assert motion_of(signal).gain_at([[depth, lateral]])[0] == pytest.approx(1.3)
    assert share == pytest.approx(7, abs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(signal / 2, recording=slow)


def test_a_probe_wider_than_the_grid_is_refused(make, swing, probe):
    with pytest.raises(
        ValueError,
        match=r"the probe from -9\.\d+ to 9\.\d+ mm leaves the motion's grid, -5 to 5 mm",
    ):
        make(swing, recording=replace(probe, element_count=64))


def test_rates_must_agree(motion_of, swing, probe, pixels):
    scatterers = Scatterers(np.ones(1), np.zeros(1, int), np.zeros(1), np.ones((2, 1), np.float32))
    with pytest.raises(ValueError, match=r"prf = 2000.0 Hz and Motion.rate = 500.0 Hz"):
        EchoFrames(motion_of(swing, 500.0), scatterers, probe, *pixels, EchoParameters(), 0, 0)


def test_steps_of_a_slice_are_refused(make, swing):
    with pytest.raises(ValueError, match="steps of 1"):
        make(swing)[::2]
