from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musclelib.recordings import arrays
from musclelib.recordings.arrays import open_array

SHAPE = (7, 5, 4)  # sample, element, frame: all different, so that no wrong order passes


def _echoes(dtype: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    values = rng.normal(size=SHAPE) * 100
    return (values + 1j * rng.normal(size=SHAPE) * 100 if dtype.startswith("c") else values).astype(
        dtype
    )


def _write_npy(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def _write_mat5(path: Path, array: np.ndarray) -> None:
    scipy.io.savemat(
        path,
        {"RF": array, "note": "text", "param": {"fs": 1.0}},
        do_compression=True,
        appendmat=False,
    )


def _write_mat73(path: Path, array: np.ndarray) -> None:
    """A file as of MATLAB: a block of text, then HDF5 with axes reversed and complex pairs."""
    stored = array.T
    if np.iscomplexobj(array):
        part = stored.real.dtype
        pairs = np.empty(stored.shape, [("real", part), ("imag", part)])
        pairs["real"], pairs["imag"] = stored.real, stored.imag
        stored = pairs
    with h5py.File(path, "w", userblock_size=512) as file:
        file["RF"] = stored
        file["note"] = np.frombuffer("text".encode("utf-16-le"), "u2")[:, np.newaxis]
        file["#refs#/a"] = np.zeros((1, 2, 3))
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


def _write_hdf5(path: Path, array: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("group/RF", data=array, chunks=(3, 2, 2), compression="gzip")


def _write_zarr(path: Path, array: np.ndarray) -> None:
    zarr.open_group(path, mode="w").create_array("group/RF", data=array, chunks=(3, 2, 2))


def _write_zarr_array(path: Path, array: np.ndarray) -> None:
    zarr.create_array(path, data=array)


WRITERS = [_write_npy, _write_mat5, _write_mat73, _write_hdf5, _write_zarr, _write_zarr_array]


@pytest.mark.parametrize("dtype", ["int16", "float32", "complex64", "complex128"])
@pytest.mark.parametrize("write", WRITERS)
def test_round_trip(tmp_path: Path, write: Callable[[Path, np.ndarray], None], dtype: str) -> None:
    array = _echoes(dtype)
    path = tmp_path / "recording"  # told apart by content, not by ending
    write(path, array)
    opened = open_array(path, axes="sample element frame")
    assert opened.dims == ("frame", "sample", "element")
    assert opened.dtype == array.dtype
    np.testing.assert_array_equal(opened, array.transpose(2, 0, 1))
    np.testing.assert_array_equal(opened[1:3, ::2, -1], array.transpose(2, 0, 1)[1:3, ::2, -1])


@given(
    array=hnp.arrays(np.float32, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)),
    order=st.permutations(["a", "b", "c"]),
)
def test_matlab_axes_are_those_that_matlab_shows(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, order: list[str]
) -> None:
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    _write_mat73(path, array)
    opened = open_array(path, "RF", axes="a b c", dims=" ".join(order))
    np.testing.assert_array_equal(opened, array.transpose(["abc".index(name) for name in order]))


@pytest.mark.parametrize("write", [_write_npy, _write_mat73, _write_zarr_array])
def test_opening_and_sending_reads_no_values(
    tmp_path: Path, write: Callable[[Path, np.ndarray], None]
) -> None:
    big = np.zeros((2000, 50, 20), np.float32)  # 8 MB
    path = tmp_path / "big"
    write(path, big)
    sent = pickle.dumps(open_array(path, axes="sample element frame"))
    assert len(sent) < big.nbytes / 100
    assert pickle.loads(sent)[3, :10].sum().compute() == 0


def test_only_the_blocks_asked_for_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    array = _echoes("float32")
    _write_hdf5(path, array)  # two frames to a chunk
    keys = []
    original = h5py.Dataset.__getitem__

    def spy(self: h5py.Dataset, key: tuple[slice, ...], **options: object) -> np.ndarray:
        keys.append(key)
        return original(self, key, **options)

    monkeypatch.setattr(arrays, "BLOCK_BYTES", 2 * array[..., 0].nbytes)
    opened = open_array(path, axes="sample element frame")
    monkeypatch.setattr(h5py.Dataset, "__getitem__", spy)
    opened[3].compute()
    assert keys == [(slice(0, 7), slice(0, 5), slice(2, 4))]


def test_pattern_stacks_in_natural_order(tmp_path: Path) -> None:
    path = tmp_path / "frames.h5"
    with h5py.File(path, "w") as file:
        for number in range(10, 0, -1):
            file[f"data/frame_{number}/shot_1"] = np.full((3, 6), number)
            file[f"data/frame_{number}/deep/shot_1"] = np.zeros((3, 6))
    opened = open_array(path, "data/frame_*/shot_1", axes="frame element sample")
    assert opened.shape == (10, 6, 3)
    np.testing.assert_array_equal(opened[:, 0, 0], np.arange(1, 11))


def test_pattern_leaves_no_gap(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        for number in (1, 2, 3, 5, 6):
            file[f"data/frame_{number}/shot_1"] = np.zeros((3, 6))
    with pytest.raises(
        ValueError,
        match="data/frame_5/shot_1 follows data/frame_3/shot_1, what is between is missing",
    ):
        open_array(tmp_path / "frames.h5", "data/frame_*/shot_1")


def test_pattern_needs_equal_shapes(tmp_path: Path) -> None:
    path = tmp_path / "frames.h5"
    with h5py.File(path, "w") as file:
        file["frame_1"], file["frame_2"] = np.zeros((3, 6)), np.zeros((3, 7))
    with pytest.raises(ValueError, match=r"frame_1 has shape \(3, 6\) and frame_2 has \(3, 7\)"):
        open_array(path, "frame_*")


@pytest.mark.parametrize("write", [_write_npy, _write_mat5, _write_mat73, _write_hdf5])
@pytest.mark.parametrize("kept", [0.6, 0.95])
def test_truncated_files_are_named(
    tmp_path: Path, write: Callable[[Path, np.ndarray], None], kept: float
) -> None:
    path = tmp_path / "cut.mat"
    write(path, np.random.default_rng(0).normal(size=(30, 20, 10)))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=r"cut\.mat.*truncated"):
        open_array(path).compute()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npy"):
        open_array(tmp_path / "nowhere.npy")


def test_unknown_formats(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1, 2, 3")
    with pytest.raises(ValueError, match="unknown format; allowed are npy"):
        open_array(tmp_path / "a.txt")
    with pytest.raises(ValueError, match="not a zarr store"):
        open_array(tmp_path)


@pytest.mark.parametrize("write", [_write_mat5, _write_mat73, _write_hdf5, _write_zarr])
def test_missing_variable_lists_those_there(
    tmp_path: Path, write: Callable[[Path, np.ndarray], None]
) -> None:
    write(tmp_path / "a", _echoes("float32"))
    for wrong in ("IQ", "I*"):
        with pytest.raises(ValueError, match=r"no variable 'I.'; it holds .*RF \(7, 5, 4\)"):
            open_array(tmp_path / "a", wrong)


def test_ambiguous_variable(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"I": np.zeros(SHAPE), "Q": np.zeros(SHAPE)})
    with pytest.raises(ValueError, match=r"more than one array \(I, Q\) of 3 axes"):
        open_array(tmp_path / "a.mat")
    assert open_array(tmp_path / "a.mat", "Q").shape == SHAPE
    with pytest.raises(ValueError, match="no array of 2 axes"):
        open_array(tmp_path / "a.mat", dims="time unit")


def test_wrong_axes(tmp_path: Path) -> None:
    _write_npy(tmp_path / "a.npy", np.zeros((3, 4, 5)))
    _write_hdf5(tmp_path / "a.h5", np.zeros((3, 4, 5)))
    with pytest.raises(ValueError, match="same names, each once"):
        open_array(tmp_path / "a.npy", axes="sample element time")
    with pytest.raises(ValueError, match=r"RF has 3 axes \(3, 4, 5\), but axes names 2: time unit"):
        open_array(tmp_path / "a.h5", "group/RF", dims="time unit")


def test_objects_are_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(ValueError, match="only numbers are read"):
        open_array(tmp_path / "a.npy", dims="time")
    cell = np.empty((1, 2), object)
    cell[:] = [[1, "x"]]
    scipy.io.savemat(tmp_path / "a.mat", {"cell": cell})
    with pytest.raises(ValueError, match="cell is of type cell; only numbers"):
        open_array(tmp_path / "a.mat", "cell", dims="row column")


def test_nan_is_passed_on(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([1.0, np.nan]))
    np.testing.assert_array_equal(open_array(tmp_path / "a.npy", dims="time"), [1.0, np.nan])


def test_real_muscle_frames(recording: Callable[[str], Path]) -> None:
    path = recording("plane_wave_muscle_rf/rf_dataset.hdf5")
    opened = open_array(path, "data/rf_data/frame_*/shot_1", axes="frame element sample")
    assert opened.shape == (2, 1408, 192)
    assert opened.dtype == np.float32
    frames = opened.values
    # 3 to 10 mm deep the two frames show the same muscle, and yet are not one frame twice
    shallow = frames[:, 80:260].reshape(2, -1)
    assert 0.8 < np.corrcoef(shallow)[0, 1] < 0.99
    with h5py.File(path) as file:
        np.testing.assert_array_equal(frames[1], file["data/rf_data/frame_2/shot_1"][()].T)


def test_real_disk_echoes(recording: Callable[[str], Path]) -> None:
    opened = open_array(recording("plane_wave_disk_rf/PWI_disk.mat"), axes="sample element frame")
    assert opened.name == "RF"
    assert opened.shape == (32, 334, 128)
    assert opened.dtype == np.int16
