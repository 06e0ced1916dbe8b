import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pymust
import pytest

from musclelib.acquisition import PROBES, Gate, Images, axial_step, demodulate, estimate_velocity
from musclelib.acquisition.images import check_carrier

CHOICES = (Path(__file__).parents[2] / "docs" / "choices.md").read_text()
DEPTH, LATERAL = np.arange(5, 17.8, 0.1), np.arange(8) * 0.3


def speckle(recording, depth, velocity=20.0, shift=0.0, mixed_down=None, frames=4):
    """Beamformed IQ of points that move towards the probe [mm/s].

    The echo's mean frequency is shifted by a share of the transmitted one, and its phase along
    depth is that of what it was mixed down by: the transmitted frequency unless told, 0 leaves the
    carrier in.
    """
    rng = np.random.default_rng(0)
    k = recording.axial_wavenumber
    mixed_down = recording.centre_frequency if mixed_down is None else mixed_down
    images = np.empty((frames, depth.size, LATERAL.size), complex)
    for column in range(LATERAL.size):
        place, size = rng.uniform(depth[0] - 2, depth[-1] + 2, 1500), rng.standard_normal(1500)
        for frame in range(frames):
            away = depth[:, None] - (place - velocity * frame / recording.prf)
            images[frame, :, column] = (
                np.exp(-((away / 0.125) ** 2) / 2 + 1j * (1 + shift) * k * away)
            ) @ size
    return images * np.exp(-1j * k * mixed_down / recording.centre_frequency * depth)[:, None]


def median_velocity(images, recording, depth):
    return float(estimate_velocity(images, recording, depth, LATERAL, kind="image iq").median())


@pytest.mark.parametrize("angle", [0.0, 10.0])
@pytest.mark.parametrize("step", [0.05, 0.1, 0.2])  # the carrier wraps beyond 0.077 mm
def test_all_kinds_of_the_same_echoes_give_the_same_images(recording, angle, step):
    recording = replace(recording, angle=angle, start_time=1e-6)
    depth = np.arange(5, 15, step)
    rf = np.random.default_rng(2).normal(size=(3, 500, 32))
    wanted = Images(rf, recording, depth, LATERAL, "rf")[:]
    time = recording.start_time + np.arange(500) / recording.sampling_rate
    for frequency in (0.0, 4e6, 6.25e6):
        said = replace(recording, demodulation_frequency=frequency)
        iq = demodulate(rf, recording) * np.exp(-2j * np.pi * (frequency - 5e6) * time)[:, None]
        found = Images(iq, said, depth, LATERAL, "channel iq")[:]
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())
        left = recording.axial_wavenumber * (1 - frequency / 5e6)
        image = (
            Images(rf, recording, depth, LATERAL, "rf", refine=False)[:]
            * np.exp(1j * left * depth)[:, None]
        )
        found = Images(image, said, depth, LATERAL, "image iq")[:]
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("mixed_down", [0.0, 4e6, 6.25e6])
@pytest.mark.parametrize("step", [0.04, 0.1, 0.12])
def test_another_demodulation_than_said_is_refused_and_said_it_is_right(
    recording, mixed_down, step
):
    depth = np.arange(5, 25, step)
    images = speckle(recording, depth, mixed_down=mixed_down)
    assert median_velocity(
        images, replace(recording, demodulation_frequency=mixed_down), depth
    ) == pytest.approx(20, rel=2e-3)
    with pytest.raises(
        ValueError, match=r"mean frequency .* times centre_frequency.*demodulation_frequency is not"
    ):
        median_velocity(images, recording, depth)


def test_a_carrier_that_was_taken_out_is_not_taken_out_again(recording):
    said = replace(recording, demodulation_frequency=0.0)
    with pytest.raises(
        ValueError,
        match=r"is 1\.54 times centre_frequency, where 0\.76 to 1\.18 times are possible",
    ):
        median_velocity(speckle(recording, DEPTH), said, DEPTH)


