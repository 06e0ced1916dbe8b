from dataclasses import replace

import dask.array
import h5py
import numpy as np
import pymust
import pytest
import zarr

from musclelib.acquisition import (
    Beamformer,
    FilterParameters,
    Gate,
    Recording,
    band_pass,
    bmode,
    demodulate,
    displacement_map,
    estimate_velocity,
    velocity_sequence,
)

DEPTH, LATERAL = np.arange(128) * 0.1, np.arange(8) * 0.3


@pytest.fixture
def frames(vibration):
    return vibration[0]


def test_chunks_and_threads_change_nothing(frames, recording):
    gate = Gate(ensemble=3)
    whole = estimate_velocity(
        frames[:90], recording, DEPTH, LATERAL, kind="image iq", gate=gate, chunk=1000
    )
    for chunk, workers in ((1, 2), (7, 1), (32, 2)):
        parts = estimate_velocity(
            frames[:90],
            recording,
            DEPTH,
            LATERAL,
            kind="image iq",
            gate=gate,
            chunk=chunk,
            workers=workers,
        )
        np.testing.assert_array_equal(parts.values, whole.values)


def test_chunks_change_nothing_from_channel_echoes(recording):
    rf = np.random.default_rng(8).normal(size=(9, 400, 32))
    arguments = (recording, np.linspace(5, 12, 70), LATERAL)
    whole = estimate_velocity(rf, *arguments, kind="rf", chunk=100)
    np.testing.assert_array_equal(
        estimate_velocity(rf, *arguments, kind="rf", chunk=3).values, whole.values
    )
    iq = demodulate(rf, recording)
    np.testing.assert_array_equal(
        estimate_velocity(iq, *arguments, kind="channel iq").values, whole.values
    )


@pytest.mark.parametrize("store", ["memmap", "h5py", "zarr", "dask"])
def test_frames_are_read_from_disk_as_from_memory(frames, recording, tmp_path, store):
    frames = frames[:50]
    if store == "memmap":
        lazy = np.memmap(tmp_path / "frames", np.complex64, "w+", shape=frames.shape)
    elif store == "h5py":
        lazy = h5py.File(tmp_path / "frames.h5", "w").create_dataset(
            "frames", frames.shape, np.complex64
        )
    elif store == "zarr":
        lazy = zarr.create_array(
            tmp_path / "frames.zarr", shape=frames.shape, dtype="complex64", chunks=(8, 128, 8)
        )
    if store == "dask":
        lazy = dask.array.from_array(frames, chunks=(8, 128, 8))
    else:
        lazy[:] = frames
    found = estimate_velocity(lazy, recording, DEPTH, LATERAL, kind="image iq", chunk=16)
    wanted = estimate_velocity(frames, recording, DEPTH, LATERAL, kind="image iq")
    np.testing.assert_array_equal(found.values, wanted.values)


def test_velocity_of_a_known_vibration(vibration, recording):
    frames, towards = vibration
    found = estimate_velocity(frames, recording, DEPTH, LATERAL, kind="image iq")
    wanted = np.diff(towards) * 2000  # [mm/s], positive towards the probe
    gain = np.tensordot(wanted, found.values, (0, 0)) / (wanted @ wanted)
    assert gain.mean() == pytest.approx(1, abs=0.003)  # no bias
    assert gain.std() < 0.01  # from pixel to pixel


def test_the_whole_chain_is_its_steps(vibration, recording):
    frames, towards = vibration
    shape = (256, 32, 16)
    found = velocity_sequence(
        frames, recording, DEPTH, LATERAL, kind="image iq", filters=FilterParameters(shape=shape)
    )
    assert found.dims == ("time", "depth", "lateral")
    assert found.shape == shape
    assert found.attrs["units"] == "mm/s"
    assert found.attrs["nyquist_velocity"] == pytest.approx(154)
    np.testing.assert_allclose(np.diff(found.time), 1 / 512)
    true = band_pass((np.diff(towards) * 2000)[:, None, None], 2000.0, 5.0, 50.0)[:, 0, 0]
    wanted = np.interp(found.time, (np.arange(1199) + 0.5) / 2000, true)
    assert np.abs(found.mean(("depth", "lateral")) - wanted).max() < 0.01 * np.abs(wanted).max()


def test_wrapping_is_reported(speckle, recording):
    still = estimate_velocity(np.stack([speckle] * 5), recording, DEPTH, LATERAL, kind="image iq")
    assert still.attrs["share_near_nyquist"] == 0
    turned = speckle * np.exp(1j * 0.95 * np.pi * np.arange(5))[:, None, None]
    fast = estimate_velocity(turned, recording, DEPTH, LATERAL, kind="image iq")
    assert fast.attrs["share_near_nyquist"] > 0.5


