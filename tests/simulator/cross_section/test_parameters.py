import pytest

from musclelib.parameters import ParameterError
from musclelib.simulator.cross_section import SUBJECTS, TissueParameters, effects_off, subject


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fat": 28.0}, "at most 29"),
        ({"bone_depth": 45.0}, "at most the image depth 40"),
        ({"bone_depth": None, "size": (8.0, 40.0)}, "at most 3"),
        ({"shear_speed": 0.0}, "shear_speed"),
        ({"shear_speed": 1500.0}, "at most 10"),
        ({"viscosity": -1.0}, "viscosity"),
        (
            {"viscosity": 1000.0},
            r"viscosity = 1000.0: allowed is at least 0 and at most 20 \[Pa s\]",
        ),
        (
            {"bone_depth": None, "fat": 30.0, "size": (30.0, 40.0)},
            "5 mm of muscle are left above 30 mm",
        ),
        ({"fascicle_size": 0.3}, "two pixels"),
        ({"pulse_rate": (1.3, 1.0)}, "low to high"),
        ({"pulsation": (30.0, 5.0)}, "low to high"),
        ({"elongation": (2.4, 1.2)}, "low to high"),
        ({"bend": (1.0, 0.0)}, "low to high"),
        ({"duration": 0.001}, "8 frames"),
        ({"slip": 1.5}, "slip"),
    ],
)
def test_impossible_tissue(changes, message):
    with pytest.raises(ParameterError, match=message):
        TissueParameters(**changes)


def test_unknown_effect():
    with pytest.raises(ParameterError, match="no parameter 'tendon'"):
        effects_off(tendon=1.0)


def test_subjects_differ_within_their_ranges():
    subjects = [subject(number) for number in range(SUBJECTS)]
    assert subjects == [subject(number) for number in range(SUBJECTS)]
    assert len({s.tissue for s in subjects}) == SUBJECTS == 9
    for s in subjects:
        assert 2 <= s.tissue.fat <= 6
        assert 1.2 <= s.tissue.fascicle_size <= 1.6
        assert abs(s.tissue.shear_speed / 1.35 - 1) <= 0.2 + 1e-9
        assert 0.55 <= s.attenuation <= 0.96
        assert 8 <= s.firing_rate[0] < s.firing_rate[1] <= 13


@pytest.mark.parametrize("number", [-1, 9, "1"])
def test_no_such_subject(number):
    with pytest.raises(ParameterError, match="0 to 8"):
        subject(number)