def test_echoes_whose_frequency_attenuation_has_lowered_pass(recording):
    lowered = speckle(recording, DEPTH, shift=-0.2)
    assert median_velocity(lowered, recording, DEPTH) == pytest.approx(20, rel=2e-3)
    # stored conjugated: the shift goes the wrong way too
    assert median_velocity(
        speckle(recording, DEPTH, shift=-0.1).conj(), recording, DEPTH
    ) == pytest.approx(-20 * 0.9 / 1.1, rel=0.02)


@pytest.mark.parametrize("shape", [(12, 1), (64, 8), (128, 40)])
@pytest.mark.parametrize("mixed_down", [None, 0.0])
def test_noise_is_not_refused(recording, shape, mixed_down):
    recording = replace(recording, demodulation_frequency=mixed_down)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(3, *shape)) + 1j * rng.normal(size=(3, *shape))
        depth = 5 + 0.1 * np.arange(shape[0])
        Images(noise, recording, depth, 0.3 * np.arange(shape[1]), "image iq").check_band(Gate())
    Images(
        np.zeros((3, *shape), complex), recording, depth, 0.3 * np.arange(shape[1]), "image iq"
    ).check_band(Gate())


def test_echoes_amid_noise_tell_their_carrier(recording):
    rng = np.random.default_rng(1)
    images = speckle(recording, DEPTH, mixed_down=0.0)
    noise = rng.normal(size=images.shape) + 1j * rng.normal(size=images.shape)
    noisy = images + noise * np.sqrt(np.mean(np.abs(images) ** 2) / 2)  # as much noise as echo
    with pytest.raises(ValueError, match="the carrier is still in them"):
        median_velocity(noisy, recording, DEPTH)


def test_rf_of_another_frequency_is_refused(recording):
    time = np.arange(800) / recording.sampling_rate
    rf = (
        np.random.default_rng(3).normal(size=(2, 800, 32)) * np.cos(2 * np.pi * 5e6 * time)[:, None]
    )
    slow = (
        demodulate(rf, replace(recording, bandwidth=0.3)) * np.exp(2j * np.pi * 8e6 * time)[:, None]
    )
    with pytest.raises(
        ValueError, match=r"possible: centre_frequency, sampling_rate or bandwidth is not theirs"
    ):
        estimate_velocity(slow.real, recording, DEPTH, LATERAL, kind="rf")


