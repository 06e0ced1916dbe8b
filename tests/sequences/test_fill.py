import pytest
import xarray as xr

from musclelib import sequences, simulator
from musclelib.sequences import SequenceError


def fill(store, dataset, stop=None, **changes):
    """Fill a store with a data set's sequences, or with the first ones that it lacks."""
    attributes = {"seed": dataset.attrs["seed"], "domain": "simulated"}
    count = dataset.sizes["sequence"]
    missing = sequences.missing(
        store, count, attributes, lambda: dataset.isel(sequence=[0]), **changes
    )
    for index in missing[:stop]:
        sequences.put(store, index, dataset.isel(sequence=[index]))
    if missing and stop is None:
        sequences.finish(store, count)
    return missing


@pytest.fixture
def whole(small):
    made = [simulator.sequence_dataset(small, 0, index) for index in range(3)]
    return xr.concat(made, "sequence", data_vars="minimal", coords="minimal", compat="override")


def test_a_store_that_was_left_goes_on_with_what_it_lacks(tmp_path, whole):
    store = tmp_path / "a.zarr"
    assert fill(store, whole, stop=1) == [0, 1, 2]
    assert fill(store, whole, stop=1) == [1, 2]
    assert fill(store, whole) == [2]
    assert sequences.open(store).velocity.equals(whole.velocity)


def test_a_finished_store_is_not_laid_out_again(tmp_path, whole):
    store = tmp_path / "a.zarr"
    fill(store, whole)

    def never():
        raise AssertionError("made a template of a finished store")

    assert sequences.missing(store, 3, {"seed": 0}, never) == []


def test_a_store_killed_before_it_was_declared_is_finished(tmp_path, whole):
    store = tmp_path / "a.zarr"
    fill(store, whole, stop=3)
    with pytest.raises(SequenceError, match="not finished"):
        sequences.open(store)
    assert fill(store, whole) == []
    assert sequences.open(store).sizes["sequence"] == 3


def test_a_store_of_something_else_is_refused_or_replaced(tmp_path, whole):
    store = tmp_path / "a.zarr"
    fill(store, whole)
    other = whole.assign_attrs(seed=1)
    with pytest.raises(SequenceError, match=r"a\.zarr: exists already, .* \(by its seed\)"):
        fill(store, other)
    assert fill(store, other, replace=True) == [0, 1, 2]
    assert sequences.open(store).attrs["seed"] == 1
