"""Sequences of 128 x 128 x 1024 simulated per second, in memory and into a store."""

import itertools
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from musclelib import sequences, simulator

PARAMETERS = simulator.preset("paper1")
NUMBER = 24


def copies_a_second():
    """Sequences that memory copies a second, on one core: what a sequence costs at least."""
    source = np.ones((1024, 128, 128), np.float32)
    target = np.ones_like(source)
    start = time.perf_counter()
    for _ in range(10):
        np.copyto(target, source)
    return 10 / (time.perf_counter() - start)


def report(benchmark, rate):
    copies = copies_a_second()
    benchmark.extra_info |= {
        "sequences_per_s": round(rate, 1),
        "share_of_copy_rate": round(rate / copies, 3),
    }
    print(
        f"\n{rate:.1f} sequences/s, {rate / copies:.2f} of the {copies:.0f}/s that one core copies"
    )


def test_in_memory(benchmark):
    def run():
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(
                lambda index: simulator.simulate(PARAMETERS, 0, index).velocity[0, 0, 0],
                range(NUMBER),
            ):
                pass

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    report(benchmark, NUMBER / benchmark.stats.stats.min)


def test_into_a_store(benchmark, tmp_path):
    names = itertools.count()

    def fresh():
        shutil.rmtree(tmp_path, ignore_errors=True)
        return (tmp_path / f"{next(names)}.zarr",), {}

    benchmark.pedantic(
        lambda store: simulator.generate(store, PARAMETERS, NUMBER), setup=fresh, rounds=3
    )
    report(benchmark, NUMBER / benchmark.stats.stats.min)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize("number", [8, 64])
def test_memory_does_not_grow_with_the_number(benchmark, tmp_path, number):
    # not ru_maxrss, which a child process inherits from its parent
    program = (
        "import pathlib, re, sys; from musclelib import simulator;"
        f"simulator.generate(sys.argv[1], simulator.preset('paper1'), {number});"
        "print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])"
    )
    command = [sys.executable, "-c", program, tmp_path / "a.zarr"]
    done = benchmark.pedantic(
        lambda: subprocess.run(command, capture_output=True, text=True, check=True), rounds=1
    )
    peak = int(done.stdout) / 1024
    benchmark.extra_info["peak_memory_MB"] = round(peak)
    print(f"\n{number} sequences: {peak:.0f} MB at most")
    assert sequences.open(tmp_path / "a.zarr").sizes["sequence"] == number
    assert peak < 1000
