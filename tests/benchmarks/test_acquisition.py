"""Speed and peak memory of the acquisition chain on a recording of two seconds at 2 kHz."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

FRAMES = 4000

# A fresh process, so that its peak memory is that of the chain alone.
SCRIPT = """
import json, resource, sys, time
import h5py, numpy as np
from musclelib.acquisition import L14_5, velocity_sequence
from dataclasses import replace
path, kind = sys.argv[1:]
recording = replace(L14_5, sampling_rate=10e6)
with h5py.File(path) as file:
    started = time.perf_counter()
    velocity = velocity_sequence(
        file["frames"], recording, np.linspace(0, 39, 512), recording.element_positions, kind=kind
    )
    seconds = time.perf_counter() - started
print(json.dumps({
    "seconds": seconds,
    "peak_memory_MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "shape": velocity.shape,
    "sd": float(velocity[100:-100].std()),
}))
"""


@pytest.fixture(scope="module")
def recording_file(tmp_path_factory):
    """Write 2 GB of speckle that moves as one, 3 um at 20 Hz; remove it afterwards."""
    path = tmp_path_factory.mktemp("acquisition") / "frames.h5"
    rng = np.random.default_rng(0)
    # deviation from the carrier [rad/mm]
    wavenumber = 2 * np.pi * np.fft.fftfreq(512, 40 / 511)[:, None]
    spectrum = (rng.normal(size=(512, 128)) + 1j * rng.normal(size=(512, 128))) * np.exp(
        -((wavenumber / 6) ** 2)
    )
    # The shift is small, so speckle and its derivative along depth carry it (rank two).
    speckle, slope = (
        np.fft.ifft(part, axis=0).astype(np.complex64)
        for part in (spectrum, 1j * wavenumber * spectrum)
    )
    towards = (3e-3 * np.sin(2 * np.pi * 20 * np.arange(FRAMES) / 2000)).astype(np.float32)[
        :, None, None
    ]
    turn = np.exp(4j * np.pi * 5e6 / 1540e3 * towards).astype(np.complex64)
    with h5py.File(path, "w") as file:
        frames = file.create_dataset("frames", (FRAMES, 512, 128), np.complex64)
        for start in range(0, FRAMES, 100):
            part = slice(start, start + 100)
            frames[part] = turn[part] * (speckle + towards[part] * slope)
    yield path
    path.unlink()


@pytest.mark.parametrize("kind", ["image iq", "channel iq"])
@pytest.mark.timeout(600)
def test_two_seconds_of_frames(benchmark, recording_file, kind):
    def run():
        command = [sys.executable, "-c", SCRIPT, str(recording_file), kind]
        return json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
        )

    measured = benchmark.pedantic(run, rounds=1)
    benchmark.extra_info |= {
        "frames_per_second": round(FRAMES / measured["seconds"]),
        "peak_memory_MB": round(measured["peak_memory_MB"]),
    }
    print(dict(benchmark.extra_info))
    assert measured["shape"] == [1024, 128, 128]
    assert measured["peak_memory_MB"] < 2048
    if kind == "image iq":
        # amplitude times angular frequency, as a root mean square
        expected = 3e-3 * 2 * np.pi * 20 / np.sqrt(2)
        assert measured["sd"] == pytest.approx(expected, rel=0.05)
