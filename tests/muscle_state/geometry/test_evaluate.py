"""Accuracy against observers: what is summed up, and that sets which are missing are left out."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest

from musclelib.muscle_state.geometry import (
    accuracy,
    evaluate,
    make_examples,
    public_images,
    vastus_lateralis,
)


def test_errors_of_a_set_become_root_mean_squares_with_intervals():
    rng = np.random.default_rng(0)
    errors = pd.DataFrame(
        {
            "participant": np.repeat(["a", "b", "c", "d"], 5),
            "set": "thigh",
            "name": np.arange(20),
            "method": "ours",
            "angle": rng.normal(1, 2, 20),
            "thickness": np.nan,
            "length": np.append(rng.normal(0, 3, 19), np.nan),
        }
    )
    row = accuracy(errors).iloc[0]
    assert row["rmse_angle_deg"] == pytest.approx(np.sqrt((errors["angle"] ** 2).mean()))
    known = errors["length"].dropna()
    assert row["rmse_length_mm"] == pytest.approx(np.sqrt((known**2).mean()))
    assert row["bias_length_mm"] == pytest.approx(known.mean())
    assert np.isnan(row["rmse_thickness_mm"])
    assert row["images"] == 20
    low, high = map(float, row["interval_angle_deg"].split(" to "))
    assert low < row["rmse_angle_deg"] < high


def test_intervals_draw_participants_and_not_their_images():
    """Repeating every image of a participant makes no interval narrower."""
    errors = pd.DataFrame(
        {
            "participant": ["a", "b", "c"],
            "set": "thigh",
            "name": ["1", "2", "3"],
            "method": "ours",
            "angle": [0.5, 1.0, 3.0],
            "thickness": np.nan,
            "length": np.nan,
        }
    )
    many = pd.concat([errors] * 10, ignore_index=True)
    once, repeated = (accuracy(table)["interval_angle_deg"][0] for table in (errors, many))
    assert once == repeated


def test_sets_that_are_missing_are_left_out_with_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MUSCLELIB_DATA", str(tmp_path))
    assert public_images() == []
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "vastus lateralis",
        "lateral gastrocnemius",
        "clip frames",
    ]
    assert all("left out" in line and "MUSCLELIB_DATA" in line for line in said)


@pytest.mark.slow
def test_a_participant_is_measured_by_choices_of_the_others(data_mirror):
    images = list(islice(vastus_lateralis(), 0, 54, 6))
    person = images[0].participant
    errors = evaluate(person, images, make_examples(images))
    own = sum(image.participant == person for image in images)
    assert list(errors["method"].unique()) == [
        "ours",
        "structure tensor",
        "observer 1",
        "observer 2",
        "observer 3",
    ]
    assert len(errors) == 5 * own
    size = errors["angle"].abs().groupby(errors["method"]).mean()
    assert size["ours"] < 4
    assert size["ours"] < size["structure tensor"]
    assert errors["length"].isna().all()  # the size of a pixel is not known
