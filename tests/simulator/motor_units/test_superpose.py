import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from musclelib import sequences, simulator
from musclelib.simulator.motor_units.pool import WARM_UP, sample_pool
from musclelib.simulator.motor_units.superpose import superpose, twitch_trains
from musclelib.simulator.motor_units.twitch import twitch_velocity


@given(seed=st.integers(0, 2**32 - 1), index=st.integers(0, 10**6))
def test_any_sequence_can_be_made_again_alone(seed, index):
    parameters = simulator.preset("paper1", frames=40, pixels=(12, 12), noise_snr=(10.0, 20.0))
    first, again = (simulator.simulate(parameters, seed, index) for _ in range(2))
    np.testing.assert_array_equal(first.velocity, again.velocity)
    other = simulator.simulate(parameters, seed, index + 1)
    assert not np.array_equal(first.velocity, other.velocity)


@given(st.integers(0, 10**6))
def test_superposition_is_linear(seed):
    rng = np.random.default_rng(seed)
    trains = rng.standard_normal((5, 30), dtype=np.float32)
    weight = rng.uniform(size=(5, 6, 7)).astype(np.float32)
    whole = superpose(trains, weight)
    np.testing.assert_allclose(
        superpose(trains[:2], weight[:2]) + superpose(trains[2:], weight[2:]), whole, atol=1e-5
    )
    np.testing.assert_allclose(superpose(3 * trains, weight), 3 * whole, rtol=1e-5, atol=1e-6)
    order = rng.permutation(5)
    np.testing.assert_allclose(superpose(trains[order], weight[order]), whole, atol=1e-5)


def test_velocity_in_a_territory_of_one_unit_is_its_twitch_train():
    parameters = simulator.preset("paper1", units=(1, 1), frames=256, pixels=(32, 32))
    made = simulator.simulate(parameters, 3, 0)
    inside = made.velocity[:, made.territory[0]]
    np.testing.assert_array_equal(
        inside, np.repeat(made.twitch_train[0][:, None], inside.shape[1], 1)
    )
    assert np.all(made.velocity[:, ~made.territory[0]] == 0)


def test_a_twitch_train_is_the_sum_of_its_twitches():
    parameters = simulator.preset("paper1", units=(1, 1), variation=(0.0, 0.0))
    pool = sample_pool(parameters, 0, 0)
    expected = sum(
        twitch_velocity(
            parameters.time - time - pool.lead[0],
            pool.amplitude[0],
            pool.contraction_time[0],
            pool.half_relaxation[0],
        )
        for time in pool.firing_time[0]
    )
    np.testing.assert_allclose(twitch_trains(pool, parameters)[0], expected / 1000, atol=2e-5)


def test_each_firing_of_a_dirac_train_is_one_frame():
    parameters = simulator.preset("paper1-reduced", units=(3, 3))
    pool = sample_pool(parameters, 0, 0)
    trains = twitch_trains(pool, parameters)
    for row, times in zip(trains, pool.firing_time, strict=True):
        seen = times[(times >= 0) & (times < parameters.duration)]
        np.testing.assert_array_equal(
            np.flatnonzero(row), np.unique((seen * parameters.frame_rate).astype(int))
        )