@pytest.mark.parametrize(
    ("step", "frequency", "factor"),
    [
        (0.13, 5e6, "1.23"),
        (0.2, 5e6, "0.81"),
        (0.1, 6.3e6, "1.29"),
        (0.15, 4.1e6, None),
        (0.154, 5e6, None),
    ],
)
def test_a_carrier_that_could_hide_must_be_told(recording, step, frequency, factor):
    recording = replace(recording, centre_frequency=frequency)
    depth = np.arange(5, 20, step)
    if factor is None:  # it leaves nothing behind, or more than an echo could
        check_carrier(recording, depth)
        return
    message = (
        f"would scale velocities by {factor}: say demodulation_frequency, {frequency:g} Hz where it"
        " was taken out"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        check_carrier(recording, depth)
    for said in (0.0, frequency):
        check_carrier(replace(recording, demodulation_frequency=said), depth)


@pytest.mark.parametrize(
    ("depth", "lateral", "message"),
    [
        (
            DEPTH / 1e3,
            LATERAL,
            r"depth reaches over 0.0177 mm: .* 0.308, to 1000 mm; 0.0177 m would be 17.7",
        ),
        (DEPTH * 1e3, LATERAL, r"depth reaches over 17700 mm: .*; 17700 um would be 17.7"),
        (DEPTH, LATERAL / 1e3, r"lateral reaches over 0.0021 mm: .*; 0.0021 m would be 2.1"),
        (
            5 + 2.3 * (DEPTH - 5),
            LATERAL,
            r"0.23 mm does not carry .* at most 0.22 mm; .* a bandwidth of at most 0.67",
        ),
        (DEPTH[::-1], LATERAL, "depth must be one axis of evenly spaced, increasing"),
    ],
)
def test_impossible_grids_are_refused(recording, depth, lateral, message):
    with pytest.raises(ValueError, match=message):
        Images(np.zeros((2, 128, 8), complex), recording, depth, lateral, "image iq")
    with pytest.raises(ValueError, match=message):
        Images(np.zeros((2, 500, 32)), recording, depth, lateral, "rf")


def test_rf_has_no_demodulation_frequency(recording):
    with pytest.raises(ValueError, match="demodulation_frequency is of IQ"):
        Images(
            np.zeros((2, 500, 32)),
            replace(recording, demodulation_frequency=5e6),
            DEPTH,
            LATERAL,
            "rf",
        )


def test_refined_images_are_those_of_a_finer_grid(recording):
    finer = np.linspace(DEPTH[0], DEPTH[-1], 2 * DEPTH.size - 1)
    wanted = speckle(recording, finer)
    images = Images(wanted[:, ::2], recording, DEPTH, LATERAL, "image iq")
    # an eighth wavelength over the bandwidth
    assert axial_step(recording) == pytest.approx(1540 / 5e3 / 8 / 0.7)
    np.testing.assert_allclose(images.depth, finer)
    assert images.shape == wanted.shape
    inside = slice(20, -20)  # nothing is known beyond the ends
    np.testing.assert_allclose(
        images[1:3][:, inside], wanted[1:3, inside], atol=0.01 * np.abs(wanted).max()
    )
    finest = Images(wanted, recording, finer, LATERAL, "image iq")
    np.testing.assert_array_equal(finest[:], wanted.astype(np.complex64))


@pytest.fixture(scope="module", params=["L11-5v", "L14-5"])
def simulated(request):
    """RF of PyMUST: two layers of scatterers, all moving at 5 mm/s towards the probe."""
    recording = PROBES[request.param]
    rng = np.random.default_rng(90210)
    depth = np.r_[rng.uniform(12, 18, 500), rng.uniform(27, 33, 500)]
    lateral = rng.uniform(-4, 4, 1000)
    amplitude = rng.standard_normal(1000)
    param = pymust.utils.Param()
    param.fc = recording.centre_frequency
    param.fs = recording.sampling_rate
    param.c = recording.sound_speed
    param.bandwidth, param.attenuation = 100 * recording.bandwidth, 0
    param.Nelements = recording.element_count
    param.pitch = 1e-3 * recording.pitch
    param.radius = np.inf
    param.width, param.kerf = 0.9e-3 * recording.pitch, 0.1e-3 * recording.pitch
    rf = np.zeros((2, 2000, recording.element_count), np.float32)
    for frame in range(2):
        moved = depth - 5.0 * frame / recording.prf
        echoes, _ = pymust.simus(
            lateral * 1e-3, moved * 1e-3, amplitude, np.zeros((1, param.Nelements)), param
        )
        count = min(len(echoes), 2000)
        rf[frame, :count] = echoes[:count]
    return request.param, rf, recording


def errors(rf, recording, step, refine):
    """Mean and deviation of the error of velocity [%]."""
    depth, lateral = np.arange(11, 34, step), np.linspace(-3, 3, 21)
    found = estimate_velocity(rf, recording, depth, lateral, kind="rf", refine=refine)
    inside = ((found.depth > 13) & (found.depth < 17)) | ((found.depth > 28) & (found.depth < 32))
    error = 100 * (found.isel(time=0)[inside.values].values / 5 - 1)
    return float(error.mean()), float(error.std())


def test_error_of_a_known_velocity_by_depth_step(simulated):
    probe, rf, recording = simulated
    rows = re.findall(
        rf"^\| {probe}, .*?\| ([\d.]+) \| [\d.]+ \| (\S+), (\S+) \| (\S+), (\S+) \|$",
        CHOICES,
        re.MULTILINE,
    )
    assert len(rows) == 4
    for step, *stated in rows:
        measured = (
            *errors(rf, recording, float(step), False),
            *errors(rf, recording, float(step), True),
        )
        print(probe, step, *(f"{value:+.1f}" for value in measured))
        assert measured == pytest.approx(
            [float(value.replace("−", "-")) for value in stated], abs=0.15
        )
        # what is interpolated, as is the default, or fine enough by itself
        assert abs(measured[2]) < 0.4
        assert measured[3] < 1
