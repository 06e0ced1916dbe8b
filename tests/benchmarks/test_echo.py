"""Two seconds of echoes of moving tissue: speed and memory of the chain, error and speed against the exact path."""

import json
import subprocess
import sys

import numpy as np
import pytest

# A fresh process, so that its peak memory is that of the echoes and the chain alone. Twenty units of 2 to 30 um fire at
# 10 Hz in fascicles of 1.5 mm whose gains differ by 40 %; outside its territory a unit's field is a dipole's.
SCRIPT = """
import json, resource, sys, time
from types import SimpleNamespace
import numpy as np
from scipy.spatial import cKDTree
from musclelib.acquisition import L14_5, band_pass, estimate_velocity, velocity_sequence
from musclelib.simulator.echo import EchoFrames, EchoParameters, sample_scatterers
from scipy.interpolate import RegularGridInterpolator

rng = np.random.default_rng(0)
depth, lateral, time_axis = np.linspace(0, 40, 256), np.linspace(-20, 20, 256), np.arange(4000) / 2000
z, x = np.meshgrid(depth, lateral, indexing="ij")
fascicle = cKDTree(rng.uniform((0, -20), (40, 20), (700, 2))).query(np.stack([z, x], -1).reshape(-1, 2))[1]
texture = np.exp(0.4 * rng.normal(size=700))[fascicle].reshape(z.shape)
gain, signal = [], []
for unit in range(20):
    at, radius = rng.uniform((5, -15), (35, 15)), rng.uniform(1.25, 5)
    away = np.hypot(z - at[0], x - at[1])
    dipole = radius**2 * ((z - at[0]) ** 2 - (x - at[1]) ** 2) / np.maximum(away, radius) ** 4
    gain.append(texture * np.where(away < radius, 1, dipole * np.exp(-away / 10)))
    lag = (time_axis - rng.uniform(0, 0.1)) % 0.1 + np.arange(3)[:, None] * 0.1
    lag /= rng.uniform(0.05, 0.07)
    signal.append(np.exp(rng.uniform(np.log(2), np.log(30))) * (lag**3 * np.exp(3 - 3 * lag)).sum(0))
gain, signal = np.array(gain, np.float32), np.array(signal, np.float32)
maps = RegularGridInterpolator((depth, lateral), gain.transpose(1, 2, 0))
motion = SimpleNamespace(
    gain=gain, signal=signal, depth=depth, lateral=lateral, rate=2000.0, gain_at=lambda points: maps(points).T
)

def frames(rows, **changes):
    parameters = EchoParameters(**changes)
    scatterers = sample_scatterers(parameters, L14_5, depth, lateral, 0, 0)
    return EchoFrames(motion, scatterers, L14_5, rows, L14_5.element_positions, parameters, 0, 0)

rows, columns = np.linspace(0.5, 39.5, 256), L14_5.element_positions
if sys.argv[1] == "chain":
    started = time.perf_counter()
    echo = frames(rows)
    built = time.perf_counter() - started
    velocity = velocity_sequence(echo, L14_5, rows, columns, kind="image iq")
    seconds, busy = time.perf_counter() - started, time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # kB
    points = np.stack(np.meshgrid(velocity.depth, velocity.lateral, indexing="ij"), -1).reshape(-1, 2)
    true = np.gradient(signal, 1 / 2000, axis=1) * 1e-3
    true = band_pass(true[:, :, None].transpose(1, 0, 2), 2000.0, 5, 50)[..., 0]
    true = np.stack([np.interp(velocity.time, time_axis, part) for part in true.T])
    true = (true.T @ motion.gain_at(points).astype(np.float32)).reshape(velocity.shape)
    inner, here = true[205:-205], velocity.values[205:-205]
    correlation = np.corrcoef(inner.ravel(), here.ravel())[0, 1]
    quarters = zip(np.array_split(inner, 4, 1), np.array_split(here, 4, 1))
    layers = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in quarters]
    print(json.dumps({"seconds": seconds, "built": built, "busy": busy, "memory": memory, "shape": velocity.shape,
                      "correlation": correlation, "layers": layers}))
else:
    echo = frames(rows, snr=None, correlation=1.0)
    started = time.perf_counter()
    fast = echo[400:656]
    per_fast = (time.perf_counter() - started) / 256
    started = time.perf_counter()
    exact = np.concatenate([echo.exact(start, start + 2) for start in range(400, 656, 16)])
    per_exact = (time.perf_counter() - started) / len(exact)
    fast = np.concatenate([echo[start : start + 2] for start in range(400, 656, 16)])
    pair = lambda iq: estimate_velocity(iq, L14_5, rows, columns, kind="image iq").values[::2]
    error = pair(fast) - pair(exact)
    print(json.dumps({"error": float(np.sqrt((error**2).mean() / (pair(exact) ** 2).mean())),
                      "fast": per_fast, "exact": per_exact}))
"""


def measure(task):
    command = [sys.executable, "-c", SCRIPT, task]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_two_seconds_through_the_chain(benchmark):
    measured = benchmark.pedantic(lambda: measure("chain"), rounds=1)
    benchmark.extra_info |= {
        "seconds": round(measured["seconds"], 1),
        "core_seconds": round(measured["busy"], 1),
        "seconds_for_the_basis": round(measured["built"], 1),
        "peak_memory_GiB": round(measured["memory"], 2),
        "correlation_with_true_velocity": round(measured["correlation"], 3),
        "correlation_by_quarter_of_depth": np.round(measured["layers"], 3).tolist(),
    }
    print(dict(benchmark.extra_info))
    assert measured["shape"] == [1024, 128, 128]
    assert measured["memory"] < 3
    assert measured["correlation"] > 0.8


def test_expansion_against_displaced_scatterers(benchmark):
    measured = benchmark.pedantic(lambda: measure("exact"), rounds=1)
    benchmark.extra_info |= {
        "velocity_error": round(measured["error"], 4),
        "milliseconds_per_frame": round(1e3 * measured["fast"], 2),
        "exact_milliseconds_per_frame": round(1e3 * measured["exact"], 1),
        "times_faster": round(measured["exact"] / measured["fast"]),
    }
    print(dict(benchmark.extra_info))
    assert measured["error"] == pytest.approx(0, abs=0.02)
