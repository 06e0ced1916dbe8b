from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclelib import sequences
from musclelib.acquisition import (
    FilterParameters,
    Gate,
    Recording,
    demodulate,
    estimate_velocity,
    images,
)
from musclelib.recordings.arrays import open_array
from musclelib.recordings.echoes import echo_sequence, velocity_recording

RECORDING = Recording(
    centre_frequency=5e6, sampling_rate=20e6, element_count=32, pitch=0.3, prf=1000.0
)
DEPTH, LATERAL = 5 + np.arange(64) * 0.1, np.arange(8) * 0.3
SMALL = FilterParameters(shape=(256, 16, 12))
RATE = 1000.0


@pytest.fixture(scope="module")
def iq() -> np.ndarray:
    """Beamformed speckle that trembles as a whole with 3 um at 20 Hz, 0.6 s at 1 kHz."""
    rng = np.random.default_rng(1)
    wavenumber = 2 * np.pi * np.fft.fftfreq(64, 0.1)[:, None]  # deviation from the carrier [rad/mm]
    spectrum = (rng.normal(size=(64, 8)) + 1j * rng.normal(size=(64, 8))) * np.exp(
        -((wavenumber / 6) ** 2)
    )
    towards = _towards(np.arange(600) / RATE)[:, None, None]
    turn = np.exp(1j * (RECORDING.axial_wavenumber + wavenumber) * towards)
    return np.fft.ifft(turn * spectrum, axis=1).astype(np.complex64)


def _towards(time: np.ndarray) -> np.ndarray:
    return -3e-3 * np.cos(2 * np.pi * 20 * time)  # [mm], positive towards the probe


def _speed(time: np.ndarray) -> np.ndarray:
    return 3e-3 * 2 * np.pi * 20 * np.sin(2 * np.pi * 20 * time)  # [mm/s]


def _echoes(
    data: np.ndarray,
    recording: Recording = RECORDING,
    filters: FilterParameters | None = None,
    **changes,
):  # type: ignore[no-untyped-def]
    arguments = {"kind": "image iq", "gate": Gate(), "source": "test", "filters": filters}
    return echo_sequence(data, recording, DEPTH, LATERAL, **(arguments | changes))


def test_velocity_at_the_prf_stands_beside_the_bmode(iq: np.ndarray) -> None:
    gate = Gate(ensemble=2)
    made = _echoes(iq, gate=gate)
    sequences.check(made)
    estimated = estimate_velocity(iq, RECORDING, DEPTH, LATERAL, kind="image iq", gate=gate)
    np.testing.assert_array_equal(made["velocity"][0], estimated)
    np.testing.assert_array_equal(made["time"], estimated["time"])
    assert made["velocity"].shape == made["intensity"].shape == (1, 598, 18, 8)
    assert made["intensity"].units == "dB"
    assert -60 <= float(made["intensity"].min()) < float(made["intensity"].max()) <= 0
    # brightness is that of the pixel at each gate's centre: the envelope of the frame, in decibel
    column = np.abs(made["depth"].values[:, None] - DEPTH).argmin(axis=1)
    level = 20 * np.log10(np.abs(iq[0, column, 3]))
    np.testing.assert_allclose(np.diff(made["intensity"][0, 0, :, 3]), np.diff(level), atol=1e-3)
    assert made.attrs["domain"] == "recorded"
    assert json.loads(made.attrs["parameters"])["prf"] == 1000.0


def test_filtered_recording_has_the_grid_asked_for(iq: np.ndarray) -> None:
    made = _echoes(iq, filters=SMALL)
    sequences.check(made)
    assert made["velocity"].shape == (1, *SMALL.shape)
    assert "intensity" not in made
    np.testing.assert_allclose(np.diff(made["time"]), 1 / 512)
    inside = slice(60, -60)  # the filter's ends are not the motion's
    found = made["velocity"][0].mean(("depth", "lateral"))[inside]
    error = np.abs(found - _speed(found["time"].values)).max()
    assert error < 0.03 * np.abs(_speed(found["time"].values)).max()


def test_standardisation_is_of_the_velocity_stored(iq: np.ndarray) -> None:
    made = _echoes(iq)
    assert float(made["velocity_mean"][0]) == pytest.approx(
        made["velocity"].values.astype(float).mean()
    )
    assert float(made["velocity_sd"][0]) == pytest.approx(
        made["velocity"].values.astype(float).std()
    )
    assert float(made["velocity_sd"][0]) == pytest.approx(0.377 / np.sqrt(2), rel=0.02)  # of a sine


