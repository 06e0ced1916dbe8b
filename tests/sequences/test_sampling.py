import numpy as np
import pytest

from musclelib import sequences, simulator


@pytest.mark.parametrize(("rate", "pixels", "size"), [(400.0, (64, 64), (40.0, 40.0)), (512.0, (32, 48), (20.0, 40.0))])
def test_rate_and_spacing_are_those_of_the_simulation(rate, pixels, size):
    parameters = simulator.preset("paper2", frame_rate=rate, frames=64, pixels=pixels, size=size)
    dataset = simulator.sequence_dataset(parameters, 0, 0)
    assert sequences.frame_rate(dataset) == pytest.approx(rate, rel=1e-9)
    np.testing.assert_allclose(sequences.pixel_size(dataset), np.divide(size, pixels))


def test_one_row_of_pixels_has_no_size():
    dataset = simulator.sequence_dataset(simulator.preset("paper2", frames=64), 0, 0).isel(lateral=[0])
    with pytest.raises(sequences.SequenceError, match="lateral: has one pixel"):
        sequences.pixel_size(dataset)
