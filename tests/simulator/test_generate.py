import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from distributed import LocalCluster

from musclelib import sequences, simulator
from musclelib.parameters import ParameterError

PROGRAM = """
import sys
from musclelib import simulator
p = simulator.preset("paper1", frames=512, pixels=(64, 64))
simulator.generate(sys.argv[1], p, 24, seed=3, workers=2)
"""


def files(store):
    return {
        path.relative_to(store): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def reference(small, tmp_path):
    simulator.generate(tmp_path / "one.zarr", small, 5, seed=4, workers=1)
    return files(tmp_path / "one.zarr")


def test_workers_do_not_change_a_byte(small, tmp_path, reference):
    simulator.generate(tmp_path / "many.zarr", small, 5, seed=4, workers=4)
    assert files(tmp_path / "many.zarr") == reference


def test_a_dask_cluster_does_not_change_a_byte(small, tmp_path, reference):
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        simulator.generate(
            tmp_path / "dask.zarr", small, 5, seed=4, scheduler=cluster.scheduler_address
        )
    assert files(tmp_path / "dask.zarr") == reference


def test_sequences_do_not_depend_on_their_number(small, tmp_path, reference):
    simulator.generate(tmp_path / "two.zarr", small, 2, seed=4)
    two, five = sequences.open(tmp_path / "two.zarr"), sequences.open(tmp_path / "one.zarr")
    np.testing.assert_array_equal(two.velocity, five.velocity[:2])


def test_killed_and_continued_gives_the_same_bytes(tmp_path):
    """After SIGKILL the same command loses nothing, repeats nothing and changes no byte."""
    subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "whole.zarr"], check=True, capture_output=True
    )
    store = tmp_path / "killed.zarr"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, store], stderr=subprocess.DEVNULL)
    shards = store / "velocity/c"
    while not shards.is_dir() or len(list(shards.iterdir())) < 4:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(sequences.SequenceError, match="not finished"):
        sequences.open(store)
    marks = [path for path in (store / "velocity_sd/c").iterdir() if path.is_file()]
    assert 0 < len(marks) < 24
    before = {path: path.stat().st_mtime_ns for path in marks}
    subprocess.run([sys.executable, "-c", PROGRAM, store], check=True, capture_output=True)
    assert {path: path.stat().st_mtime_ns for path in marks} == before
    assert {
        name: data for name, data in files(store).items() if ".partial" not in name.name
    } == files(tmp_path / "whole.zarr")


def test_a_finished_store_is_left_alone_and_another_is_refused(small, tmp_path, reference):
    store = tmp_path / "one.zarr"
    stamp = (store / "velocity/c/0/0/0/0").stat().st_mtime_ns
    simulator.generate(store, small, 5, seed=4)
    assert (store / "velocity/c/0/0/0/0").stat().st_mtime_ns == stamp
    for changes, name in (({"seed": 5, "count": 5}, "seed"), ({"seed": 4, "count": 6}, "count")):
        message = f"exists already, made from something else \\(by its {name}\\)"
        with pytest.raises(sequences.SequenceError, match=message):
            simulator.generate(store, small, **changes)


def test_a_store_of_another_version_is_not_continued_but_made_anew(small, tmp_path, reference):
    first = simulator.sequence_dataset(small, 4, 0).assign_attrs(version="0.1.0")
    begun, finished = tmp_path / "begun.zarr", tmp_path / "finished.zarr"
    for store, count in ((begun, 5), (finished, 1)):
        sequences.create(store, first, count)
        sequences.put(store, 0, first)
    sequences.finish(finished, 1)
    for store, said in (
        (begun, "was begun by version 0.1.0, not "),
        (finished, "by its count, version"),
    ):
        with pytest.raises(sequences.SequenceError, match=f"{said}.*another name or remove it$"):
            simulator.generate(store, small, 5, seed=4)
        simulator.generate(store, small, 5, seed=4, replace=True)
        assert files(store) == reference


@pytest.mark.parametrize("name", ["count", "seed", "workers"])
@pytest.mark.parametrize("value", [-1, 2.5, "3", True])
def test_impossible_numbers_are_named(small, tmp_path, name, value):
    arguments = {"count": 2, "seed": 0, "workers": 1} | {name: value}
    with pytest.raises(ParameterError, match=f"{name} = {value!r}: allowed is a whole number"):
        simulator.generate(tmp_path / "a.zarr", small, **arguments)
    assert not (tmp_path / "a.zarr").exists()


def test_progress_is_seen(small, tmp_path, capfd):
    simulator.generate(tmp_path / "a.zarr", small, 3)
    assert "simulate: 100%" in capfd.readouterr().err


def test_replace_makes_a_store_anew_when_its_parameters_changed(small, tmp_path, reference):
    simulator.generate(tmp_path / "a.zarr", small, 2, seed=9)
    simulator.generate(tmp_path / "a.zarr", small, 5, seed=4, replace=True)
    assert files(tmp_path / "a.zarr") == reference


@pytest.mark.parametrize("there", [False, True])
def test_parameters_of_another_kind_are_refused(small, tmp_path, there):
    if there:
        simulator.generate(tmp_path / "a.zarr", small, 2)
    with pytest.raises(ParameterError, match="SimulatorParameters or InVivoParameters are needed"):
        simulator.generate(tmp_path / "a.zarr", {"units": (1, 2)}, 2, replace=True)
    assert (tmp_path / "a.zarr").exists() == there