def test_two_frames_without_a_prf_give_a_displacement(iq: np.ndarray) -> None:
    made = _echoes(iq[10:12], replace(RECORDING, prf=None))
    sequences.check(made)
    assert set(made.data_vars) == {"displacement", "coherence", "intensity"}
    assert {made[name].sizes["time"] for name in made.data_vars} == {1}
    moved = 1e3 * float(np.diff(_towards(np.array([10, 11]) / RATE))[0])  # [um]
    assert float(made["displacement"].median()) == pytest.approx(moved, rel=0.1)
    np.testing.assert_allclose(made["coherence"], 1, atol=1e-4)


def test_channel_echoes_are_demodulated_and_beamformed() -> None:
    rf = np.random.default_rng(8).normal(size=(6, 400, 32))
    from_rf = _echoes(rf, kind="rf")
    assert from_rf["velocity"].shape[1] == from_rf["intensity"].shape[1] == 5
    from_iq = _echoes(demodulate(rf, RECORDING), kind="channel iq")
    for name in ("velocity", "intensity"):
        np.testing.assert_array_equal(from_rf[name], from_iq[name])
    still = replace(RECORDING, prf=None)
    np.testing.assert_array_equal(
        _echoes(rf, still, kind="rf")["displacement"],
        _echoes(demodulate(rf, still), still, kind="channel iq")["displacement"],
    )


def test_image_iq_that_kept_its_carrier_must_say_so(iq: np.ndarray) -> None:
    kept = iq[:40] * np.exp(1j * RECORDING.axial_wavenumber * DEPTH)[:, None]
    for data, recording in ((kept, RECORDING), (kept[:2], replace(RECORDING, prf=None))):
        with pytest.raises(
            ValueError, match=r"demodulation_frequency is not .* \(0: the carrier is still in them"
        ):
            _echoes(data, recording)
    made, wanted = _echoes(kept, replace(RECORDING, demodulation_frequency=0.0)), _echoes(iq[:40])
    np.testing.assert_allclose(made["velocity"], wanted["velocity"], atol=1e-4)
    np.testing.assert_allclose(made["intensity"], wanted["intensity"], atol=1e-3)
    assert json.loads(made.attrs["parameters"])["demodulation_frequency"] == 0.0


def test_image_iq_whose_carrier_could_hide_must_say_what_became_of_it(iq: np.ndarray) -> None:
    coarse = 5 + np.arange(64) * 0.13
    with pytest.raises(
        ValueError, match=r"would scale velocities by 1\.23: say demodulation_frequency"
    ):
        echo_sequence(
            iq,
            RECORDING,
            coarse,
            LATERAL,
            kind="image iq",
            gate=Gate(),
            filters=None,
            source="test",
        )


@pytest.mark.parametrize("kind", ["rf", "image iq"])
def test_a_grid_in_metres_is_refused_before_anything_is_read(
    kind: Literal["rf", "image iq"],
) -> None:
    class Unread:
        shape = (600, 400, 32) if kind == "rf" else (600, 64, 8)
        dtype = np.dtype(np.float32 if kind == "rf" else np.complex64)

        def __getitem__(self, frames: slice) -> np.ndarray:
            raise AssertionError("read")

    for depth, lateral, meant in (
        (DEPTH / 1e3, LATERAL, "0.0113 m would be 11.3"),
        (DEPTH, LATERAL / 1e3, "m would"),
    ):
        with pytest.raises(ValueError, match=meant):
            echo_sequence(
                Unread(),
                RECORDING,
                depth,
                lateral,
                kind=kind,
                gate=Gate(),
                filters=None,
                source="test",
            )


@pytest.mark.parametrize("filters", [None, SMALL])
@pytest.mark.parametrize("value", [np.nan, 1j * np.inf])
def test_echoes_that_are_not_finite_are_named(
    iq: np.ndarray, filters: FilterParameters | None, value: complex
) -> None:
    spoiled = iq.copy()
    spoiled[237, 5, 2] = value
    with pytest.raises(ValueError, match="frame 237 holds NaN or Inf"):
        _echoes(spoiled, filters=filters)
    with pytest.raises(ValueError, match="frame 1 holds NaN or Inf"):
        _echoes(spoiled[236:238], replace(RECORDING, prf=None))


