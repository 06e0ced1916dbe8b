import numpy as np
import pytest

from musclelib import sequences, simulator


@pytest.mark.parametrize(
    ("rate", "pixels", "size"), [(400.0, (64, 64), (40.0, 40.0)), (512.0, (32, 48), (20.0, 40.0))]
)
def test_rate_and_spacing_are_those_of_the_simulation(rate, pixels, size):
    parameters = simulator.preset("paper2", frame_rate=rate, frames=64, pixels=pixels, size=size)
    dataset = simulator.sequence_dataset(parameters, 0, 0)
    assert sequences.frame_rate(dataset) == pytest.approx(rate, rel=1e-9)
    np.testing.assert_allclose(sequences.pixel_size(dataset), np.divide(size, pixels))


def test_one_row_of_pixels_has_no_size():
    dataset = simulator.sequence_dataset(simulator.preset("paper2", frames=64), 0, 0).isel(
        lateral=[0]
    )
    with pytest.raises(sequences.SequenceError, match="lateral: has one pixel"):
        sequences.pixel_size(dataset)


def test_frames_that_are_not_even_have_no_rate():
    dataset = simulator.sequence_dataset(simulator.preset("paper2", frames=64), 0, 0)
    rate, time = sequences.frame_rate(dataset), dataset.time.values
    rounded = dataset.assign_coords(
        time=("time", time.astype(np.float32).astype(float), dataset.time.attrs)
    )
    assert sequences.frame_rate(rounded) == pytest.approx(rate, rel=1e-5)
    rng = np.random.default_rng(0)
    jitter = dataset.assign_coords(
        time=("time", time + rng.uniform(-0.04, 0.04, 64) / rate, dataset.time.attrs)
    )
    assert sequences.frame_rate(jitter) == pytest.approx(rate, rel=2e-3)
    with pytest.raises(
        sequences.SequenceError, match=r"time: frames are not even, one stands 0\.49 frames off"
    ):
        sequences.frame_rate(dataset.isel(time=np.delete(np.arange(64), 32)))
    with pytest.raises(
        sequences.SequenceError, match=r"time: frames are not even, one stands \d+ frames off"
    ):
        sequences.frame_rate(dataset.isel(time=[*range(32), *range(32, 64, 4)]))


def test_one_frame_has_no_rate():
    dataset = simulator.sequence_dataset(simulator.preset("paper2", frames=64), 0, 0).isel(time=[0])
    with pytest.raises(sequences.SequenceError, match="time: has one frame"):
        sequences.frame_rate(dataset)
