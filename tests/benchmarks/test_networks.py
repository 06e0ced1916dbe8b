"""Speed of a training step against its plain port, and of the translation of a recording."""

import json
import subprocess
import sys
import time

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from musclelib.translation.presets import build

KINDS = {
    "convolution": ("convolution",),
    "norm": ("batch_norm", "instance_norm"),
    "padding": ("pad",),
    "activation": ("clamp", "threshold", "leaky_relu", "tanh", "silu"),
    "optimiser": ("adam", "zero_"),
}

# A fresh process, so that its peak memory is that of the translation alone.
TRANSLATION = """
import json, sys, time
import numpy as np, torch
from musclelib.translation.presets import build
from musclelib.translation.translate import translate
generator = build(sys.argv[1]).to_b
frames = np.random.default_rng(0).standard_normal((1024, 128, 128), dtype=np.float32)
started = time.perf_counter()
translate(generator, frames)
seconds = time.perf_counter() - started
# ru_maxrss is the parent's, too
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([seconds, int(peak.split()[1]) / 2**20]))
"""


class Stepper:
    """Takes training steps of a model on clips of noise."""

    def __init__(self, model, side, half):
        self.model, self.half = model, half
        generator = torch.Generator().manual_seed(0)
        self.clips = torch.randn(2, 1, 1, 32, side, side, generator=generator)
        self.optimisers = [
            torch.optim.Adam(
                [value for network in networks for value in network.parameters()], 2e-4, fused=True
            )
            for networks in model.groups().values()
        ]

    def __call__(self):
        half = torch.autocast("cpu", torch.bfloat16, enabled=self.half)
        first, second = self.optimisers
        first.zero_grad()
        with half:
            total, _, fakes = self.model.generator_loss(*self.clips)
        total.backward()
        first.step()
        second.zero_grad()
        with half:
            judged, _ = self.model.discriminator_loss(*self.clips, fakes)
        judged.backward()
        second.step()
        return total.item()

    def seconds(self, rounds):
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            self()
            times.append(time.perf_counter() - started)
        return min(times)


def matrix_rate():
    """Products of large bfloat16 matrices [FLOP/s]."""
    a, b = torch.randn(2, 2048, 2048).bfloat16()
    times = []
    for _ in range(6):
        started = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - started)
    return 2 * 2048**3 / min(times)


def where_the_time_goes(stepper):
    """Share of each kind of operation in a step [%]."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        stepper()
    times = dict.fromkeys([*KINDS, "other"], 0.0)
    for event in profiled.key_averages():
        kind = next(
            (kind for kind, words in KINDS.items() if any(word in event.key for word in words)),
            "other",
        )
        times[kind] += event.self_cpu_time_total
    whole = sum(times.values())
    return {f"{kind}_percent": round(100 * value / whole) for kind, value in times.items()}


@pytest.mark.parametrize(("name", "side"), [("3d", 64), ("3d", 128), ("3d-stride1-noise", 64)])
@pytest.mark.timeout(900)
def test_training_step(benchmark, plain, name, side):
    torch.manual_seed(0)
    ours = Stepper(build(name), side, half=True)
    first = ours()  # the first step also pays for what is done once
    benchmark.pedantic(ours, rounds=2)
    shares = where_the_time_goes(ours)
    torch.manual_seed(0)
    port = Stepper(plain(build(name)), side, half=False)
    with FlopCounterMode(display=False) as counter:
        assert first == pytest.approx(port(), rel=0.02)  # the same loss, but for half precision
    slow, fast = port.seconds(1), benchmark.stats.stats.min
    benchmark.extra_info |= {
        "plain_float32_seconds": round(slow, 2),
        "times_faster": round(slow / fast, 2),
        "TFLOP_of_the_plain_step": round(counter.get_total_flops() / 1e12, 2),
        "share_of_matrix_rate": round(counter.get_total_flops() / fast / matrix_rate(), 2),
        **shares,
    }
    print(dict(benchmark.extra_info))


def test_training_step_of_our_own_model(benchmark):
    torch.manual_seed(0)
    ours, rival = (
        Stepper(build(name), 64, half=True) for name in ("one-sided", "3d-stride1-noise")
    )
    for stepper in (ours, rival):
        stepper()
    benchmark.pedantic(ours, rounds=3)
    share = benchmark.stats.stats.min / rival.seconds(1)
    benchmark.extra_info |= {"share_of_the_cost_of_3d-stride1-noise": round(share, 3)}
    print(dict(benchmark.extra_info))
    assert share < 0.5


@pytest.mark.parametrize("name", ["3d", "3d-stride1-noise", "one-sided"])
@pytest.mark.timeout(600)
def test_translation_of_128_x_128_x_1024(benchmark, name):
    command = [sys.executable, "-c", TRANSLATION, name]
    seconds, memory = benchmark.pedantic(
        lambda: json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
        ),
        rounds=1,
    )
    benchmark.extra_info |= {
        "translation_seconds": round(seconds, 1),
        "peak_memory_GiB": round(memory, 2),
    }
    print(dict(benchmark.extra_info))
    assert memory < 4
