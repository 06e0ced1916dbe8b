from dataclasses import replace

import numpy as np
import pymust
import pytest

from musclelib.acquisition import L14_5, Beamformer, Gate, demodulate, displacement
from musclelib.simulator.echo import PointSpread

PROBE = replace(L14_5, element_count=64)  # 19.5 mm wide
FINE = np.arange(8, 26, 0.02)


def by_pymust(depth, lateral, amplitude, rows):
    """Simulated channel RF, demodulated and beamformed as a recording is."""
    param = pymust.utils.Param()
    param.fc, param.fs, param.c, param.bandwidth = 5e6, 40e6, 1540.0, 70
    param.Nelements, param.pitch, param.width, param.kerf = 64, 0.3048e-3, 0.2748e-3, 0.03e-3
    param.radius, param.attenuation = np.inf, 0
    rf, _ = pymust.simus(lateral * 1e-3, depth * 1e-3, amplitude, np.zeros((1, 64)), param)
    rf = np.pad(rf, ((0, 2000 - min(len(rf), 2000)), (0, 0)))  # simus ends with the last echo
    return Beamformer(PROBE, len(rf), rows, PROBE.element_positions)(demodulate(rf[None], PROBE))[0]


def by_model(depth, lateral, amplitude, rows):
    lines, line = np.unique(lateral, return_inverse=True)
    spread = PointSpread(PROBE, rows, PROBE.element_positions, lines)
    return spread.images(depth, line, amplitude[:, None])[0]


def width(profile, step):
    """Width at half the peak."""
    profile = np.abs(profile)
    fine = np.interp(np.arange(0, len(profile) - 1, 0.01), np.arange(len(profile)), profile)
    return np.count_nonzero(fine > fine.max() / 2) * 0.01 * step


def test_widths_agree_with_pymust_also_where_the_aperture_is_cut():
    lateral_widths = []
    for depth, lateral in ((12.0, 0.1524), (20.0, 0.1524), (22.0, 8.0772)):
        point = np.array([depth]), np.array([lateral]), np.ones(1)
        sizes = []
        for image in (by_pymust(*point, FINE), by_model(*point, FINE)):
            row, column = np.unravel_index(np.abs(image).argmax(), image.shape)
            sizes.append((width(image[:, column], 0.02), width(image[row], 0.3048)))
        assert sizes[1] == pytest.approx(sizes[0], rel=0.1)
        lateral_widths.append(sizes[1][1])
    assert lateral_widths[2] > 1.3 * lateral_widths[1]


@pytest.fixture(scope="module")
def moved():
    """PyMUST's images and ours of a thousand scatterers, at rest and moved by up to 20 um.

    Shape (2, frame, depth, lateral), with the rows and the columns that lie well within the
    scatterers.
    """
    rng = np.random.default_rng(0)
    depth, lateral = rng.uniform(10, 15.5, 1000), rng.uniform(-3.5, 3.5, 1000)
    amplitude, rows = rng.choice([-1.0, 1.0], 1000), np.arange(11, 14.5, 0.1)
    inner = np.abs(PROBE.element_positions) < 2
    frames = [depth - 1e-3 * largest * known(depth, lateral) for largest in (0, 8, 20)]
    images = [
        [make(frame, lateral, amplitude, rows) for frame in frames]
        for make in (by_pymust, by_model)
    ]
    return np.array(images)[..., inner], rows, PROBE.element_positions[inner]


def known(depth, lateral):
    """Displacement towards the probe relative to its largest."""
    return np.sin(depth / 2) * np.cos(lateral / 3)