@pytest.mark.parametrize("snr", [10.0, 20.0])
def test_noise_has_the_set_power_and_is_white(snr):
    quiet = simulator.preset("paper2", units=(10, 10))
    loud = dataclasses.replace(quiet, noise_snr=(snr, snr))
    clean = simulator.simulate(quiet, 5, 0).velocity
    noise = simulator.simulate(loud, 5, 0).velocity - clean
    assert 10 * np.log10(clean.var() / noise.var()) == pytest.approx(snr, abs=0.05)
    power = np.abs(np.fft.rfft(noise, axis=0)[1:-1]) ** 2
    halves = power[: len(power) // 2].mean() / power[len(power) // 2 :].mean()
    assert halves == pytest.approx(1, abs=0.02)


def test_reduced_simulator_is_points_noise_and_low_pass():
    parameters = simulator.preset("paper1-reduced", frames=128, pixels=(32, 32), units=(4, 4))
    made = simulator.simulate(parameters, 0, 0)
    assert made.territory.sum(axis=(1, 2)).tolist() == [1, 1, 1, 1]
    rough = simulator.simulate(dataclasses.replace(parameters, smoothing=(0.0, 0.0)), 0, 0).velocity
    assert rough.std() == pytest.approx(0.1, rel=0.05)  # mm/s, the points add little
    sigma = [0.002 * 512, 0.3125 / 1.25, 0.3125 / 1.25]
    np.testing.assert_allclose(
        made.velocity, gaussian_filter(rough, sigma, mode="nearest"), atol=1e-6
    )


@pytest.mark.parametrize("name", ["paper1", "paper2"])
def test_the_pool_follows_its_preset(name):
    parameters = simulator.preset(name)
    pools = [sample_pool(parameters, 7, index) for index in range(150)]
    counts = np.array([len(pool) for pool in pools])
    assert {counts.min(), counts.max()} <= set(range(parameters.units[0], parameters.units[1] + 1))
    assert counts.mean() == pytest.approx(
        np.mean(parameters.units), abs=4 * counts.std() / np.sqrt(len(counts))
    )
    for field, low, high in (("diameter", 2.5, 10), ("firing_rate", 8, 13), ("amplitude", 2, 30)):
        values = np.concatenate([getattr(pool, field) for pool in pools])
        assert low <= values.min() < values.max() <= high
        middle = np.sqrt(low * high) if field == "amplitude" else (low + high) / 2
        assert np.median(values) == pytest.approx(middle, rel=0.15)
    realised = [simulator.firing_statistics(pool.firing_time, pool.synchronised) for pool in pools]
    ratio = np.concatenate(
        [r["firing_rate"] / pool.firing_rate for r, pool in zip(realised, pools, strict=True)]
    )
    share = np.concatenate([r["synchronisation"] for r in realised])
    assert np.nanmean(ratio) == pytest.approx(1, abs=0.02)
    assert np.nanmean(share) == pytest.approx(np.mean(parameters.synchronisation), abs=0.01)


def test_lead_in_makes_the_first_frames_like_the_last():
    parameters = simulator.preset("paper1", units=(5, 5))
    trains = np.concatenate(
        [simulator.simulate(parameters, 0, index).twitch_train for index in range(40)]
    )
    early, late = np.mean(trains[:, :128] ** 2), np.mean(trains[:, -128:] ** 2)
    assert early / late == pytest.approx(1, abs=0.25)
    assert WARM_UP > 0.6


def test_dataset_keeps_every_label_and_the_parameters(small):
    made = simulator.simulate(small, 2, 1)
    dataset = simulator.to_dataset(made, small, 2)
    sequences.check(dataset)
    units = int(dataset.unit_count[0])
    np.testing.assert_array_equal(dataset.territory[0, :units], made.territory)
    assert not dataset.territory[0, units:].any()
    times = dataset.firing_time.values[0]
    kept = np.isfinite(times)
    assert np.all((times[kept] >= 0) & (times[kept] < small.duration))
    in_frame = (made.pool.firing_time >= 0) & (made.pool.firing_time < small.duration)
    assert kept.sum() == in_frame.sum()
    assert simulator.SimulatorParameters.from_dict(json.loads(dataset.parameters)) == small


def test_no_active_unit_is_a_silent_sequence():
    parameters = simulator.preset("paper1", units=(0, 0), frames=32, pixels=(8, 8))
    made = simulator.simulate(parameters, 0, 0)
    assert made.velocity.shape == (32, 8, 8)
    assert not made.velocity.any()
    sequences.check(simulator.to_dataset(made, parameters, 0))


@pytest.mark.parametrize("profile", ["disc", "soft disc", "gaussian", "point"])
def test_territories_are_where_their_unit_is(profile):
    parameters = simulator.preset("paper1", profile=profile, pixels=(80, 80))
    pool = sample_pool(parameters, 1, 0)
    from musclelib.simulator.motor_units.territory import territories

    mask, weight = territories(
        profile, pool.centre, pool.diameter, parameters.depth, parameters.lateral
    )
    assert weight.min() >= 0
    assert weight.max() <= 1
    for unit in range(len(pool)):
        inside = np.argwhere(mask[unit])
        pixel = np.array([0.5, 0.5])
        corner = np.array([0.0, -20.0])
        distance = np.hypot(*((inside + 0.5) * pixel + corner - pool.centre[unit]).T)
        assert distance.max() <= max(pool.diameter[unit] / 2, 0.36)
        if profile == "disc":
            clear = np.all((pool.centre[unit] - corner > 5) & (pool.centre[unit] - corner < 35))
            if clear:  # the area of the circle
                assert len(inside) * 0.25 == pytest.approx(
                    np.pi * pool.diameter[unit] ** 2 / 4, rel=0.12
                )
