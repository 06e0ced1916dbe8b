import pytest
import torch
from torch import nn

from musclelib.networks.unet_predictor import Predictor


class Nested(nn.Module):
    """One level of the published U-Net around the next, outermost first."""

    def __init__(self, outside, inside, given, inner, outermost=False):
        super().__init__()
        self.down = nn.Conv2d(given, inside, 4, 2, 1)
        self.up = nn.ConvTranspose2d(inside * (2 if inner else 1), outside, 4, 2, 1)
        self.inner, self.outermost = inner, outermost
        self.norm_down = nn.Identity() if outermost or not inner else nn.InstanceNorm2d(inside)
        self.norm_up = nn.Identity() if outermost else nn.InstanceNorm2d(outside)

    def forward(self, x):
        y = self.norm_down(self.down(x if self.outermost else nn.functional.leaky_relu(x, 0.2)))
        y = self.inner(y) if self.inner else y
        y = self.norm_up(self.up(torch.relu(y)))
        return y if self.outermost else torch.cat([x, y], 1)


def test_forward_is_that_of_the_published_u_net():
    f, ours = 2, Predictor(2, limit=1.0)
    theirs = Nested(8 * f, 8 * f, 8 * f, None)
    theirs = Nested(4 * f, 8 * f, 4 * f, theirs)
    theirs = Nested(2 * f, 4 * f, 2 * f, theirs)
    theirs = Nested(f, 2 * f, f, theirs)
    theirs = level = Nested(1, f, 2, theirs, outermost=True)
    for down, up in zip(ours.down, ours.up, strict=True):
        level.down, level.up, level = down, up, level.inner
    pair = torch.randn(3, 1, 2, 32, 64, dtype=torch.float64)
    expected = torch.tanh(theirs.double()(pair[:, 0]))
    got = ours.double()(pair)
    assert expected.std() > 0.01
    torch.testing.assert_close(got, expected[:, :, None], atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 1, 2, 48, 32), "depth of 48; a multiple of 32"),
        ((1, 1, 3, 32, 32), "3 frames; 2 are needed"),
        ((1, 1, 1, 32, 32), "time of 1"),
    ],
)
def test_wrong_sizes_are_refused(shape, words):
    with pytest.raises(ValueError, match=words):
        Predictor(1, None)(torch.zeros(shape))
