"""B-mode frames of a leg simulated a second, on one core and on two."""

from concurrent.futures import ProcessPoolExecutor

import pytest

from musclelib.simulator.longitudinal import LongitudinalParameters, participant_trial

FRAMES = 100
PARAMETERS = LongitudinalParameters(neutral=0.0, duration=FRAMES / 25)


def make(index):
    """Make the frames of one trial, 120 x 496 pixels."""
    scanner = participant_trial(PARAMETERS, 0, index).scanner
    return sum(int(scanner.frame(number)[0, 0]) for number in range(FRAMES))


@pytest.mark.parametrize("cores", [1, 2])
def test_frames_a_second(benchmark, cores):
    with ProcessPoolExecutor(cores) as pool:
        benchmark.pedantic(lambda: list(pool.map(make, range(cores))), rounds=3, warmup_rounds=1)
    rate = cores * FRAMES / benchmark.stats.stats.min
    benchmark.extra_info |= {"frames_per_s": round(rate, 1)}
    print(f"\n{cores} cores: {rate:.0f} frames/s of 120 x 496 pixels, trial and tissue included")
