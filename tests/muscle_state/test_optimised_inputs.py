from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from musclelib.muscle_state.optimised_inputs import flow, optimised_inputs
from musclelib.networks.state_cnn import StateCnn, StateCnnParameters
from musclelib.parameters import ParameterError


@pytest.fixture(scope="module")
def network() -> StateCnn:
    torch.manual_seed(0)
    built = StateCnn(StateCnnParameters("A", 2, shape=(24, 32)))
    built.standardise(torch.tensor([90.0]), torch.tensor([30.0]), torch.zeros(3), torch.ones(3))
    return built.eval()


def _response(network: StateCnn, frames: np.ndarray, layer: int) -> torch.Tensor:
    return network.responses(torch.from_numpy(frames) * 30 + 90, layer).detach()


@pytest.mark.parametrize(("layer", "unit"), [(1, 3), (2, 20), (3, 7), (4, 2)])
def test_frames_excite_their_unit_more_than_noise_or_frames_of_another(
    network: StateCnn, layer: int, unit: int
) -> None:
    frames = optimised_inputs(network, layer, unit)
    assert frames.shape == (1, 2, 24, 32)
    others = [
        np.random.default_rng(0).normal(0, frames.std(), frames.shape).astype(np.float32),
        optimised_inputs(network, layer, unit - 1),
    ]
    own, *less = (
        float(_response(network, part, layer)[0, unit].mean()) for part in (frames, *others)
    )
    assert own > 1 + max(less)
    np.testing.assert_array_equal(optimised_inputs(network, layer, unit), frames)


def test_a_place_is_excited_through_its_own_pixels(network: StateCnn) -> None:
    frames = optimised_inputs(network, 1, 3, place=(10, 20))
    outside = frames.copy()
    outside[:, :, 8:13, 18:23] = 0
    assert np.abs(outside).max() < 0.5  # what 100 iterations leave of the noise
    assert np.abs(frames).max() > 5


def test_pairs_begin_from_different_noise(network: StateCnn) -> None:
    first, second = optimised_inputs(network, 2, 0, count=2)
    assert np.abs(first - second).max() > 0.1


@pytest.mark.parametrize(
    ("layer", "unit", "message"), [(5, 0, "1 to 4"), (0, 0, "1 to 4"), (4, 3, "units 0 to 2")]
)
def test_units_that_are_not_there_are_refused(
    network: StateCnn, layer: int, unit: int, message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        optimised_inputs(network, layer, unit)


def _moved(depth: float, lateral: float, shear: float, noise: float = 0.0) -> np.ndarray:
    """Two pairs of frames; shear moves the lowest row by as much more than the highest."""
    rng = np.random.default_rng(2)
    row, column = np.mgrid[:60, :100].astype(float)
    pairs = []
    for _ in range(2):
        texture = ndimage.gaussian_filter(rng.normal(size=(100, 140)), 2)
        texture /= texture.std()
        places = [row + 20 - depth, column + 20 - lateral - shear * (row / 59 - 0.5)]
        moved = ndimage.map_coordinates(texture, places, order=3)
        pairs.append([texture[20:80, 20:120], moved])
    return np.array(pairs) + noise * rng.normal(size=(2, 2, 60, 100))


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("motion", [(0.0, 0.0, 0.0), (1.5, -2.5, 0.0), (0, 0.5, 3), (-1, 2, -2)])
def test_flow_shows_translation_and_shear(motion: tuple[float, float, float], noise: float) -> None:
    depth, lateral, shear = motion
    found = flow(_moved(*motion, noise), (5, 2))
    assert found.motion.shape == (5, 2, 2)
    np.testing.assert_allclose(found.motion[..., 0], depth, atol=0.2)
    expected = lateral + shear * (found.centre[..., 0] / 59 - 0.5)
    np.testing.assert_allclose(found.motion[..., 1], expected, atol=0.2)
    translation, apart = found.lateral()
    assert translation == pytest.approx(lateral, abs=0.1)
    assert apart == pytest.approx(shear * 48 / 59, abs=0.15)  # the outer centres are 48 px apart
    assert found.correlation.min() > 0.8


def test_frames_without_relation_have_no_correlation() -> None:
    noise = ndimage.gaussian_filter(
        np.random.default_rng(0).normal(size=(4, 2, 60, 100)), (0, 0, 1, 1)
    )
    assert np.abs(flow(noise).correlation).max() < 0.4
    assert flow(np.zeros((1, 2, 60, 100))).correlation.max() == 0


def test_blocks_too_small_to_follow_are_refused() -> None:
    with pytest.raises(ValueError, match="take fewer blocks"):
        flow(np.zeros((1, 2, 20, 20)), (6, 1))
