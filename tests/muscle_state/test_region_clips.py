from __future__ import annotations

import numpy as np
import pytest

from musclelib.muscle_state.region_clips import nearest_frames


def test_frames_of_61_hz_are_taken_at_the_ticks_of_25_hz() -> None:
    times = 3.0 + np.arange(123) / 61
    places = nearest_frames(times)
    assert np.abs(times[places] - (3.0 + np.arange(len(places)) / 25)).max() <= 0.5 / 61 + 1e-9
    assert len(places) == 51
    with pytest.raises(ValueError, match="further apart"):
        nearest_frames(np.arange(20) / 10)
