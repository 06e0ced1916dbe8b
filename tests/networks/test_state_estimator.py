from __future__ import annotations

import pytest
import torch

from musclelib.networks import weights
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters
from musclelib.parameters import ParameterError


def _settings(**changes: object) -> StateEstimatorParameters:
    usual = {
        "shape": (32, 32),
        "pixel_size": (0.1, 0.1),
        "frame_rate": 25.0,
        "appearance": 6,
        "motion": 4,
        "signals": ("torque", "angle"),
        "components": (3, 2),
        "features": 8,
        "dilations": (1, 2),
    }
    return StateEstimatorParameters.from_dict(usual | changes)


def _sequences(count: int = 4, frames: int = 50) -> list[list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(3, 6, generator=generator)
    appearance = [torch.randn(frames, 3, generator=generator) @ mixing for _ in range(count)]
    motion = [torch.randn(frames, 4, generator=generator) for _ in range(count)]
    state = [torch.randn(frames, 2, generator=generator) for _ in range(count)]
    return [appearance, motion, state]


def test_a_frame_outside_the_reach_of_the_convolutions_changes_nothing() -> None:
    torch.manual_seed(0)
    network = StateEstimator(_settings()).eval()
    torch.nn.init.normal_(network.leave.weight)
    appearance, motion = torch.randn(1, 30, 6), torch.randn(1, 30, 4)
    before = network(appearance, motion)
    appearance[0, 10] += 1
    changed = (network(appearance, motion).state != before.state).any(dim=2)[0]
    assert changed.nonzero()[:, 0].tolist() == list(range(7, 14))  # 1 + 2 frames to either side


def test_components_of_the_training_set_have_unit_mean_squares_and_do_not_correlate() -> None:
    network = StateEstimator(_settings())
    appearance, motion, state = _sequences()
    network.fit(appearance, motion, state)
    frames = torch.cat(appearance) - torch.cat(appearance).mean(dim=0)
    components = frames @ network.appearance_axes.T
    torch.testing.assert_close(
        components.T @ components / len(frames), torch.eye(3), atol=1e-4, rtol=0
    )


def test_frames_outside_the_space_of_the_training_frames_are_new() -> None:
    network = StateEstimator(_settings())
    appearance, motion, state = _sequences()
    noisy = [one + 0.1 * torch.randn_like(one) for one in appearance]
    network.fit(noisy, motion, state)
    known = network.novelty(noisy[0][None])
    assert 0.3 < known.mean() < 3
    assert network.novelty(torch.randn(1, 20, 6) * 5).min() > 3 * known.mean()


def test_axes_and_moments_travel_with_the_weights(tmp_path) -> None:
    network = StateEstimator(_settings()).eval()
    appearance, motion, state = _sequences()
    network.fit(appearance, motion, state)
    weights.save(network, tmp_path / "a.safetensors")
    back = weights.load(tmp_path / "a.safetensors", StateEstimator)
    batch = appearance[0][None], motion[0][None]
    torch.testing.assert_close(back(*batch).state, network(*batch).state)
    torch.testing.assert_close(back.novelty(batch[0]), network.novelty(batch[0]))
    torch.testing.assert_close(back.state_sd, torch.cat(state).std(dim=0))
    assert back.settings == network.settings


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"7 of appearance; allowed are at most its 6"):
        _settings(components=(7, 2))
    with pytest.raises(ParameterError, match="one or more are needed"):
        _settings(signals=())