def test_moving_scatterers_give_the_displacement_that_pymust_gives(moved):
    images, rows, columns = moved
    shape = known(Gate().centres(rows)[:, None], columns)
    for number, largest in enumerate((8, 12)):  # um from frame to frame
        theirs, ours = (
            displacement(frames[number : number + 2], rows, PROBE)[0] for frames in images
        )
        assert np.sum(theirs * ours) / np.sum(theirs**2) == pytest.approx(1, abs=0.03)
        assert np.sqrt(np.mean((ours - theirs) ** 2)) < 0.13 * np.sqrt(np.mean(theirs**2))
        for found in (theirs, ours):
            assert np.sqrt(np.mean((found - largest * shape) ** 2)) < 0.2 * largest * np.sqrt(
                np.mean(shape**2)
            )


def test_images_correlate_with_those_of_pymust_frame_by_frame(moved):
    """Only the phase agrees: the pulse is Gaussian, whereas PyMUST's has side lobes."""
    theirs, ours = moved[0]
    overlap = np.sum(theirs.conj() * ours, axis=(1, 2))
    correlation = overlap / np.linalg.norm(theirs, axis=(1, 2)) / np.linalg.norm(ours, axis=(1, 2))
    assert np.abs(correlation).min() > 0.88
    assert np.ptp(np.angle(correlation)) < 0.02


def test_speckle_has_the_levels_of_that_of_pymust(moved):
    """Levels below which a tenth, a half and nine tenths of pixels are, re the mean power."""
    theirs, ours = (np.abs(images) / np.sqrt(np.mean(np.abs(images) ** 2)) for images in moved[0])
    levels = [20 * np.log10(np.quantile(part, (0.1, 0.5, 0.9))) for part in (theirs, ours)]
    np.testing.assert_allclose(levels[1], levels[0], atol=1.2)
    assert ours.mean() / ours.std() == pytest.approx(theirs.mean() / theirs.std(), rel=0.1)


def test_speckle_is_fully_developed():
    rng = np.random.default_rng(1)
    depth, lateral = rng.uniform(8, 22, 20_000), np.round(rng.uniform(-9, 9, 20_000), 1)
    envelope = np.abs(
        by_model(depth, lateral, rng.choice([-1.0, 1.0], 20_000), np.arange(9, 21, 0.15))
    )[:, 20:-20]
    # Rayleigh
    assert envelope.mean() / envelope.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.06)


def test_a_shift_towards_the_probe_turns_the_phase_by_the_carrier():
    rows, point = np.arange(9, 21, 0.15), (np.array([15.0]), np.array([0.0]), np.ones(1))
    one, other = by_model(*point, rows), by_model(point[0] - 1e-3, *point[1:], rows)
    turned = np.angle(np.vdot(one, other))
    assert turned == pytest.approx(1e-3 * PROBE.axial_wavenumber, rel=0.02)


def test_derivative_is_the_limit_of_differences():
    rows, line = np.arange(9, 21, 0.15), np.zeros(1, int)
    spread, weight = PointSpread(PROBE, rows, PROBE.element_positions, [0.0]), np.ones((1, 1))
    shift = 1e-3
    sides = [spread.images(np.array([15.03]) - sign * shift, line, weight) for sign in (1, -1)]
    slope = spread.images(np.array([15.03]), line, weight, derivative=True)
    np.testing.assert_allclose(
        (sides[0] - sides[1]) / (2 * shift), slope, atol=2e-3 * np.abs(slope).max()
    )


@pytest.mark.parametrize(
    ("changes", "rows", "message"),
    [
        ({"angle": 5.0}, np.arange(5, 9, 0.1), "plane waves at 0 only"),
        ({}, np.array([1.0, 2.0, 4.0]), "evenly spaced"),
        ({}, np.arange(-1, 9, 0.1), "from 0 mm on"),
    ],
)
def test_wrong_input_is_named(changes, rows, message):
    with pytest.raises(ValueError, match=message):
        PointSpread(replace(PROBE, **changes), rows, [0.0], [0.0])


def test_f_number_must_be_positive():
    with pytest.raises(ValueError, match="f_number = 0"):
        PointSpread(PROBE, np.arange(5, 9, 0.1), [0.0], [0.0], f_number=0)
