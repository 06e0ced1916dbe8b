from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.recordings.series import check_series, natural_order


def _check(names: list[str]) -> None:
    check_series(sorted(names, key=natural_order), "here")


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_natural_order_is_that_of_the_numbers(numbers: list[int]) -> None:
    names = [f"img_{number}.png" for number in numbers]
    assert sorted(names, key=natural_order) == [f"img_{number}.png" for number in sorted(numbers)]


@given(first=st.integers(0, 2000), count=st.integers(1, 30), width=st.integers(0, 5))
def test_numbers_that_go_up_by_one(first: int, count: int, width: int) -> None:
    _check([f"p6_scan_{number:0{width}d}" for number in range(first, first + count)])


@given(
    count=st.integers(5, 30),
    data=st.data(),
    before=st.sampled_from(["", "p6_scan_", "20240101_120000_", "data/frame_"]),
)
def test_any_gap_is_found(count: int, data: st.DataObject, before: str) -> None:
    missing = data.draw(st.integers(1, count - 2))
    names = [f"{before}{number:04d}" for number in range(count) if number != missing]
    with pytest.raises(
        ValueError,
        match=f"here: {before}{missing + 1:04d} follows {before}{missing - 1:04d}, what is",
    ):
        _check(names)


def test_a_gap_in_the_only_number_that_varies() -> None:
    names = [f"data/frame_{number}/shot_1" for number in (1, 2, 3, 5, 6)]
    with pytest.raises(ValueError, match="data/frame_5/shot_1 follows data/frame_3/shot_1"):
        _check(names)
    _check([f"data/frame_{frame}/shot_{shot}" for frame in (1, 2, 3) for shot in (1, 2)])
    with pytest.raises(ValueError, match="frame_2/shot_3 follows frame_2/shot_1"):
        _check(
            [
                f"frame_{frame}/shot_{shot}"
                for frame in (1, 2)
                for shot in (1, 2, 3)
                if (frame, shot) != (2, 2)
            ]
        )


@pytest.mark.parametrize("step", [2, 30])
def test_every_so_many_frames(step: int) -> None:
    names = [f"{number:03d}" for number in range(2, 400, step)]
    with pytest.raises(
        ValueError,
        match=rf"here: numbers go up by {step} \(002, {2 + step:03d}\); .* own frame rate",
    ):
        _check(names)
    with pytest.raises(ValueError, match=f"numbers go up by {step}"):
        _check([*names[:4], *names[5:]])


def test_a_frame_that_is_there_twice() -> None:
    with pytest.raises(ValueError, match="here: frame_1 is there twice"):
        _check([f"frame_{number}" for number in (1, 1, 2, 2)])  # as .png and .tif


@given(rate=st.floats(3, 200), minute=st.integers(0, 58))
def test_clock_times_are_no_counters(rate: float, minute: int) -> None:
    start = datetime(2024, 1, 1, 12, minute, 57)
    # from one minute to the next
    times = [start + timedelta(seconds=number / rate) for number in range(int(6 * rate))]
    _check([f"{time:%Y%m%d_%H%M%S}.{time.microsecond // 1000:03d}" for time in times])
    _check([f"{time:%Y-%m-%d %H-%M-%S}_{time.microsecond:06d}" for time in times])
    _check([str(int(1000 * time.timestamp())) for time in times])


def test_steps_that_no_counter_makes() -> None:
    _check([f"t{time}" for time in (0, 33, 66, 100, 133, 166, 200)])  # [ms], 30 frames a second


def test_names_without_an_order_are_left_alone() -> None:
    _check(["liver", "muscle", "tendon"])
    _check(["one"])
    _check(["a3f9", "77b1", "0042", "1c4e", "c01d", "9313"])  # two of them look like numbers


def test_a_few_other_names_hide_no_gap() -> None:
    with pytest.raises(ValueError, match="005 follows 003"):
        _check(["000", "001", "002", "003", "005", "overview", "scale_2"])
