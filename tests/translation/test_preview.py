import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from musclelib.translation.preview import correlation, fixed, preview


def test_correlation():
    x = torch.randn(2, 1, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    assert correlation(x, 3 * x + 2) == pytest.approx(1)
    assert correlation(x, -x) == pytest.approx(-1)
    assert correlation(x, torch.ones_like(x)) == 0
    y = torch.randn(2, 1, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    assert correlation(x, y) == pytest.approx(np.corrcoef(x.flatten(), y.flatten())[0, 1])


def test_preview_draws_inputs_beside_translations(tmp_path):
    class Louder(nn.Module):
        def forward(self, x):
            return -3 * x

    clips = torch.randn(2, 1, 8, 12, 10)
    directions = {"A to B": (nn.Identity(), clips), "B to A": (Louder(), clips)}
    contents = preview(directions, tmp_path / "new/a.png")
    assert contents == {"A to B": pytest.approx(1), "B to A": pytest.approx(-1)}
    del directions["B to A"]
    assert preview(directions, tmp_path / "new/b.png") == {"A to B": pytest.approx(1)}
    heights = []
    for name in "ab":
        with Image.open(tmp_path / f"new/{name}.png") as image:
            heights.append(image.height)
    assert heights[0] == pytest.approx(2 * heights[1], rel=0.01)


def test_fixed_clips_are_cut_to_multiples_of_4():
    clips = [torch.full((1, 8, 13, 10), float(number)) for number in range(5)]
    chosen = fixed(clips)
    assert chosen.shape == (2, 1, 8, 12, 8)
    assert chosen.unique().tolist() == [0, 2]
