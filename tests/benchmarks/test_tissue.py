"""Motion of tissue over 2 s at 2 kHz by 10 units, and the sources that compression leaves."""

import tracemalloc

from musclelib import simulator
from musclelib.simulator.cross_section import TissueParameters, sample_tissue, tissue_motion

PARAMETERS = TissueParameters()
POOL = simulator.sample_pool(simulator.preset("paper1", units=(10, 10)), 0, 0)
TISSUE = sample_tissue(PARAMETERS, POOL, 0, 0)


def test_sample(benchmark):
    benchmark(sample_tissue, PARAMETERS, POOL, 0, 0)


def test_motion(benchmark):
    benchmark(tissue_motion, TISSUE, POOL, PARAMETERS)
    tracemalloc.start()
    tissue_motion(TISSUE, POOL, PARAMETERS)
    benchmark.extra_info["peak_memory_MB"] = round(tracemalloc.get_traced_memory()[1] / 1e6)
    tracemalloc.stop()
    rate = PARAMETERS.duration / benchmark.stats.stats.min
    benchmark.extra_info["seconds_a_second"] = round(rate, 1)
    print(f"\n{rate:.1f} s of motion a second, {benchmark.extra_info['peak_memory_MB']} MB at most")


def test_compress(benchmark):
    motion = tissue_motion(TISSUE, POOL, PARAMETERS)
    fewer = benchmark(motion.compress, 0.01)
    benchmark.extra_info |= {"sources": len(motion.gain), "sources_after": len(fewer.gain)}
    print(f"\n{len(motion.gain)} sources, {len(fewer.gain)} after compress(0.01)")
