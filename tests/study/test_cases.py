import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from musclelib import simulator
from musclelib.networks import TerritoryReader
from musclelib.networks.territory_reader import ReaderParameters
from musclelib.study.cases import run_cases

CASES = [{"method": name, "count": count} for name in ("a", "b") for count in (1, 2)]


class Counted:
    """Says which cases were computed, and stops at one of them, as a kill would."""

    def __init__(self, stop=None):
        self.computed, self.stop = [], stop

    def __call__(self, method, count):
        if (method, count) == self.stop:
            raise KeyboardInterrupt
        self.computed.append((method, count))
        return pd.DataFrame({"index": range(count), "score": np.arange(count) + 1 / 3})


def test_the_table_has_the_values_of_each_case_before_its_rows(tmp_path):
    table = run_cases(Counted(), CASES, tmp_path, None)
    assert list(table) == ["method", "count", "index", "score"]
    assert table["method"].tolist() == list("aaabbb")
    assert table["count"].tolist() == [1, 2, 2, 1, 2, 2]
    assert table["score"].tolist() == [1 / 3, 1 / 3, 4 / 3] * 2  # to the last bit


def test_a_stopped_run_goes_on_and_ends_with_the_same_table(tmp_path):
    first, second = Counted(stop=("b", 1)), Counted()
    with pytest.raises(KeyboardInterrupt):
        run_cases(first, CASES, tmp_path / "stopped", 7)
    table = run_cases(second, CASES, tmp_path / "stopped", 7)
    assert (first.computed, second.computed) == ([("a", 1), ("a", 2)], [("b", 1), ("b", 2)])
    pd.testing.assert_frame_equal(table, run_cases(Counted(), CASES, tmp_path / "whole", 7))


def test_what_is_written_when_it_stops_is_computed_again(tmp_path, monkeypatch):
    def torn(self, path, **_):
        path.write_text("index,sco")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", torn)
        with pytest.raises(KeyboardInterrupt):
            run_cases(Counted(), CASES[:1], tmp_path, None)
    again = Counted()
    assert run_cases(again, CASES[:1], tmp_path, None)["score"].tolist() == [1 / 3]
    assert again.computed == [("a", 1)]


def test_another_case_is_computed_beside_those_that_are_kept(tmp_path):
    run_cases(Counted(), CASES[:2], tmp_path, None)
    more = Counted()
    run_cases(more, CASES[:3], tmp_path, None)
    assert more.computed == [("b", 1)]


def _network(seed):
    torch.manual_seed(seed)
    return TerritoryReader(ReaderParameters())


def _file(folder, text):
    path = folder / f"{text}.safetensors"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", ["number", "parameters", "sequences", "network", "file"])
def test_a_result_of_other_parameters_data_or_weights_is_not_served(tmp_path, kind):
    small = simulator.preset("paper1", pixels=(8, 8), frames=64)
    same, other = {
        "number": lambda: (0.1, 0.2),
        "parameters": lambda: (small, small.changed(frames=96)),
        "sequences": lambda: [simulator.sequence_dataset(small, seed, 0) for seed in (1, 2)],
        "network": lambda: (_network(1), _network(2)),
        "file": lambda: (_file(tmp_path, "one"), _file(tmp_path, "two")),
    }[kind]()
    for made_from, computed in ((same, 1), (same, 0), (other, 1)):
        compute = Counted()
        run_cases(compute, CASES[:1], tmp_path / "kept", {"inputs": [made_from]})
        assert len(compute.computed) == computed


def test_no_case_gives_an_empty_table(tmp_path):
    assert run_cases(Counted(), [], tmp_path, None).empty


def test_what_has_no_digest_is_refused(tmp_path):
    with pytest.raises(TypeError, match="ndarray: no digest of it is known"):
        run_cases(Counted(), CASES, tmp_path, np.zeros(3))


def test_arrays_are_kept_as_zarr_groups_that_the_table_names(tmp_path):
    def features(store):
        return xr.Dataset({"histogram": ("bin", np.arange(3.0) * len(store))})

    table = run_cases(features, [{"store": "a"}, {"store": "bb"}], tmp_path, None)
    assert table["store"].tolist() == ["a", "bb"]
    for place, scale in zip(table["arrays"], (1, 2), strict=True):
        kept = xr.open_zarr(place, consolidated=False)
        np.testing.assert_array_equal(kept.histogram, np.arange(3) * scale)
