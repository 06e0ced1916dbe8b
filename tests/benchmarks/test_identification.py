"""Speed and memory of the identification of motor units, and of the training of its networks."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from musclelib import simulator
from musclelib.identification.examples import SimulatedTerritories, SimulatedTrains
from musclelib.identification.methods.registry import METHODS, method, title
from musclelib.identification.objectives import Detection, Reading, TwitchEstimation
from musclelib.networks.mask_rcnn import DETECTORS
from musclelib.networks.territory_reader import ReaderParameters
from musclelib.networks.twitch import TWITCH_NETWORKS

WEIGHTS = Path(__file__).parents[2] / "data/weights/identification"

# A fresh process, so that its peak memory is that of the identification alone.
LONG = """
import json, sys, time
from musclelib import simulator
from musclelib.identification.methods.registry import method
parameters = simulator.preset("paper1", units=(10, 10), noise_snr=(20.0, 20.0), profile=sys.argv[2])
velocity = simulator.simulate(parameters, 1, 0).velocity
edges = method("edges", sys.argv[1])
started = time.perf_counter()
found = edges(velocity, 512.0, (0.3125, 0.3125))
seconds = time.perf_counter() - started
# ru_maxrss is the parent's, too
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([seconds, int(peak.split()[1]) / 2**20, len(found.territory)]))
"""


@pytest.mark.parametrize("profile", ["disc", "gaussian"])
@pytest.mark.timeout(300)
def test_identification_in_128_x_128_x_1024(benchmark, profile):
    command = [sys.executable, "-c", LONG, str(WEIGHTS), profile]
    seconds, memory, _ = benchmark.pedantic(
        lambda: json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
        ),
        rounds=1,
    )
    benchmark.extra_info |= {
        "identification_seconds": round(seconds, 2),
        "peak_memory_GiB": round(memory, 2),
    }
    print(dict(benchmark.extra_info))
    assert memory < 2


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.timeout(300)
def test_identification_of_25_units(benchmark, name):
    parameters = simulator.preset("paper2", units=(25, 25), noise_snr=(20.0, 20.0))
    velocity = simulator.simulate(parameters, 1, 0).velocity
    identify, plain = method(name, WEIGHTS), method("plain", WEIGHTS)
    benchmark.name = benchmark.name.replace(name, title(name, identify))
    benchmark.pedantic(identify, args=(velocity, 400.0), rounds=2, warmup_rounds=1)
    started = time.perf_counter()
    plain(velocity, 400.0)
    ratio = benchmark.stats.stats.min / (time.perf_counter() - started)
    benchmark.extra_info |= {"times_the_plainest_method": round(ratio, 2)}
    print(dict(benchmark.extra_info))


def examples(name):
    parameters = simulator.preset("paper2", noise_snr=(10.0, 30.0))
    if name == "detector":
        return Detection(DETECTORS["light"]), SimulatedTerritories(parameters, 4, 1)[0]
    if name == "twitch":
        return TwitchEstimation(TWITCH_NETWORKS["light"]), SimulatedTrains(parameters, 16, 1)[0]
    rng = np.random.default_rng(0)
    images, territory = (
        torch.from_numpy(rng.random(shape, np.float32)) for shape in ((16, 5, 64, 64), (16, 64, 64))
    )
    return Reading(ReaderParameters()), (images, territory, torch.ones(16), torch.ones(16))


@pytest.mark.parametrize(
    ("name", "half"), [("detector", True), ("twitch", True), ("reader", False)]
)
@pytest.mark.timeout(300)
def test_training_step_of_identification(benchmark, name, half):
    torch.manual_seed(0)
    model, batch = examples(name)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

    def step():
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            total, _ = model.loss(*batch)
        total.backward()
        optimiser.step()

    benchmark.pedantic(step, rounds=3, warmup_rounds=1)
    benchmark.extra_info |= {
        "examples_a_second": round(len(batch[0]) / benchmark.stats.stats.min, 1)
    }
    print(dict(benchmark.extra_info))
