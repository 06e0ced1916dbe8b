from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from musclelib import simulator
from musclelib.recordings.arrays import open_array
from musclelib.recordings.echoes import velocity_recording
from musclelib.recordings.velocity_units import FACTORS, check_plausible, velocity_unit

MOVING = np.random.default_rng(3).normal(size=(40, 5, 6))  # [mm/s]


def _imported(velocity: object, unit: str | None = None) -> np.ndarray:
    made = velocity_recording(
        velocity, 500.0, np.arange(5), np.arange(6), unit=unit, filters=None, source="test"
    )  # type: ignore[arg-type]
    return np.asarray(made["velocity"].values[0])


@pytest.mark.parametrize("unit", FACTORS)
def test_velocity_in_any_unit_comes_out_in_millimetres(unit: str) -> None:
    told = xr.DataArray(MOVING / FACTORS[unit], attrs={"units": unit})
    for made in (_imported(told), _imported(told, unit), _imported(told.values, unit)):
        np.testing.assert_allclose(made, MOVING, rtol=1e-6)


def test_the_unit_of_a_file_reaches_the_sequence(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = np.round(MOVING / 1e3 / 1e-6).astype(
            np.int32
        )  # micrometres a second as counts, in m/s by the factor
        file["v"].attrs.update(units="m s-1", scale_factor=1e-6)
    opened = open_array(tmp_path / "a.h5", dims="frame depth lateral")
    np.testing.assert_allclose(_imported(opened), MOVING, atol=6e-4)
    with pytest.raises(
        ValueError, match="unit = 'mm/s', but the file says that its velocity is in 'm s-1'"
    ):
        _imported(opened, "mm/s")


@pytest.mark.parametrize(
    ("stated", "unit"),
    [
        *((name, name) for name in FACTORS),
        *(
            (text, "mm/s")
            for text in (
                "mm s-1",
                "mm s^-1",
                "mm.s-1",
                "mm*s**-1",
                "mm·s⁻¹",
                "mm/sec",
                " mm / s ",
                "",
            )
        ),
        *((text, "um/s") for text in ("µm/s", "μm s-1")),
    ],
)
def test_spellings_of_units(stated: str, unit: str) -> None:
    assert velocity_unit(None, stated) == unit


def test_units_that_are_unknown_or_contradict_each_other() -> None:
    with pytest.raises(
        ValueError, match="unit = 'km/h': allowed are 'm/s', 'cm/s', 'mm/s', 'um/s', or None"
    ):
        velocity_unit("km/h", "")
    with pytest.raises(
        ValueError, match="the file says 'counts', no known unit of velocity; give unit, one of m/s"
    ):
        velocity_unit(None, "counts")
    assert velocity_unit("cm/s", "counts") == "cm/s"
    with pytest.raises(
        ValueError, match="unit = 'cm/s', but the file says that its velocity is in 'm/s'"
    ):
        velocity_unit("cm/s", "m/s")


@pytest.mark.parametrize(
    ("factor", "unit", "likely"),
    [
        (1e-3, None, "it is likely in m/s"),
        (1e5, None, "it is likely in um/s"),
        (1e4, "m/s", "it is likely in um/s"),
        (1e12, None, "in no unit of velocity"),
        (1e-9, "m/s", "in no unit of velocity"),
    ],
)
def test_velocity_that_no_muscle_has(factor: float, unit: str | None, likely: str) -> None:
    with pytest.raises(
        ValueError, match=f"velocity read as {unit or 'mm/s'} has an RMS of .* {likely}"
    ):
        _imported(0.3 * factor * MOVING, unit)


def test_missing_pixels_marked_by_a_number_are_refused() -> None:
    marked = MOVING.copy()
    marked[:, 0, 0] = -32768
    with pytest.raises(ValueError, match=r"reaches 3\.3e\+04 mm/s"):
        _imported(marked)


def test_still_slow_and_fast_recordings_are_taken() -> None:
    assert not _imported(np.zeros((40, 5, 6))).any()
    weakest = simulator.sequence_dataset(
        simulator.preset("paper2", units=(1, 1), noise_snr=None), 0, 0
    )
    check_plausible(weakest["velocity"].values[0], "mm/s")
    check_plausible(MOVING * 777 / np.abs(MOVING).max(), "mm/s")
