import pytest
import torch

from musclelib.translation.models.one_sided import OneSided, OneSidedParameters

TINY = OneSidedParameters(features=4, discriminator_features=4)


@pytest.fixture
def clips():
    return torch.randn(2, 1, 12, 32, 16, generator=torch.Generator().manual_seed(0))


def test_variance_maps_are_judged_by_place_not_by_gain(clips):
    torch.manual_seed(0)
    judge = OneSided(TINY).discriminator_map.eval()
    torch.testing.assert_close(judge(3 * clips), judge(clips), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(
        judge(clips * torch.linspace(0, 2, 32)[:, None]), judge(clips), atol=1e-3
    )