def test_echoes_that_do_not_fit(iq: np.ndarray) -> None:
    with pytest.raises(
        ValueError, match=r"image iq must have shape \(time, 64, 8\); got \(600, 60, 8\)"
    ):
        _echoes(iq[:, :60])
    with pytest.raises(ValueError, match="recording too short"):
        _echoes(iq[:300], filters=SMALL)
    with pytest.raises(ValueError, match=r"band-pass to 50 Hz needs more than 100 frames a second"):
        _echoes(iq, replace(RECORDING, prf=90.0), filters=SMALL)
    with pytest.raises(ValueError, match=r"^prf = None: velocity and paper 1's filters need"):
        _echoes(iq[:2], replace(RECORDING, prf=None), filters=SMALL)
    with pytest.raises(ValueError, match="2 frames; got 1"):
        _echoes(iq[:1], replace(RECORDING, prf=None))
    for prf in (RATE, None):
        with pytest.raises(
            ValueError, match="kind = 'iq': allowed are 'rf', 'channel iq', 'image iq'"
        ):
            _echoes(iq, replace(RECORDING, prf=prf), kind="iq")
        with pytest.raises(ValueError, match=r"must .*shape \(.*, 32\)"):
            _echoes(np.zeros((4, 400, 30)), replace(RECORDING, prf=prf), kind="rf")


def _trembling(count: int = 600) -> np.ndarray:
    time = np.arange(count) / RATE
    return np.broadcast_to(_speed(time)[:, None, None], (count, 40, 30)).astype(np.float32)


GRID = (np.linspace(0, 20, 40), np.linspace(-15, 15, 30))


def test_ready_made_velocity_is_kept_as_it_is() -> None:
    velocity = np.random.default_rng(2).normal(size=(50, 40, 30))
    made = velocity_recording(velocity, RATE, *GRID, filters=None, source="test")
    sequences.check(made)
    np.testing.assert_array_equal(made["velocity"][0], velocity.astype(np.float32))
    np.testing.assert_allclose(made["time"], np.arange(50) / RATE)
    np.testing.assert_array_equal(made["depth"], GRID[0])
    np.testing.assert_array_equal(made["lateral"], GRID[1])
    assert float(made["velocity_mean"][0]) == pytest.approx(velocity.mean(), abs=1e-6)
    assert float(made["velocity_sd"][0]) == pytest.approx(velocity.std(), rel=1e-6)


def test_ready_made_velocity_is_filtered_and_resampled() -> None:
    drift = 5.0  # far below the band
    made = velocity_recording(_trembling() + drift, RATE, *GRID, filters=SMALL, source="test")
    sequences.check(made)
    assert made["velocity"].shape == (1, *SMALL.shape)
    np.testing.assert_allclose(made["time"], np.arange(256) / 512)
    assert (made["depth"].values[[0, -1]] == GRID[0][[0, -1]]).all()
    assert (made["lateral"].values[[0, -1]] == GRID[1][[0, -1]]).all()
    middle = made["velocity"][0, 100:156]
    np.testing.assert_allclose(
        middle.mean(("depth", "lateral")), _speed(middle["time"].values), atol=0.03 * 0.377
    )
    # what is the same everywhere stays the same everywhere
    assert float(middle.std("depth").max()) < 1e-5
    assert json.loads(made.attrs["parameters"])["shape"] == [256, 16, 12]


def test_ready_made_velocity_that_is_impossible() -> None:
    velocity = _trembling()
    with pytest.raises(
        ValueError, match=r"velocity has shape \(600, 40, 29\); needed is \(time, 40, 30\)"
    ):
        velocity_recording(velocity[..., :29], RATE, *GRID, filters=None, source="test")
    with pytest.raises(ValueError, match=r"needed is \(time, 40, 30\)"):
        velocity_recording(velocity[0], RATE, *GRID, filters=None, source="test")
    with pytest.raises(
        ValueError,
        match=(
            r"recording too short: its velocities span 0\.399 s; 256 samples at 512 Hz need 0\.498"
        ),
    ):
        velocity_recording(velocity[:400], RATE, *GRID, filters=SMALL, source="test")
    with pytest.raises(ValueError, match="velocity must be real; got complex64"):
        velocity_recording(velocity.astype(np.complex64), RATE, *GRID, filters=None, source="test")
    with pytest.raises(ValueError, match="depth: the coordinate is not finite and increasing"):
        velocity_recording(velocity, RATE, GRID[0][::-1], GRID[1], filters=None, source="test")


