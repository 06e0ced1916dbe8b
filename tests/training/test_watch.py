import warnings

import pytest

from musclelib.training import TrainingError
from musclelib.training.watch import Table, Watch


def warned(values):
    watch = Watch()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step, value in enumerate(values, 1):
            watch.losses(step, {"generators": value})
    return [str(warning.message) for warning in caught]


def test_a_loss_far_above_its_median_is_warned_of_once():
    (text,) = warned([2.0] * 30 + [21.0, 2.0, 30.0])
    assert text.startswith(
        "step 31: the loss 'generators' is 21, more than 10 times its running median 2;"
    )


@pytest.mark.parametrize(
    "values",
    [
        [2.0] * 30 + [19.0],
        [0.001] * 30 + [0.4],
        [100.0, 1.0, 1.0, 80.0],
        [2.0 * 0.9**step for step in range(60)],
    ],
    ids=["nine times", "a winning discriminator", "young", "falling"],
)
def test_no_false_alarm(values):
    assert not warned(values)


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


def test_a_row_with_another_column_is_refused_and_one_that_lacks_one_is_not(tmp_path):
    table = Table(tmp_path / "a.csv", 0)
    table.add({"step": 1, "critic": 0.5, "generator": 2.0})
    table.add({"step": 2, "critic": 0.25})
    with pytest.raises(TrainingError, match="step 3 has a value 'other' that the first row"):
        table.add({"step": 3, "other": 1.0})
    Table(tmp_path / "a.csv", 2).add({"step": 3, "critic": 0.125, "generator": 1.0})
    rows = ["step,critic,generator", "1,0.5,2.0", "2,0.25,", "3,0.125,1.0"]
    assert (tmp_path / "a.csv").read_text().split() == rows


def test_a_table_of_a_user_is_refused(tmp_path):
    (tmp_path / "scores.csv").write_text("student,score\nme,5\n")
    with pytest.raises(TrainingError, match=r"scores\.csv: is there, and no table of a run"):
        Table(tmp_path / "scores.csv", 0)
    assert (tmp_path / "scores.csv").read_text() == "student,score\nme,5\n"
