"""Real recordings for the tests of this room."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from musclelib.recordings.downloads import MIRROR, fetch


@pytest.fixture
def recording() -> Callable[[str], Path]:
    """The path of a real recording; where there is no local mirror, the test is skipped."""
    if not os.environ.get(MIRROR):
        pytest.skip(f"real recordings are tested where {MIRROR} names a folder that holds them")
    return fetch
