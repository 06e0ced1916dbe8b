import numpy as np
import pymust
import pytest

from musclelib.acquisition import L14_5, PROBES, Recording
from musclelib.parameters import ParameterError


def test_nyquist_velocity_of_paper_1_and_of_the_disk():
    assert L14_5.nyquist_velocity == pytest.approx(154.0)  # c PRF / (4 fc)
    disk = Recording(5e6, 20e6 / 3, 128, 0.298, prf=10e3, sound_speed=1480.0)
    assert disk.nyquist_velocity == pytest.approx(740.0)


def test_elements_are_centred_and_a_pitch_apart():
    positions = L14_5.element_positions
    np.testing.assert_allclose(np.diff(positions), 0.3048)
    assert positions.mean() == pytest.approx(0, abs=1e-12)
    assert np.ptp(positions) == pytest.approx(38.7, abs=0.05)


@pytest.mark.parametrize("name", ["L11-5v", "L12-3v"])
def test_probes_are_those_that_pymust_knows_by_the_name(name):
    probe, theirs = PROBES[name], pymust.getparam(name)
    assert (probe.centre_frequency, probe.element_count) == (theirs.fc, theirs.Nelements)
    assert probe.pitch == pytest.approx(1e3 * theirs.pitch)
    assert probe.bandwidth == pytest.approx(theirs.bandwidth / 100)
    assert probe.sampling_rate == 4 * probe.centre_frequency
    assert probe.prf == L14_5.prf


def test_a_missing_field_is_named():
    with pytest.raises(ParameterError, match="pitch"):
        Recording.from_dict({"centre_frequency": 5e6, "sampling_rate": 20e6, "element_count": 128})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"centre_frequency": 5.0},
            r"centre_frequency = 5.0: .* at most 1e\+08 \[Hz\]; 5 MHz would be 5e\+06$",
        ),
        ({"centre_frequency": 5000.0}, r"centre_frequency = 5000.0: .*; 5000 kHz would be 5e\+06$"),
        ({"centre_frequency": 5e9}, r"centre_frequency = 5000000000.0: .* at most 1e\+08 \[Hz\]$"),
        (
            {"sampling_rate": 20.0},
            r"sampling_rate = 20.0: allowed is at least 3.5e\+06 .*; 20 MHz would be 2e\+07$",
        ),
        (
            {"sampling_rate": 3e6},
            r"sampling_rate = 3000000.0: allowed is at least 3.5e\+06 and at most 1e\+09 \[Hz\]$",
        ),
        (
            {"pitch": 0.3e-3},
            r"pitch = 0.0003: .*0.0308 and at most 3.08 \[mm\]; 0.0003 m would be 0.3$",
        ),
        ({"pitch": 300.0}, r"pitch = 300.0: .*; 300 um would be 0.3$"),
        ({"pitch": 0.03}, r"pitch = 0.03: allowed is at least 0.0308 and at most 3.08 \[mm\]"),
        ({"prf": 2.0}, r"prf = 2.0: allowed is at least 20 .*; 2 kHz would be 2000$"),
        ({"prf": 0.0}, r"prf = 0.0: allowed is at least 20 and at most 100000 \[Hz\]$"),
        (
            {"sound_speed": 1.54},
            r"sound_speed = 1.54: .* \[m/s\]; 1.54 km/s or mm/us would be 1540$",
        ),
        ({"start_time": 9.95}, r"start_time = 9.95: .* \[s\]; 9.95 us would be 9.95e-06$"),
        (
            {"demodulation_frequency": 5.2},
            r"demodulation_frequency = 5.2: .*; 5.2 MHz would be 5.2e\+06$",
        ),
        (
            {"demodulation_frequency": -5e6},
            r"demodulation_frequency = -5000000.0: allowed is at least 0",
        ),
        ({"bandwidth": 70.0}, "bandwidth = 70.0: allowed is above 0 and at most 1.99"),
    ],
)
def test_what_no_probe_has_is_refused_with_the_unit_that_was_meant(changes, message):
    with pytest.raises(ParameterError, match=message):
        L14_5.changed(**changes)


def test_extremes_of_probes_are_taken():
    Recording(1e6, 4e6, 64, 0.75)  # through the skull
    Recording(50e6, 200e6, 256, 0.03, prf=20.0)  # of the skin
    Recording(5e6, 20e6 / 3, 128, 0.298, bandwidth=0.15, start_time=-2e-6)  # band-pass sampled
    Recording(5e6, 20e6, 128, 0.3, demodulation_frequency=0.0)


def test_no_velocity_without_a_frame_rate():
    with pytest.raises(ValueError, match="prf is None"):
        _ = Recording(5e6, 20e6, 128, 0.3).nyquist_velocity
