import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from musclelib.training import TrainingError
from musclelib.training.watch import Table, Watch, correlation, fixed, preview


def warned(values):
    watch = Watch()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step, value in enumerate(values, 1):
            watch.losses(step, {"generators": value})
    return [str(warning.message) for warning in caught]


def test_a_loss_far_above_its_median_is_warned_of_once():
    (text,) = warned([2.0] * 30 + [21.0, 2.0, 30.0])
    assert text.startswith("step 31: the loss 'generators' is 21, more than 10 times its running median 2;")


@pytest.mark.parametrize(
    "values",
    [[2.0] * 30 + [19.0], [0.001] * 30 + [0.4], [100.0, 1.0, 1.0, 80.0], [2.0 * 0.9**step for step in range(60)]],
    ids=["nine times", "a winning discriminator", "young", "falling"],
)
def test_no_false_alarm(values):
    assert not warned(values)


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
    chosen = fixed(clips, torch.device("cpu"))
    assert chosen.shape == (2, 1, 8, 12, 8)
    assert chosen.unique().tolist() == [0, 2]


def test_a_table_resumed_drops_the_rows_of_lost_steps(tmp_path):
    path = tmp_path / "a.csv"
    table = Table(path, 0)
    for step in range(1, 6):
        table.add({"step": step, "loss": step / 4})
    with path.open("a") as file:
        file.write("1")  # a row that a killed run left unfinished
    table = Table(path, 3)
    table.add({"step": 4, "loss": 9.0})
    assert path.read_text().split() == ["step,loss", "1,0.25", "2,0.5", "3,0.75", "4,9.0"]
    Table(path, 0)  # a new run in the same folder
    assert path.read_text() == ""


def test_a_table_of_a_user_is_refused(tmp_path):
    (tmp_path / "scores.csv").write_text("student,score\nme,5\n")
    with pytest.raises(TrainingError, match=r"scores\.csv: is there, and no table of a run"):
        Table(tmp_path / "scores.csv", 0)
    assert (tmp_path / "scores.csv").read_text() == "student,score\nme,5\n"