def test_wrong_input_is_named(frames, recording):
    def estimate(data, recording=recording, kind="image iq", **options):
        return estimate_velocity(data, recording, DEPTH, LATERAL, kind=kind, **options)

    spoiled = frames[:50].copy()
    spoiled[37, 5, 2] = np.nan
    with pytest.raises(ValueError, match="frame 37 holds NaN"):
        estimate(spoiled, chunk=8)
    spoiled[37, 5, 2] = 1
    spoiled[11, 0, 0] = 1j * np.inf
    with pytest.raises(ValueError, match="frame 11 holds NaN"):
        estimate(spoiled, chunk=8)
    with pytest.raises(ValueError, match="prf is None"):
        estimate(frames, replace(recording, prf=None))
    with pytest.raises(ValueError, match="needs 2 frames; got 1"):
        estimate(frames[:1])
    with pytest.raises(ValueError, match=r"\(time, 128, 8\)"):
        estimate(frames[:, :100])
    with pytest.raises(ValueError, match="must be complex"):
        estimate(frames.real)
    with pytest.raises(ValueError, match="must be real"):
        estimate(frames, kind="rf")
    with pytest.raises(ValueError, match=r"\(time, fast_time, 32\)"):
        estimate(frames, kind="channel iq")
    with pytest.raises(ValueError, match="allowed are"):
        estimate(frames, kind="iq")
    with pytest.raises(ValueError, match="too short"):
        velocity_sequence(frames, recording, DEPTH, LATERAL, kind="image iq")
    short = FilterParameters(shape=(20, 32, 16))
    with pytest.raises(ValueError, match="too short for the band-pass"):
        velocity_sequence(frames[:300], recording, DEPTH, LATERAL, kind="image iq", filters=short)


def test_bmode_levels():
    image = bmode(np.array([[1, 0.1j], [1e-2, 0]]), 50.0)
    np.testing.assert_allclose(image, [[0, -20], [-40, -50]], atol=1e-5)
    with pytest.raises(ValueError, match="complex"):
        bmode(np.ones((2, 2)))
    with pytest.raises(ValueError, match="above 0"):
        bmode(np.zeros((2, 2), complex))


def test_bmode_agrees_with_pymust(speckle):
    theirs = pymust.bmode(speckle.copy(), 40)  # grey levels, 255 at the peak, truncated
    assert np.abs((bmode(speckle, 40.0) + 40) * 255 / 40 - theirs).max() <= 1.01


def test_the_disk_turns_as_a_rigid_body_and_as_pymust_says(disk):
    rf, recording = disk
    depth, lateral = np.arange(13, 32, 0.1), np.linspace(-10, 8, 61)
    found = estimate_velocity(
        rf, recording, depth, lateral, kind="rf", gate=Gate(hop=0.1, ensemble=31)
    )[0]
    x, z = np.meshgrid(lateral, found.depth, indexing="ij")
    inside = (x + 1) ** 2 + (z - 22.5) ** 2 < 9**2  # the disk of 10 mm radius, without its rim
    velocity = found.values.T[inside]
    slope, offset = np.polyfit(x[inside], velocity, 1)
    assert np.corrcoef(x[inside], velocity)[0, 1] < -0.998
    assert (velocity - slope * x[inside] - offset).std() < 15  # [mm/s]
    assert slope == pytest.approx(-62.4, abs=1)  # [1/s]: the disk's right side moves away

    param = pymust.utils.Param()
    param.fc, param.c, param.PRF = 5e6, 1480.0, 10e3
    image = Beamformer(recording, 334, depth, lateral)(demodulate(rf, recording))
    theirs, _ = pymust.iq2doppler(np.moveaxis(image, 0, -1), param)
    theirs = np.stack([np.interp(found.depth, depth, 1e3 * line) for line in np.asarray(theirs).T])[
        inside
    ]
    assert np.corrcoef(velocity, theirs)[0, 1] > 0.998
    # PyMUST takes the centre frequency, we take the echo's mean frequency, which is a little lower.
    assert np.polyfit(theirs, velocity, 1)[0] == pytest.approx(1.0, abs=0.03)


def test_displacement_of_real_muscle_between_two_frames(data_folder):
    with h5py.File(data_folder / "plane_wave_muscle_rf" / "rf_dataset.hdf5") as file:
        rf = np.stack([file[f"data/rf_data/frame_{k}/shot_1"][:].T for k in (1, 2)])
    recording = Recording(5.2083e6, 20e6, 192, 0.23, bandwidth=3.975 / 5.2083)
    depth, lateral = np.arange(2, 48, 0.06), np.linspace(-20, 20, 81)
    iq = Beamformer(recording, rf.shape[1], depth, lateral)(demodulate(rf, recording))
    below_skin = depth > 10
    brightness = bmode(iq)[0].mean(axis=1)[below_skin]
    assert depth[below_skin][brightness.argmax()] == pytest.approx(22, abs=1)  # the aponeurosis

    found = displacement_map(iq, recording, depth, lateral)
    shallow, middle, deep = (
        found.sel(depth=slice(*zone)).median() for zone in ((3, 10), (10, 20), (35, 46))
    )
    assert float(shallow.displacement) == pytest.approx(-3, abs=1)
    assert float(middle.displacement) == pytest.approx(-9, abs=2)
    assert float(shallow.coherence) == pytest.approx(0.93, abs=0.04)
    assert float(deep.coherence) < 0.8


def test_displacement_map_wants_two_good_frames(frames, recording):
    with pytest.raises(ValueError, match="2 frames; got 3"):
        displacement_map(frames[:3], recording, DEPTH, LATERAL)
    still = displacement_map(frames[[0, 0]], replace(recording, prf=None), DEPTH, LATERAL)
    np.testing.assert_allclose(still.displacement, 0, atol=1e-4)
    np.testing.assert_allclose(still.coherence, 1, rtol=1e-5)
    assert still.displacement.attrs["units"] == "um"
