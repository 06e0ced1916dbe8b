import time
import tracemalloc

import numpy as np
import pytest
from skimage.metrics import structural_similarity as skimage_ssim

from musclelib.metrics.compare import Features, compare, summary
from musclelib.metrics.content import cross_correlation
from musclelib.metrics.spatial import kspace, kspace_range, map_histogram

pytestmark = pytest.mark.benchmark(group="metrics")

SIZE, FRAMES, FRAME_RATE = 128, 1024, 512.0  # the sequences of paper 1


def peak_memory(call):
    """Largest memory a call allocates [MB], the arrays given to it not counted."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return round(peak, 1)


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    first = rng.standard_normal((FRAMES, SIZE, SIZE), dtype=np.float32)
    return first, np.roll(first, 2, axis=0) + rng.standard_normal(first.shape, dtype=np.float32)


def random_features(seed, count):
    """Features of `count` random walks across the map, without the sequences behind them."""
    rng = np.random.default_rng(seed)
    maps = rng.standard_normal((count, SIZE, SIZE)).cumsum(axis=1) / 8 - 1
    frequency = np.arange(2.0, FRAME_RATE / 2 + 1, 2.0)
    return Features(
        log_variance=maps,
        histogram=np.stack([map_histogram(m) for m in maps]),
        kspace=np.stack([kspace(m) for m in maps]),
        log_psd=rng.standard_normal((count, len(frequency))),
        frequency=frequency,
    )


def test_comparison_of_64_by_64_sequences(benchmark):
    first, second = random_features(0, 64), random_features(1, 64)
    benchmark.pedantic(lambda: summary(compare(first, second)), rounds=5, warmup_rounds=1)
    times = []
    for image in second.kspace:
        start = time.perf_counter()
        skimage_ssim(first.kspace[0], image, data_range=kspace_range((SIZE, SIZE)))
        times.append(time.perf_counter() - start)
    reference = min(times) * 64**2  # SSIM alone; ours is all four metrics
    benchmark.extra_info["pairs_per_second"] = round(64**2 / benchmark.stats["min"])
    benchmark.extra_info["times_faster_than_skimage_pair_by_pair"] = round(
        reference / benchmark.stats["min"], 1
    )
    benchmark.extra_info["peak_memory_MB"] = peak_memory(lambda: compare(first, second))
    print(dict(benchmark.extra_info))


def test_cross_correlation_of_one_pair(benchmark, pair):
    benchmark.pedantic(lambda: cross_correlation(*pair, FRAME_RATE), rounds=5, warmup_rounds=1)
    benchmark.extra_info["pixels_per_second"] = round(SIZE**2 / benchmark.stats["min"])
    benchmark.extra_info["peak_memory_MB"] = peak_memory(
        lambda: cross_correlation(*pair, FRAME_RATE)
    )
    print(dict(benchmark.extra_info))


def test_features_of_one_sequence(benchmark, pair):
    benchmark.pedantic(lambda: Features.of(pair[:1], FRAME_RATE), rounds=3, warmup_rounds=1)
    benchmark.extra_info["sequences_per_second"] = round(1 / benchmark.stats["min"], 2)
    benchmark.extra_info["peak_memory_MB"] = peak_memory(lambda: Features.of(pair[:1], FRAME_RATE))
    print(dict(benchmark.extra_info))