@pytest.mark.parametrize("filters", [None, SMALL])
@given(frame=st.integers(0, 599), value=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_any_velocity_that_is_not_finite_is_named(
    filters: FilterParameters | None, frame: int, value: float
) -> None:
    velocity = np.zeros((600, 4, 4), np.float32)
    velocity[frame, 1, 2] = value
    axis = np.arange(4.0)
    with pytest.raises(ValueError, match=f"frame {frame} holds NaN or Inf"):
        velocity_recording(velocity, RATE, axis, axis, filters=filters, source="test")


def test_real_disk_turns_as_a_rigid_body(recording: Callable[[str], Path]) -> None:
    rf = open_array(recording("plane_wave_disk_rf/PWI_disk.mat"), axes="sample element frame")
    scanner = Recording(
        5e6, 20e6 / 3, 128, 0.298, 10e3, bandwidth=0.15, sound_speed=1480.0, start_time=9.95e-6
    )
    depth, lateral = np.arange(13, 32, 0.1), np.linspace(-10, 8, 61)
    gate = Gate(ensemble=31)
    made = echo_sequence(
        rf, scanner, depth, lateral, kind="rf", gate=gate, filters=None, source="disk, not muscle"
    )
    sequences.check(made)
    assert made["velocity"].sizes["time"] == made["intensity"].sizes["time"] == 1
    x, z = np.meshgrid(made["lateral"], made["depth"], indexing="ij")
    inside = (x + 1) ** 2 + (z - 22.5) ** 2 < 9**2  # the disk, without its rim
    velocity = made["velocity"].values[0, 0].T[inside]
    assert np.corrcoef(x[inside], velocity)[0, 1] < -0.998
    assert np.polyfit(x[inside], velocity, 1)[0] == pytest.approx(-62.4, abs=1)  # [1/s]
    # the disk is brighter than the water around it
    grey = made["intensity"].values[0, 0].T
    assert np.median(grey[inside]) > np.median(grey[(x + 1) ** 2 + (z - 22.5) ** 2 > 11**2]) + 6


def test_real_muscle_between_two_frames(recording: Callable[[str], Path]) -> None:
    path = recording("plane_wave_muscle_rf/rf_dataset.hdf5")
    rf = open_array(path, "data/rf_data/frame_*/shot_1", axes="frame element sample")
    scanner = Recording(5.2083e6, 20e6, 192, 0.23, bandwidth=3.975 / 5.2083)
    depth, lateral = np.arange(2, 22, 0.08), np.linspace(-20, 20, 41)
    made = echo_sequence(
        rf, scanner, depth, lateral, kind="rf", gate=Gate(), filters=None, source="muscle"
    )
    sequences.check(made)
    shallow, middle = (made.sel(depth=slice(*zone)).median() for zone in ((3, 10), (10, 20)))
    assert float(shallow["displacement"]) == pytest.approx(-3, abs=1)  # [um]
    assert float(middle["displacement"]) == pytest.approx(-9, abs=2)
    assert float(shallow["coherence"]) == pytest.approx(0.93, abs=0.04)
    assert made["time"].values.tolist() == [0.0]


def test_echoes_are_beamformed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, beamformed = [], []

    class Counted(images.Beamformer):
        def __init__(self, *arguments: object) -> None:
            made.append(1)
            super().__init__(*arguments)

        def __call__(self, frames: np.ndarray) -> np.ndarray:
            beamformed.append(len(frames))
            return super().__call__(frames)

    monkeypatch.setattr(images, "Beamformer", Counted)
    rng = np.random.default_rng(0)
    rf = rng.standard_normal((40, 700, RECORDING.element_count)).astype(np.float32)
    depth, lateral = np.arange(10, 16, 0.15), np.linspace(-2, 2, 5)
    gate = Gate(ensemble=4)
    echo_sequence(
        rf, RECORDING, depth, lateral, kind="rf", gate=gate, filters=None, source="a test"
    )
    assert len(made) == 1
    # some frames are looked at before the work, to check the band
    assert 40 <= sum(beamformed) <= 40 + 2 * 5
