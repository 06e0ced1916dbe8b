"""Random clips of 32 frames out of a store, beside a plain memory map of the same frames."""

import time

import numpy as np
import pytest

from musclelib import sequences, simulator
from musclelib.sequences.clips import Clips

NUMBER, CLIPS = 12, 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    simulator.generate(folder / "a.zarr", simulator.preset("paper1"), NUMBER)
    plain = np.lib.format.open_memmap(folder / "a.npy", "w+", np.float32, (NUMBER, 1024, 128, 128))
    for index, velocity in enumerate(sequences.each(sequences.open(folder / "a.zarr"))):
        plain[index] = velocity
    plain.flush()
    return folder


@pytest.mark.parametrize("standardise", [False, True], ids=["as stored", "standardised"])
def test_random_clips(benchmark, folder, standardise):
    plain = np.load(folder / "a.npy", mmap_mode="r")
    clips = Clips(folder / "a.zarr", standardise=standardise)
    order = np.random.default_rng(0).integers(len(clips), size=CLIPS)

    def from_store():
        for item in order:
            clips[int(item)]

    def from_map():
        for item in order:
            sequence, clip = divmod(int(item), 32)
            np.array(plain[sequence, clip * 32 : clip * 32 + 32])

    def seconds(function):
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    from_map()
    benchmark.pedantic(from_store, rounds=5, warmup_rounds=1)
    # taken in turns, so that what else the machine does falls on both
    pairs = [(seconds(from_store), seconds(from_map)) for _ in range(5)]
    store, plain_map = (min(times) for times in zip(*pairs, strict=True))
    ratio = plain_map / store
    benchmark.extra_info |= {
        "clips_per_s": round(CLIPS / store),
        "share_of_memory_map": round(ratio, 2),
    }
    print(
        f"\n{CLIPS / store:.0f} clips/s, {ratio:.2f} of the memory map's {CLIPS / plain_map:.0f}/s"
    )
