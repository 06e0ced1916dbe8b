"""Frames a second of each method of muscle state, on all cores, features included."""

import time

import numpy as np
import pytest
import torch

from musclelib.muscle_state import estimate_changes, integration_points
from musclelib.muscle_state.estimator_recipe import PAPER_3
from musclelib.networks import FeatureNetwork, StateCnn, StateEstimator
from musclelib.simulator.longitudinal import LongitudinalParameters, participant_trial

FRAMES = 200


@pytest.fixture(scope="module")
def frames():
    """Frames of one trial, 120 x 496 pixels."""
    scanner = participant_trial(
        LongitudinalParameters(neutral=0.0, duration=FRAMES / 25), 0, 2
    ).scanner
    return np.stack([scanner.frame(number) for number in range(FRAMES)])


def method(name, frames):
    """Build a method with new weights."""
    torch.manual_seed(0)
    if name == "cnn":
        return StateCnn().eval()
    if name == "estimator":
        return [StateEstimator(PAPER_3).eval() for _ in range(3)]
    network = FeatureNetwork().eval()
    network.integration_points.copy_(torch.from_numpy(integration_points(frames[::20])))
    return network


@pytest.mark.parametrize("name", ["features", "cnn", "estimator"])
def test_frames_a_second(benchmark, frames, name):
    built = method(name, frames)
    benchmark.pedantic(
        estimate_changes, (built, frames, True), rounds=3, warmup_rounds=1, iterations=1
    )
    best = benchmark.stats.stats.min
    measured = {"frames_per_s": round(FRAMES / best, 1)}
    if name == "cnn":
        start = time.perf_counter()
        estimate_changes(built, frames)
        measured["times_faster_than_float32"] = round((time.perf_counter() - start) / best, 2)
    benchmark.extra_info |= measured
    print(f"\n{name}: {measured}")
