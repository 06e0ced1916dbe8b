import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib import __version__, sequences
from musclelib.sequences import SCHEMA, SequenceError

VELOCITY = np.zeros((2, 4, 4, 4), np.float32)


def build(variables, **changes):
    axis = np.arange(4.0)
    arguments = {
        "time": axis,
        "depth": axis,
        "lateral": axis,
        "domain": "recorded",
        "source": "test",
    }
    return sequences.build(variables, **(arguments | changes))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.rename(velocity="speed"), "none of the variables"),
        (
            lambda d: d.assign(
                velocity=d.velocity.transpose("sequence", "depth", "time", "lateral")
            ),
            "velocity: dims",
        ),
        (
            lambda d: d.assign(velocity=d.velocity.assign_attrs(units="m/s")),
            "units 'm/s', 'mm/s' is needed",
        ),
        (lambda d: d.drop_vars("depth"), r"coordinate 'depth' \[mm\] is missing"),
        (lambda d: d.assign_coords(time=d.time.assign_attrs(units="ms")), "time: units 'ms'"),
        (
            lambda d: d.isel(time=slice(None, None, -1)),
            "time: the coordinate is not finite and increasing",
        ),
        (lambda d: d.assign_attrs(domain="dreamt"), "domain 'dreamt': allowed are simulated"),
        (lambda d: d.assign_attrs(parameters={"a": 1}), "not JSON"),
        (lambda d: d.assign_attrs(parameters="{a}"), "not JSON"),
        (lambda d: d.drop_attrs(deep=False), "attribute 'domain' is missing"),
    ],
)
def test_check_names_what_is_wrong(dataset, tmp_path, change, message):
    with pytest.raises(SequenceError, match=message):
        sequences.write(change(dataset), tmp_path / "a.zarr")
    assert not (tmp_path / "a.zarr").exists()


@given(
    st.integers(0, 2),
    st.integers(0, 79),
    st.integers(0, 11),
    st.integers(0, 9),
    st.sampled_from([np.nan, np.inf]),
)
def test_check_finds_any_value_that_is_not_finite(sequence, time, depth, lateral, value):
    velocity = np.zeros((3, 80, 12, 10), np.float32)
    velocity[sequence, time, depth, lateral] = value
    axes = {"time": np.arange(80) / 512, "depth": np.arange(12.0), "lateral": np.arange(10.0)}
    bad = sequences.build({"velocity": velocity}, **axes, domain="recorded", source="test")
    where = (
        f"sequence {sequence}: 1 values are not finite, first at {{'time': {time}, 'depth':"
        f" {depth}, 'lateral'"
    )
    with pytest.raises(SequenceError) as error:
        sequences.check(bad)
    assert where in str(error.value)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"speed": np.zeros((1, 4, 4, 4))}, "unknown variable 'speed'; allowed are velocity"),
        ({"velocity": np.zeros((4, 4, 4))}, r"velocity: shape \(4, 4, 4\)"),
        ({"velocity": np.zeros((1, 5, 4, 4))}, "sizes do not agree"),
    ],
)
def test_build_refuses(variables, message):
    with pytest.raises(SequenceError, match=message):
        build(variables)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domain": "dreamt"}, "domain 'dreamt': allowed are simulated"),
        ({"parameters": "{a}"}, "not JSON"),
        ({"units": {"velocity": "m/s"}}, "units 'm/s', 'mm/s' is needed"),
        ({"depth": [0.0, 1.0, 1.0, 2.0]}, "depth: the coordinate is not finite and increasing"),
        ({"time": [0.0, 1.0, 2.0, np.nan]}, "time: the coordinate is not finite and increasing"),
        ({"lateral": np.arange(5.0)}, "sizes do not agree"),
    ],
)
def test_build_refuses_other_grids_and_attributes(changes, message):
    with pytest.raises(SequenceError, match=message):
        build({"velocity": VELOCITY}, **changes)


def test_build_gives_dims_units_and_attributes():
    grey = np.zeros(VELOCITY.shape, np.uint8)
    made = build(
        {"velocity": VELOCITY, "intensity": grey, "unit_count": [1, 2]},
        units={"intensity": "1"},
        seed=3,
    )
    assert made.velocity.dims == ("sequence", "time", "depth", "lateral")
    assert (made.velocity.units, made.intensity.units, made.intensity.dtype) == (
        "mm/s",
        "1",
        np.uint8,
    )
    assert made.unit_count.dims == ("sequence",)
    assert [made[name].units for name in ("time", "depth", "lateral")] == ["s", "mm", "mm"]
    assert made.attrs == {
        "domain": "recorded",
        "source": "test",
        "parameters": "{}",
        "seed": 3,
        "version": __version__,
    }
    assert "seed" not in build({"velocity": VELOCITY}).attrs
    assert "dB" in SCHEMA["intensity"].units  # the first is what is taken when nothing is said
    assert build({"intensity": grey}).intensity.units == "dB"


def test_nan_pads_only_where_the_schema_says():
    spikes = np.array([[[0.1, np.nan]], [[0.2, 0.3]]])
    padded = build({"velocity": VELOCITY, "firing_time": spikes})
    sequences.check(padded)
    padded["firing_time"][1, 0, 1] = np.inf
    with pytest.raises(
        SequenceError,
        match=r"firing_time, sequence 1: 1 values are not finite, first at \{'unit': 0",
    ):
        sequences.check(padded)
    sequences.check(padded, values=False)
    with pytest.raises(SequenceError, match="torque, sequence 1: 1 values"):
        sequences.check(
            build({"velocity": VELOCITY, "torque": np.array([[0.0] * 4, [0, 0, 0, np.nan]])})
        )


def test_foreign_variables_are_left_alone():
    made = build({"velocity": VELOCITY})
    made["note"] = ("sequence", np.array([np.nan, 1.0]))
    sequences.check(made)
