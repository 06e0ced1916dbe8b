from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from musclelib.recordings.tibialis import read_tibialis

UNITS = {"Torque": "Nm", "Angle": "Deg", "EMG_TA": "V"}


def _signals(path: Path, frames: int = 5, **changes: object) -> Path:
    """Write a file as the public set has them, with one value changed."""
    with h5py.File(path, "w") as file:
        for number, (channel, unit) in enumerate(UNITS.items()):
            unit = str(changes.get(f"unit_{channel}", unit))
            file[f"{channel}/units"] = np.array([[ord(letter)] for letter in unit], np.uint16)
            file[f"{channel}/values"] = (np.arange(400.0) + number)[None]
            file[f"{channel}/start"] = [[changes.get(f"start_{channel}", 0.0002 + 1e-5 * number)]]
            file[f"{channel}/interval"] = [[0.0005]]
        if frames:
            file["US/times"] = (0.05 + 0.03 * np.arange(frames))[None]
        else:
            file["US/times"] = np.array([0, 0], np.uint64)
            file["US/times"].attrs["MATLAB_empty"] = 1
    return path


def _tracks(path: Path, frames: int = 5) -> Path:
    region = np.zeros(2, dtype=[("FL", object), ("PEN", object)])
    for number in range(2):
        region[number] = (60.0 + np.arange(frames) + number, np.full(frames, 0.2))
    scipy.io.savemat(path, {"Fdat": {"Region": region}})
    return path


def test_a_trial_is_read_as_it_was_written(tmp_path: Path) -> None:
    trial = read_tibialis(_signals(tmp_path / "a.mat"), _tracks(tmp_path / "b.mat"))
    np.testing.assert_allclose(trial.time, 0.0002 + 0.0005 * np.arange(400))
    np.testing.assert_array_equal(trial.angle, np.arange(400) + 1)
    np.testing.assert_allclose(trial.frame_time, [0.05, 0.08, 0.11, 0.14, 0.17])
    np.testing.assert_array_equal(trial.fascicle_length[1], [61, 62, 63, 64, 65])
    np.testing.assert_allclose(trial.pennation, np.degrees(0.2))
    units = ("N m", "deg", "V", "mm", "deg")
    names = ("torque", "angle", "emg", "fascicle_length", "pennation")
    assert tuple(trial[name].units for name in names) == units


def test_a_trial_without_video_has_signals_alone(tmp_path: Path) -> None:
    assert set(read_tibialis(_signals(tmp_path / "a.mat", frames=0))) == {"torque", "angle", "emg"}
    with pytest.raises(ValueError, match=r"has 5 frames, but .* the times of 0"):
        read_tibialis(_signals(tmp_path / "a.mat", frames=0), _tracks(tmp_path / "b.mat"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit_Torque": "kg"}, "Torque is in 'kg'; 'Nm' is needed"),
        ({"unit_EMG_TA": "mV"}, "EMG_TA is in 'mV'; 'V' is needed"),
        ({"start_Angle": 0.01}, "do not share a clock"),
    ],
)
def test_units_and_clocks_are_checked(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_tibialis(_signals(tmp_path / "a.mat", **changes))  # type: ignore[arg-type]


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    good, text = _signals(tmp_path / "a.mat"), tmp_path / "text.mat"
    text.write_text("torque")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.mat"):
        read_tibialis(tmp_path / "none.mat")
    with pytest.raises(ValueError, match="not laid out as a trial"):
        read_tibialis(text)
    with pytest.raises(ValueError, match="holds no tracked fascicles"):
        read_tibialis(good, text)
    with h5py.File(tmp_path / "c.mat", "w") as file:
        file["Torque"] = 1.0
    with pytest.raises(ValueError, match="not laid out as a trial"):
        read_tibialis(tmp_path / "c.mat")


def test_real_trials_have_the_ranges_that_were_seen(recording: Callable[[str], Path]) -> None:
    folder = "ta_torque_angle_emg"
    trial = read_tibialis(
        recording(f"{folder}/Ref_Long_01.mat"),
        recording(f"{folder}/US_Data/Fas_Data/Ref_Long_01.mat"),
    )
    assert trial.sizes == {"time": 34_000, "frame": 500, "region": 2}
    assert np.diff(trial.frame_time).mean() == pytest.approx(0.03, rel=0.01)
    assert 70 < trial.fascicle_length.min() < trial.fascicle_length.max() < 85
    assert 5 < trial.pennation.min() < trial.pennation.max() < 20
    passive = read_tibialis(recording(f"{folder}/Pas_Long2Sho.mat"))
    assert passive.emg.std() < 0.005  # relaxed
    assert trial.emg.std() > 0.1
    assert float(passive.angle.min()) == pytest.approx(-19.8, abs=0.1)
