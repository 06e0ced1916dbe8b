import json
import re

import pytest

from musclelib.parameters import ParameterError
from musclelib.simulator import SimulatorParameters, preset


def test_json_round_trip():
    parameters = preset("paper2", units=(3, 4), noise_snr=(10.0, 30.0))
    assert SimulatorParameters.from_dict(json.loads(parameters.to_json())) == parameters


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame_rat": 400.0}, "no parameter 'frame_rat'; allowed are frames, frame_rate"),
        ({"frames": 100.0}, "frames = 100.0 is of type float; a int is needed"),
        ({"frames": True}, "frames = True is of type bool"),
        ({"frames": "1e-3"}, "frames = '1e-3' is of type str"),
        ({"frames": 3}, "frames = 3: allowed is at least 8"),
        ({"frame_rate": float("nan")}, r"frame_rate = nan: allowed is at least 50 \[Hz\]"),
        ({"size": (0.0, 40.0)}, r"size = \(0.0, 40.0\): allowed is above 0 \[mm\]"),
        ({"units": (4,)}, "units = .* is of type tuple"),
        ({"firing_rate": (8.0, 90.0)}, r"allowed is at least 0.5 and at most 50 \[Hz\]"),
        ({"synchronisation": (0.0, 1.1)}, "allowed is at least 0 and at most 0.5"),
        ({"profile": "square"}, "allowed is one of 'disc', 'soft disc'"),
        ({"diameter": (2.5, 50.0)}, "at most the image size"),
        ({"half_relaxation": (0.07, 0.13)}, "above contraction_time"),
        ({"half_relaxation": (0.2, 0.3)}, "at most twice the contraction_time"),
        ({"contraction_time": (0.02, 0.075)}, "at most twice the contraction_time"),
        ({"refractory": 0.09}, "at most 0.8 of the shortest mean interval"),
    ],
)
def test_each_wrong_value_is_named_with_what_is_allowed(changes, message):
    with pytest.raises(ParameterError, match=message):
        preset("paper1", **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"units": (10, 4)},
        {"firing_rate": (13.0, 8.0)},
        {"synchronisation": (0.2, 0.1)},
        {"diameter": (10.0, 2.5)},
        {"contraction_time": (0.075, 0.05)},
        {"half_relaxation": (0.13, 0.1)},
        {"lead": (0.015, 0.003)},
        {"amplitude": (30.0, 2.0)},
        {"variation": (0.1, 0.05)},
        {"noise_snr": (30.0, 10.0)},
    ],
)
def test_ranges_go_from_low_to_high(changes):
    ((name, value),) = changes.items()
    with pytest.raises(
        ParameterError, match=re.escape(f"{name} = {value}: a range goes from low to high")
    ):
        preset("paper1", **changes)
    assert getattr(preset("paper1", **{name: value[::-1]}), name) == value[::-1]


def test_unknown_preset_lists_the_known_ones():
    with pytest.raises(ParameterError, match="allowed are paper1, paper2, paper1-reduced"):
        preset("paper3")


def test_lists_as_json_and_yaml_have_them_are_tuples():
    assert preset("paper1", units=[1, 2]).units == (1, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"refractory": 30.0},
            r"refractory = 30.0: allowed is .* at most 0.1 \[s\]; 30 ms would be 0.03$",
        ),
        ({"contraction_time": (5e4, 7e4)}, r"contraction_time = .* \[s\]; 50000 us would be 0.05$"),
        ({"refractory": 3e9}, r"refractory = .* at most 0.1 \[s\]$"),  # in no unit
        # anything could be meant
        ({"frame_rate": 0.4}, r"frame_rate = 0.4: allowed is at least 50 \[Hz\]$"),
    ],
)
def test_a_value_in_another_unit_is_told(changes, message):
    with pytest.raises(ParameterError, match=message):
        preset("paper1", **changes)
