import numpy as np
from hypothesis import strategies as st

from musclelib.identification.firings import firings

times = st.lists(st.integers(0, 400), max_size=6, unique=True).map(
    lambda frames: np.array(frames) / 400
)


def test_firings_are_the_maxima_of_the_smoothed_train():
    rate, expected = 400, np.array([0.1, 0.22, 0.3, 0.45])
    time = np.arange(240) / rate
    train = sum(np.exp(-(((time - peak) / 0.02) ** 2)) for peak in expected)
    np.testing.assert_allclose(firings(train, rate), expected, atol=1 / rate)
    noise = np.random.default_rng(0).standard_normal(len(time)) * 0.05
    np.testing.assert_allclose(
        firings(train + noise * (train > 0.5), rate), expected, atol=2 / rate
    )


def test_maxima_below_zero_and_edges_are_no_firings():
    time = np.arange(400) / 400
    assert not len(firings(np.cos(2 * np.pi * 5 * time) - 1.5, 400))
    assert not len(firings(time, 400))
    assert not len(firings(np.zeros(100), 400))
