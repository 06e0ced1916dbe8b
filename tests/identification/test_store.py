import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musclelib import sequences, simulator
from musclelib.identification.methods.edges import Decomposition
from musclelib.identification.motor_units import MotorUnits
from musclelib.identification.store import (
    firing_table,
    identify_store,
    open_units,
    table,
    to_dataset,
)
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader


def files(store):
    return {
        path.relative_to(store): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


def corners(velocity, frame_rate, spacing, seed=0):
    """A unit in a corner, and where the sequence is not the first, one in the middle."""
    depth, lateral = velocity.shape[1:]
    territory = np.zeros((2, depth, lateral), bool)
    territory[0, :2, :3] = territory[1, 4:6, 4:6] = True
    wave = np.sin(2 * np.pi * 10 * np.arange(len(velocity)) / frame_rate).astype(np.float32)
    count = 1 if velocity[0, 0, 0] == 1 else 2
    return MotorUnits(
        territory[:count],
        np.stack([wave, 3 * wave])[:count],
        np.array([0.9, 0.6], np.float32)[:count],
    )


def onsets(trains, frame_rate):
    """A firing in every tenth of a second."""
    return [np.arange(0.01, trains.shape[1] / frame_rate, 0.1) for _ in trains]


def nothing(velocity, frame_rate, spacing, seed=0):
    return MotorUnits.none(len(velocity), velocity.shape[1:])


@pytest.fixture
def source(dataset, tmp_path):
    dataset.velocity[:, 0, 0, 0] = [1.0, -1.0, -1.0]
    sequences.write(dataset, tmp_path / "source.zarr")
    return tmp_path / "source.zarr"


@pytest.fixture
def target(source, tmp_path):
    identify_store(corners, onsets, source, tmp_path / "made" / "units.zarr", name="corners")
    return tmp_path / "made" / "units.zarr"


def test_a_store_of_units_has_the_labels_of_the_schema(source, target):
    origin, units = sequences.open(source), open_units(target).load()
    assert units.attrs["method"] == "corners"
    assert units.attrs["domain"] == "simulated"
    assert units.unit_count.values.tolist() == [1, 2, 2]
    assert units.territory.values.sum(axis=(2, 3)).tolist() == [[6, 0], [6, 4], [6, 4]]
    assert np.isnan(units.twitch_train.values[0, 1]).all()
    assert np.isnan(units.firing_time.values[0, 1]).all()
    np.testing.assert_allclose(units.confidence, [[0.9, np.nan], [0.9, 0.6], [0.9, 0.6]], rtol=1e-6)
    assert np.isfinite(units.twitch_train.values[1]).all()
    whole = origin.assign(units.data_vars)
    sequences.check(whole)
    assert whole.firing_time.attrs["units"] == "s"


def test_any_reader_of_zarr_opens_it(target):
    with xr.open_zarr(target, consolidated=False, decode_timedelta=False) as units:
        assert units.territory.dtype == bool
        assert json.loads(units.attrs["parameters"])["origin"]["source"] == "test"
    # nothing is left beside it
    assert [path.name for path in target.parent.iterdir()] == ["units.zarr"]


def test_a_finished_store_is_left_alone_and_another_refused(source, target, dataset, tmp_path):
    before = files(target)
    identify_store(never, onsets, source, target, name="corners")
    assert files(target) == before
    with pytest.raises(
        sequences.SequenceError, match="exists already, of other sequences or by another method"
    ):
        identify_store(nothing, onsets, source, target, name="nothing")
    louder = dataset.assign(velocity=dataset.velocity.copy(data=2 * dataset.velocity))
    sequences.write(louder, tmp_path / "louder.zarr")
    with pytest.raises(sequences.SequenceError, match="exists already"):
        identify_store(corners, onsets, tmp_path / "louder.zarr", target, name="corners")
    assert files(target) == before
    identify_store(nothing, onsets, source, target, name="nothing", replace=True)
    assert open_units(target).attrs["method"] == "nothing"
    assert [path.name for path in target.parent.iterdir()] == ["units.zarr"]


def test_another_clock_is_another_recording(source, target, dataset, tmp_path):
    later = dataset.assign_coords(time=dataset.time + 2.0)
    later.time.attrs = dataset.time.attrs
    sequences.write(later, tmp_path / "later.zarr")
    with pytest.raises(sequences.SequenceError, match="exists already"):
        identify_store(corners, onsets, tmp_path / "later.zarr", target, name="corners")
    identify_store(
        corners, onsets, tmp_path / "later.zarr", tmp_path / "later-units.zarr", name="corners"
    )
    times = [
        open_units(made).firing_time.values for made in (target, tmp_path / "later-units.zarr")
    ]
    np.testing.assert_allclose(times[0] + 2.0, times[1])


def test_other_weights_are_another_method(tmp_path, small):
    simulator.generate(tmp_path / "a.zarr", small, 1, seed=2)
    method = Decomposition(TerritoryReader(ReaderParameters(features=4)).eval())
    identify_store(method, onsets, tmp_path / "a.zarr", tmp_path / "b.zarr", name="edges")
    assert int(open_units(tmp_path / "b.zarr").unit_count[0]) > 0
    next(method.reader.parameters()).data += 0.1
    with pytest.raises(sequences.SequenceError, match="exists already"):
        identify_store(method, onsets, tmp_path / "a.zarr", tmp_path / "b.zarr", name="edges")


def test_a_kill_leaves_no_store_and_the_same_call_makes_it(source, target, tmp_path, monkeypatch):
    again, shut = tmp_path / "again.zarr", xr.Dataset.to_zarr

    def stops(dataset, store, **options):
        shut(dataset, store, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(xr.Dataset, "to_zarr", stops)
        with pytest.raises(KeyboardInterrupt):
            identify_store(corners, onsets, source, again, name="corners")
    with pytest.raises(sequences.SequenceError, match="there is no store of units"):
        open_units(again)
    identify_store(corners, onsets, source, again, name="corners")
    assert files(again) == files(target)


def test_what_is_not_ours_is_never_removed(source, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    for place in (tmp_path / "mine", source):
        before = files(place)
        with pytest.raises(sequences.SequenceError, match="something else than a store of units"):
            identify_store(corners, onsets, source, place, name="corners", replace=True)
        assert files(place) == before


def test_names_that_sound_temporary_are_a_users(source, target):
    for name in ("units.zarr.partial", "units.zarr.removed"):
        (target.parent / name).mkdir()
        (target.parent / name / "thesis.txt").write_text("years")
    identify_store(nothing, onsets, source, target, name="nothing", replace=True)
    assert sorted(path.name for path in target.parent.rglob("*.txt")) == [
        "thesis.txt",
        "thesis.txt",
    ]


def never(*_, **__):
    raise AssertionError("identified")


def test_a_store_of_units_with_files_of_a_user_is_refused_before_the_work(source, target):
    (target / "notes.txt").write_text("mine")
    before = files(target)
    with pytest.raises(
        sequences.SequenceError, match=r"not only a store is in this folder, .*: notes\.txt must"
    ):
        identify_store(never, onsets, source, target, name="never", replace=True)
    assert files(target) == before


def test_a_target_that_cannot_be_written_is_told_before_the_work(source, tmp_path):
    (tmp_path / "file").write_text("mine")
    places = [tmp_path / "file" / "units.zarr"]
    # closed to root as well
    places += [Path("/sys/kernel/units.zarr")] if sys.platform == "linux" else []
    for place in places:
        with pytest.raises(sequences.SequenceError, match=r"units\.zarr: cannot be written"):
            identify_store(never, onsets, source, place, name="never")
    with pytest.raises(sequences.SequenceError, match="file: something else than a store of units"):
        identify_store(never, onsets, source, tmp_path / "file", name="never")
    assert (tmp_path / "file").read_text() == "mine"


def test_units_behind_a_link_are_replaced_there_and_the_link_stays(source, target, tmp_path):
    (tmp_path / "link.zarr").symlink_to(target)
    identify_store(nothing, onsets, source, tmp_path / "link.zarr", name="nothing", replace=True)
    assert (tmp_path / "link.zarr").is_symlink()
    assert open_units(target).attrs["method"] == "nothing"
    assert [path.name for path in target.parent.iterdir()] == ["units.zarr"]


KILLED = """
import os, signal, sys
import numpy as np
from musclelib.identification.store import identify_store
from musclelib.identification.motor_units import MotorUnits

def kills(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

def nothing(velocity, frame_rate, spacing, seed=0):
    return MotorUnits.none(len(velocity), velocity.shape[1:])

os.{what} = kills
silent = lambda trains, rate: []
identify_store(nothing, silent, sys.argv[1], sys.argv[2], name="nothing", replace=True)
"""


@pytest.mark.parametrize("what", ["remove", "rmdir"])
def test_a_kill_while_units_are_replaced_is_mended_by_the_same_call(source, target, tmp_path, what):
    done = subprocess.run(
        [sys.executable, "-c", KILLED.format(what=what), source, target], check=False
    )
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(sequences.SequenceError, match="there is no store of units"):
        open_units(target)
    identify_store(nothing, onsets, source, target, name="nothing", replace=True)
    assert open_units(target).attrs["method"] == "nothing"
    assert [path.name for path in target.parent.iterdir()] == ["units.zarr"]


def test_what_cannot_be_identified_is_said(dataset, tmp_path):
    dataset.velocity[1] = 3.0
    sequences.write(dataset, tmp_path / "still.zarr")
    method = Decomposition(TerritoryReader(ReaderParameters(features=4)).eval())
    with pytest.raises(
        sequences.SequenceError,
        match=r"still\.zarr, sequence 1: velocity does not change over time",
    ):
        identify_store(method, onsets, tmp_path / "still.zarr", tmp_path / "a.zarr", name="edges")
    moved = dataset.rename(velocity="displacement")
    moved.displacement.attrs["units"] = "um"
    sequences.write(moved, tmp_path / "moved.zarr")
    with pytest.raises(sequences.SequenceError, match="has no 'velocity'"):
        identify_store(method, onsets, tmp_path / "moved.zarr", tmp_path / "a.zarr", name="edges")
    assert not (tmp_path / "a.zarr").exists()


def test_sequences_without_units(source, tmp_path):
    identify_store(nothing, onsets, source, tmp_path / "none.zarr", name="nothing")
    units = open_units(tmp_path / "none.zarr")
    assert units.sizes["unit"] == units.sizes["firing"] == 1
    assert units.unit_count.values.tolist() == [0, 0, 0]
    assert len(table(units)) == len(firing_table(units)) == 0
    assert list(firing_table(units)) == ["sequence", "unit", "time [s]"]


def test_the_table_says_where_how_large_and_how_often(target):
    units = open_units(target)
    found = table(units)
    assert found[["sequence", "unit"]].to_numpy().tolist() == [
        [0, 1],
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
    ]
    first = found.iloc[2]
    assert (first["centre depth [mm]"], first["centre lateral [mm]"], first["area [mm2]"]) == (
        4.5,
        4.5,
        4.0,
    )
    assert first["peak to peak [mm/s]"] == pytest.approx(6, rel=0.02)
    assert first["confidence"] == pytest.approx(0.6)
    times = firing_table(units)
    each = times[(times["sequence"] == 1) & (times["unit"] == 2)]["time [s]"].to_numpy()
    assert len(each) == first["firings"]


def test_the_truth_has_a_table_too(small):
    made = simulator.sequence_dataset(small, 1, 0)
    found = table(made)
    assert len(found) == int(made.unit_count[0])
    assert found["confidence"].isna().all()
    np.testing.assert_allclose(
        found["centre depth [mm]"], made.centre_depth.values[0, : len(found)], atol=1.0
    )
    assert len(firing_table(made)) == found["firings"].sum()


def test_rate_and_variation_are_of_the_intervals(dataset):
    def uneven(trains, frame_rate):
        return [np.array([0.01, 0.03, 0.09]) for _ in trains]

    one = dataset.isel(sequence=[1])
    units = MotorUnits(
        np.ones((1, 12, 10), bool), np.ones((1, 80), np.float32), np.ones(1, np.float32)
    )
    row = table(to_dataset([units], uneven, one)).iloc[0]
    assert row["firing rate [Hz]"] == pytest.approx(1 / 0.04)
    assert row["CV of intervals"] == pytest.approx(0.5)
