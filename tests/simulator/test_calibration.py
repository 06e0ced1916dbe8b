"""The calibrated values are frozen: a change needs a new record."""

import dataclasses
import hashlib
import re
from pathlib import Path

import pytest

from musclelib.metrics.spatial import HISTOGRAM_EDGES
from musclelib.simulator import InVivoParameters
from musclelib.simulator.cross_section import SUBJECTS, TissueParameters, subject
from musclelib.simulator.echo import EchoParameters

DOCS = Path(__file__).parents[2] / "docs"
RECORD = (DOCS / "calibration.md").read_text()
KINDS = {"TissueParameters": TissueParameters, "EchoParameters": EchoParameters}


ROWS = re.findall(r"\| `(\w+)\.(\w+)` \| ([\d.]+)", RECORD)


def test_the_record_names_what_was_tuned():
    assert len(ROWS) == 10


def test_everything_behind_a_sequence_is_that_of_the_record():
    text = InVivoParameters().to_json() + repr(HISTOGRAM_EDGES.tolist())
    assert hashlib.sha256(text.encode()).hexdigest() in RECORD


@pytest.mark.parametrize(("kind", "name", "value"), ROWS)
def test_defaults_are_those_of_the_record(kind, name, value):
    defaults = {field.name: field.default for field in dataclasses.fields(KINDS[kind])}
    assert defaults[name] == float(value)


def test_subjects_have_the_noise_of_the_record():
    low, high = map(float, re.search(r"subjects have (\d+) to (\d+) dB", RECORD).groups())
    levels = sorted(subject(number).snr for number in range(SUBJECTS))
    assert (levels[0], levels[-1], levels[SUBJECTS // 2]) == (low, high, EchoParameters().snr)
