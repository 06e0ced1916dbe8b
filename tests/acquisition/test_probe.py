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


def test_impossible_values_are_refused():
    with pytest.raises(ParameterError, match="prf"):
        Recording(5e6, 20e6, 128, 0.3, prf=0.0)
    with pytest.raises(ValueError, match="prf is None"):
        _ = Recording(5e6, 20e6, 128, 0.3).nyquist_velocity
