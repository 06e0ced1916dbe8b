from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib.recordings.frame_times import frame_times


@given(
    rate=st.floats(1, 200),
    count=st.integers(2, 400),
    start=st.floats(0, 100),
    tick=st.sampled_from([1e-3, 1e-5]),
)
def test_even_times_are_those_of_the_header(
    rate: float, count: int, start: float, tick: float
) -> None:
    stated = np.round((start + np.arange(count) / rate) / tick) * tick
    time, found = frame_times(stated, rate, None)
    assert found == rate
    np.testing.assert_array_equal(time, np.arange(count) / rate)


@given(rate=st.floats(5, 60), count=st.integers(30, 400))
def test_a_wrong_header_gives_way_to_even_times(rate: float, count: int) -> None:
    stated = np.round(np.arange(count) / rate, 2)  # as in GIF
    assert frame_times(stated, 1.5 * rate, None)[1] == pytest.approx(rate, rel=0.02)


@given(place=st.integers(1, 97), count=st.integers(1, 20))
def test_a_dropped_frame_leaves_its_gap(place: int, count: int) -> None:
    stated = np.delete(np.arange(100.0 + count), np.arange(place, place + count)) / 61
    time, rate = frame_times(stated, 61.0, None)
    np.testing.assert_allclose(time, stated)
    assert rate == pytest.approx(99 * 61 / (99 + count))
    with pytest.raises(
        ValueError, match=r"its frames are 16\.4 to .* ms apart, which no frame_rate describes"
    ):
        frame_times(stated, 61.0, 61.0)


def test_the_rate_of_the_user_takes_the_place_of_an_even_one() -> None:
    """A slow-motion video, taken at 240 Hz and played at 30."""
    time, rate = frame_times(np.arange(50) / 30, 30.0, 240.0)
    assert rate == 240
    np.testing.assert_array_equal(time, np.arange(50) / 240)


def test_times_that_are_not_stated() -> None:
    none = np.full(5, np.nan)
    np.testing.assert_array_equal(frame_times(none, 20.0, None)[0], np.arange(5) / 20)
    np.testing.assert_array_equal(frame_times(none, np.nan, 10.0)[0], np.arange(5) / 10)
    some = np.array([0.1, 0.15, 0.2, np.nan, np.nan])
    np.testing.assert_array_equal(frame_times(some, 20.0, None)[0], np.arange(5) / 20)
    some[2] = 0.4
    with pytest.raises(ValueError, match="not even, and the times of some are not stated"):
        frame_times(some, 20.0, None)


@pytest.mark.parametrize("header", [np.nan, 0.0, np.inf])
def test_no_usable_rate(header: float) -> None:
    with pytest.raises(ValueError, match="no usable frame rate"):
        frame_times(np.full(5, np.nan), header, None)
    with pytest.raises(ValueError, match=r"no usable frame rate \(-5\.0 Hz\)"):
        frame_times(np.arange(5) / 20, 20.0, -5.0)


def test_times_that_do_not_ascend_state_nothing() -> None:
    stated = np.array([0.0, 0.2, 0.1, 0.3])
    with pytest.raises(ValueError, match="no usable frame rate"):
        frame_times(stated, 10.0, None)
    np.testing.assert_array_equal(frame_times(stated, 10.0, 10.0)[0], np.arange(4) / 10)
