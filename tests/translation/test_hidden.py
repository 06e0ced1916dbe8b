import numpy as np
import pytest
import torch
from torch import nn

from musclelib.translation.hidden import hidden_information


class Writer(nn.Module):
    """Writes the source, scaled, on top of stripes.

    Or, with a factor above 1, reads it from there.
    """

    multiple, smallest, reach = (1, 1, 1), (1, 1, 1), 0

    def __init__(self, factor, offset):
        super().__init__()
        self.factor, self.offset = nn.Parameter(torch.tensor(factor)), offset

    def forward(self, x):
        stripes = torch.arange(x.shape[-1], dtype=x.dtype) % 2 * self.offset
        return self.factor * x + stripes if self.factor < 1 else self.factor * (x - stripes)


def pair(factor, offset):
    return Writer(factor, offset), Writer(1 / factor, offset)


def test_noise_spoils_what_is_hidden_and_leaves_what_is_seen():
    velocity = np.random.default_rng(1).standard_normal((8, 16, 16), dtype=np.float32)
    seen = hidden_information(*pair(0.5, 0.0), velocity, (0.0, 0.03))
    hidden = hidden_information(*pair(0.001, 10.0), velocity, (0.0, 0.03))
    assert seen.loc[0.0, "Error"] < 0.01
    # the noise comes back as it was added
    assert seen.loc[0.03, "Error"] == pytest.approx(0.03, rel=0.1)
    assert seen.loc[0.03, "Correlation"] > 0.99
    assert hidden.loc[0.0, "Error"] < 0.01
    assert hidden.loc[0.03, "Error"] > 10
    assert abs(hidden.loc[0.03, "Correlation"]) < 0.2
