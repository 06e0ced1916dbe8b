import json
import os
import shutil
import signal
import subprocess
import sys

import boto3
import numpy as np
import pytest
import xarray as xr
import zarr

from musclelib import sequences
from musclelib.sequences import SequenceError


def files(store):
    return {
        path.relative_to(store): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


def test_round_trip_keeps_values_dims_and_units(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")
    back = sequences.open(tmp_path / "a.zarr")
    xr.testing.assert_identical(back.load(), dataset)
    assert back.velocity.attrs["units"] == "mm/s"


def test_chunk_is_a_clip_and_shard_a_sequence(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")
    array = zarr.open_group(tmp_path / "a.zarr")["velocity"]
    assert array.chunks == (1, 32, 12, 10)
    assert array.shards == (1, 96, 12, 10)
    assert sorted(path.name for path in (tmp_path / "a.zarr/velocity/c").iterdir()) == [
        "0",
        "1",
        "2",
    ]


def test_open_is_lazy(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")
    (tmp_path / "a.zarr/velocity/c/1/0/0/0").write_bytes(b"rubbish")
    opened = sequences.open(tmp_path / "a.zarr")  # reads no frame
    np.testing.assert_array_equal(opened.velocity[0], dataset.velocity[0])


def test_append_extends_and_refuses_what_does_not_fit(dataset, tmp_path):
    store = tmp_path / "a.zarr"
    sequences.write(dataset, store)
    sequences.append(store, dataset.isel(sequence=[1]))
    back = sequences.open(store)
    assert back.sizes["sequence"] == 4
    np.testing.assert_array_equal(back.velocity[3], dataset.velocity[1])
    before = files(store)
    with pytest.raises(
        SequenceError, match=r"velocity has shape \(80, 12, 10\) a sequence; \(40, 12, 10\)"
    ):
        sequences.append(store, dataset.isel(time=slice(40)))
    with pytest.raises(SequenceError, match="depth differs"):
        sequences.append(
            store,
            dataset.assign_coords(depth=dataset.depth + 1).assign_coords(depth=_shifted(dataset)),
        )
    assert files(store) == before


def _shifted(dataset):
    return ("depth", dataset.depth.values + 1, dataset.depth.attrs)


def test_interrupted_append_is_not_seen_and_can_be_repeated(dataset, tmp_path, monkeypatch):
    store = tmp_path / "a.zarr"
    sequences.write(dataset, store)
    put = sequences.store.put

    def dies(store, index, part):
        if index == 4:
            raise KeyboardInterrupt
        put(store, index, part)

    monkeypatch.setattr(sequences.store, "put", dies)
    with pytest.raises(KeyboardInterrupt):
        sequences.append(store, dataset)
    with pytest.warns(UserWarning, match="3 unfinished sequences"):
        assert sequences.open(store).sizes["sequence"] == 3
    monkeypatch.setattr(sequences.store, "put", put)
    with pytest.warns(UserWarning, match="unfinished"):
        sequences.append(store, dataset)
    assert sequences.open(store).sizes["sequence"] == 6
    np.testing.assert_array_equal(sequences.open(store).velocity[3:], dataset.velocity)


def test_interrupted_write_is_not_seen_and_continues_to_the_same_bytes(
    dataset, tmp_path, monkeypatch
):
    sequences.write(dataset, tmp_path / "whole.zarr")
    put = sequences.store.put
    monkeypatch.setattr(
        sequences.store,
        "put",
        lambda store, index, part: put(store, index, part) if index < 1 else 1 / 0,
    )
    with pytest.raises(ZeroDivisionError):
        sequences.write(dataset, tmp_path / "a.zarr")
    with pytest.raises(SequenceError, match="not finished"):
        sequences.open(tmp_path / "a.zarr")
    monkeypatch.setattr(sequences.store, "put", put)
    sequences.write(dataset, tmp_path / "a.zarr")
    assert files(tmp_path / "a.zarr") == files(tmp_path / "whole.zarr")


def test_write_may_be_repeated_but_never_replaces(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")
    before = (tmp_path / "a.zarr/velocity/c/0/0/0/0").stat().st_mtime_ns
    sequences.write(dataset, tmp_path / "a.zarr")
    assert (tmp_path / "a.zarr/velocity/c/0/0/0/0").stat().st_mtime_ns == before
    with pytest.raises(SequenceError, match="exists already, with other content"):
        sequences.write(dataset + 1.0, tmp_path / "a.zarr")


def test_unfinished_store_of_other_parameters_is_refused(dataset, tmp_path):
    sequences.create(tmp_path / "a.zarr", dataset, 3)
    with pytest.raises(SequenceError, match="begun with other parameters"):
        sequences.create(tmp_path / "a.zarr", dataset.assign_attrs(seed=1), 3)
    with pytest.raises(SequenceError, match="another shape"):
        sequences.create(tmp_path / "a.zarr", dataset, 4)


def test_foreign_missing_and_damaged_stores_are_named(dataset, tmp_path):
    with pytest.raises(SequenceError, match="no zarr store of that name"):
        sequences.open(tmp_path / "nothing.zarr")
    zarr.create_group(tmp_path / "foreign.zarr", attributes={"a": 1})
    with pytest.raises(SequenceError, match="not of musclelib"):
        sequences.open(tmp_path / "foreign.zarr")
    store = tmp_path / "a.zarr"
    sequences.write(dataset, store)
    shard = store / "velocity/c/1/0/0/0"
    os.truncate(shard, shard.stat().st_size // 2)
    with pytest.raises(SequenceError, match=r"velocity, sequence 1: .*"):
        sequences.check(sequences.open(store))
    shutil.rmtree(store / "velocity/c/1")  # a shard that is gone reads as NaN
    with pytest.raises(
        SequenceError, match="velocity of sequence 1 is missing, the store is damaged"
    ):
        sequences.check(sequences.open(store))
    (store / "zarr.json").write_text("{")
    with pytest.raises(SequenceError, match="cannot be read as zarr 3"):
        sequences.open(store)


def test_frames_yields_each_sequence(dataset):
    for index, block in enumerate(sequences.each(dataset)):
        np.testing.assert_array_equal(block, dataset.velocity[index])
    with pytest.raises(SequenceError, match="no variable 'intensity'"):
        next(sequences.each(dataset, "intensity"))


def test_true_velocity_is_the_sum_of_maps_times_signals(dataset):
    rng = np.random.default_rng(1)
    maps, signals = rng.standard_normal((3, 2, 12, 10)), rng.standard_normal((3, 2, 80))
    parts = {
        "true_map": (("sequence", "source", "depth", "lateral"), maps),
        "true_signal": (("sequence", "source", "time"), signals),
    }
    found = list(sequences.true_velocity(dataset.assign(parts)))
    assert len(found) == 3
    for velocity, planes, courses in zip(found, maps, signals, strict=True):
        wanted = sum(
            course[:, None, None] * plane for course, plane in zip(courses, planes, strict=True)
        )
        np.testing.assert_allclose(velocity, wanted)
    for name in parts:
        with pytest.raises(SequenceError, match=f"no variable '{name}': the true velocity"):
            next(sequences.true_velocity(dataset.assign(parts).drop_vars(name)))


def test_a_place_that_cannot_be_written_is_named(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        SequenceError, match=r"file/a.zarr: cannot be written \(Not a directory\); what is finished"
    ):
        sequences.write(dataset, tmp_path / "file" / "a.zarr")
    if sys.platform == "linux":  # closed to root as well
        with pytest.raises(SequenceError, match=r"/sys/kernel/a.zarr: cannot be written"):
            sequences.write(dataset, "/sys/kernel/a.zarr")


def test_a_full_disk_is_named_and_what_is_finished_is_used_again(dataset, tmp_path):
    """A limit on the size of files stands for a full disk: the kernel refuses the write."""
    store = tmp_path / "a.zarr"
    sequences.write(dataset, tmp_path / "whole.zarr")
    script = (
        "import resource, signal, sys; from musclelib import"
        " sequences;signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        " resource.setrlimit(resource.RLIMIT_FSIZE, (8000,"
        " 8000));sequences.write(sequences.open(sys.argv[1]).load(), sys.argv[2])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "whole.zarr", store],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert (
        f"{store}: cannot be written (File too large); what is finished stays"
        in done.stderr.splitlines()[-1]
    )
    sequences.write(dataset, store)
    assert files(store) == files(tmp_path / "whole.zarr")


@pytest.fixture
def bucket(monkeypatch):
    """An S3-compatible server on loopback, with an empty bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for key, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(key, value)
    boto3.client("s3").create_bucket(Bucket="muscle")
    yield "s3://muscle"
    server.stop()


def test_a_bucket_serves_like_a_folder(dataset, bucket):
    from musclelib.sequences.clips import Clips

    sequences.write(dataset, f"{bucket}/a.zarr")
    sequences.append(f"{bucket}/a.zarr", dataset)
    back = sequences.open(f"{bucket}/a.zarr")
    sequences.check(back)
    np.testing.assert_array_equal(back.velocity[3:], dataset.velocity)
    clip = Clips(f"{bucket}/a.zarr", standardise=False)[3]
    np.testing.assert_array_equal(clip[0], dataset.velocity[1, 32:64])
    with pytest.raises(SequenceError, match="no zarr store"):
        sequences.open(f"{bucket}/b.zarr")
    boto3.client("s3").put_object(Bucket="muscle", Key="a.zarr/notes.txt", Body=b"mine")
    with pytest.raises(
        SequenceError, match=r"a\.zarr: not only a store is in this folder, .*: notes\.txt must"
    ):
        sequences.write(dataset + 1.0, f"{bucket}/a.zarr", replace=True)
    boto3.client("s3").delete_object(Bucket="muscle", Key="a.zarr/notes.txt")
    sequences.write(dataset + 1.0, f"{bucket}/a.zarr", replace=True)
    np.testing.assert_array_equal(
        sequences.open(f"{bucket}/a.zarr").velocity, dataset.velocity + 1.0
    )


def test_nested_parameters_are_json_text(small):
    assert json.loads(small.to_json())["units"] == [2, 5]


def test_a_kill_between_an_array_and_its_values_is_mended(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "whole.zarr")
    store = tmp_path / "a.zarr"
    sequences.create(store, dataset, 3)
    shutil.rmtree(store / "time/c")  # as if killed before the coordinate's values were written
    sequences.write(dataset, store)
    assert files(store) == files(tmp_path / "whole.zarr")


def test_a_folder_with_other_files_is_left_alone(dataset, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(SequenceError, match="a folder with other files in it"):
        sequences.write(dataset, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_append_refuses_another_origin_and_more_variables(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")
    with pytest.raises(SequenceError, match="domain is 'simulated', not 'recorded'"):
        sequences.append(tmp_path / "a.zarr", dataset.assign_attrs(domain="recorded"))
    with pytest.raises(SequenceError, match="has no variable 'displacement'"):
        sequences.append(
            tmp_path / "a.zarr",
            dataset.assign(displacement=dataset.velocity.assign_attrs(units="um")),
        )


def test_truncated_grey_values_are_found(tmp_path):
    axis = np.arange(40.0)
    grey = np.random.default_rng(0).integers(0, 255, (2, 40, 40, 40), np.uint8)
    axes = {"time": axis, "depth": axis, "lateral": axis}
    made = sequences.build(
        {"intensity": grey}, **axes, domain="recorded", source="test", units={"intensity": "1"}
    )
    sequences.write(made, tmp_path / "a.zarr")
    shard = tmp_path / "a.zarr/intensity/c/1/0/0/0"
    os.truncate(shard, shard.stat().st_size // 2)
    with pytest.raises(SequenceError, match="intensity, sequence 1: cannot be read"):
        sequences.check(sequences.open(tmp_path / "a.zarr"))


def test_replace_removes_a_store_with_other_content_and_nothing_else(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")
    sequences.write(dataset + 1.0, tmp_path / "a.zarr", replace=True)
    np.testing.assert_array_equal(
        sequences.open(tmp_path / "a.zarr").velocity, dataset.velocity + 1.0
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(SequenceError, match="not a sequence store; it is left alone"):
        sequences.write(dataset, tmp_path / "mine", replace=True)
    assert (tmp_path / "mine/notes.txt").read_text() == "mine"


def test_a_slash_at_the_end_of_a_name_changes_nothing(dataset, tmp_path):
    sequences.write(dataset, f"{tmp_path}/a.zarr/")
    sequences.write(dataset + 1.0, f"{tmp_path}/a.zarr/", replace=True)
    np.testing.assert_array_equal(
        sequences.open(tmp_path / "a.zarr").velocity, dataset.velocity + 1.0
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


MINE = [
    "notes.txt",
    "velocity/notes.txt",
    "velocity/c/notes.partial",
    "mine/zarr.json",
    "mine/c/0",
    ".DS_Store",
]


@pytest.mark.parametrize("name", MINE)
def test_a_store_with_files_of_a_user_is_refused_whole(dataset, tmp_path, name):
    sequences.write(dataset, tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "a.zarr" / name).write_text("mine")
    before = files(tmp_path / "a.zarr")
    with pytest.raises(
        SequenceError, match=rf"not only a store is in this folder, .*: {name} must be moved"
    ):
        sequences.write(dataset + 1.0, tmp_path / "a.zarr", replace=True)
    assert files(tmp_path / "a.zarr") == before
    (tmp_path / "a.zarr" / name).unlink()
    sequences.write(dataset + 1.0, tmp_path / "a.zarr", replace=True)
    np.testing.assert_array_equal(
        sequences.open(tmp_path / "a.zarr").velocity, dataset.velocity + 1.0
    )


def test_a_store_behind_a_link_is_replaced_there_and_the_link_stays(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "disk" / "there.zarr")
    (tmp_path / "link.zarr").symlink_to(tmp_path / "disk" / "there.zarr")
    sequences.write(dataset + 1.0, tmp_path / "link.zarr", replace=True)
    assert (tmp_path / "link.zarr").is_symlink()
    np.testing.assert_array_equal(
        sequences.open(tmp_path / "disk" / "there.zarr").velocity, dataset.velocity + 1.0
    )
    assert sorted(path.name for path in (*tmp_path.iterdir(), *(tmp_path / "disk").iterdir())) == [
        "disk",
        "link.zarr",
        "there.zarr",
    ]


def test_links_within_a_store_lead_to_nothing_that_is_removed(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")
    shutil.move(tmp_path / "a.zarr/velocity/c/0", tmp_path / "elsewhere")
    (tmp_path / "a.zarr/velocity/c/0").symlink_to(tmp_path / "elsewhere")
    sequences.write(dataset + 1.0, tmp_path / "a.zarr", replace=True)
    assert list(files(tmp_path / "elsewhere"))
    np.testing.assert_array_equal(
        sequences.open(tmp_path / "a.zarr").velocity, dataset.velocity + 1.0
    )


@pytest.mark.parametrize("name", ["a.zarr.removed", "a.zarr.partial"])
def test_folders_beside_a_store_are_a_users(dataset, tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.txt").write_text("years")
    sequences.write(dataset, tmp_path / "a.zarr")
    sequences.write(dataset + 1.0, tmp_path / "a.zarr", replace=True)
    assert (tmp_path / name / "thesis.txt").read_text() == "years"


KILLED = """
import os, signal, sys
from musclelib import sequences

plain, left = os.{what}, [{after}]

def kills(*arguments, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*arguments, **options)

os.{what} = kills
sequences.write(sequences.open(sys.argv[1]).load(), sys.argv[2], replace=True)
"""


@pytest.mark.parametrize(
    ("what", "after"), [("remove", 1), ("remove", 4), ("rmdir", 1), ("rmdir", 9)]
)
def test_a_kill_while_a_store_is_replaced_is_mended_by_the_same_call(
    dataset, tmp_path, what, after
):
    store = tmp_path / "a.zarr"
    sequences.write(dataset, store)
    sequences.write(dataset + 1.0, tmp_path / "new.zarr")
    script = KILLED.format(what=what, after=after)
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "new.zarr", store], check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(SequenceError, match="not finished"):
        sequences.open(store)
    with pytest.raises(SequenceError, match="begun with other parameters"):
        # nor does the command that made it go on with what is left of it
        sequences.write(dataset, store)
    sequences.write(dataset + 1.0, store, replace=True)
    assert files(store) == files(tmp_path / "new.zarr")


def test_what_a_kill_left_under_a_temporary_name_goes(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")
    left = tmp_path / "a.zarr/velocity/c/0.123456.partial"
    left.write_bytes(b"half a chunk")
    mine = [
        tmp_path / "a.zarr" / name
        for name in ("notes.partial", "velocity/0.partial", "velocity/c/0.mine.partial")
    ]
    for path in mine:
        path.write_text("mine")
    sequences.finish(tmp_path / "a.zarr", dataset.sizes["sequence"])
    assert not left.exists()
    assert [path.read_text() for path in mine] == ["mine"] * 3
    np.testing.assert_array_equal(sequences.open(tmp_path / "a.zarr").velocity, dataset.velocity)
