"""Generate a store of simulated sequences by several workers, resumable at any point."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from musclelib import __version__, sequences
from musclelib.parameters import ParameterError, Parameters
from musclelib.simulator.motor_units.superpose import sequence_dataset


def generate(
    store: str | Path,
    parameters: Parameters,
    count: int,
    *,
    seed: int = 0,
    workers: int = 2,
    scheduler: str = "",
    replace: bool = False,
) -> None:
    """Simulate `count` sequences into a store, or finish a store that was interrupted.

    A finished store is left unchanged. The bytes written depend only on `parameters`, `seed` and
    `count`, and not on workers, order or interruptions. Memory holds about two sequences for each
    worker. A progress bar is shown.

    Parameters
    ----------
    store : str or Path
        Local folder, or an fsspec URL such as `s3://bucket/name.zarr`.
    parameters : SimulatorParameters or InVivoParameters
        Parameters of domain A or of the synthetic in-vivo domain.
    count : int
        Number of sequences.
    seed : int
        Seed of the set.
    workers : int
        Number of threads on this machine.
    scheduler : str
        Address of a dask scheduler, whose workers do the work instead and reach the store by the
        same name.
    replace : bool
        Whether a store with other parameters, seed, count or version is removed and not refused.

    Raises
    ------
    ParameterError
        Count, seed or number of workers is impossible.
    SequenceError
        Another store exists.
    """
    for name, value, low in (("count", count, 1), ("seed", seed, 0), ("workers", workers, 1)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < low:
            raise ParameterError(f"{name} = {value!r}: allowed is a whole number of at least {low}")
    if sequence_dataset.dispatch(type(parameters)) is sequence_dataset.dispatch(object):
        sequence_dataset(parameters, seed, 0)  # says what is allowed
    # the matrix products of libraries round otherwise on another number of threads; sequences share
    # the cores instead
    with threadpool_limits(1):
        _fill(store, parameters, count, seed, workers, scheduler, replace)


def make(store: str, parameters: Parameters, seed: int, index: int) -> None:
    """Simulate one sequence into its place in a store."""
    # for good: in the process of another machine, threads that end would undo it for others
    threadpool_limits(1)
    sequences.put(store, index, sequence_dataset(parameters, seed, index))


def _fill(
    store: str | Path,
    parameters: Parameters,
    count: int,
    seed: int,
    workers: int,
    scheduler: str,
    replace: bool,
) -> None:
    made = {"parameters": parameters.to_json(), "seed": seed, "version": __version__}
    first = cache(partial(sequence_dataset, parameters, seed, 0))
    missing = sequences.missing(store, count, made, first, replace=replace)
    if not missing:
        return
    if missing[0] == 0:  # the template of the store is its first sequence
        sequences.put(store, missing.pop(0), first())
    with (
        _executor(workers, scheduler) as (executor, threads),
        tqdm(total=count, initial=count - len(missing), unit="seq") as bar,
    ):
        bar.set_description("simulate")
        running = set()
        for index in missing:
            running.add(executor.submit(make, str(store), parameters, seed, index))
            # bounded: what waits for its turn is an index, not a sequence
            if len(running) >= 2 * threads:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                bar.update(sum(future.result() is None for future in done))
        for future in running:
            bar.update(future.result() is None)
    sequences.finish(store, count)


@contextmanager
def _executor(workers: int, scheduler: str) -> Iterator[tuple[Executor, int]]:
    """Open what does the work, and say how many sequences it works on at a time."""
    if not scheduler:
        with ThreadPoolExecutor(workers) as executor:
            yield executor, workers
        return
    from distributed import Client  # slow to import, needed for a cluster only

    with Client(scheduler, set_as_default=False) as client:
        yield client.get_executor(), sum(client.nthreads().values()) or 1
