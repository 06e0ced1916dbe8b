"""Early stopping of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from musclelib.parameters import Parameters, quantity
from musclelib.training import TrainingParameters, train
from musclelib.training.checkpoint import read
from musclelib.training.objective import Supervised

_SCORES = {2: 5.0, 4: 4.0, 6: 4.0, 8: 3.0, 10: 3.5, 12: 3.0, 14: 2.0, 16: 1.0}  # by step


@dataclass(frozen=True)
class _Settings(Parameters):
    width: int = quantity(2, low=1)


class _Line(Supervised):
    """A linear map with dropout, whose draws a resumed run must repeat."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.settings = _Settings()
        self.network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 1))

    def loss(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, dict[str, Any]]:
        return (self.network(x) - y).square().mean(), {}


class _Points:
    digest = "points"

    def __init__(self, rank: int, world: int) -> None:
        pass

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = np.random.default_rng(step).standard_normal((4, 2), dtype=np.float32)
        return torch.from_numpy(x), torch.from_numpy(x.sum(1, keepdims=True))


def _known(objective: Any, step: int) -> dict[str, float]:
    return {"score": _SCORES[step]}


def _run(folder: Path, review: Callable[..., dict[str, float]] = _known, **changes: Any) -> Path:
    small = {"steps": 16, "checkpoint_every": 5, "review_every": 2, "patience": 2}
    how = {"device": "cpu", "precision": "32-true", **small, **changes}
    return train(_Line(), _Points, folder, TrainingParameters.from_dict(how), review)


def _steps(folder: Path) -> list[int]:
    return list(pd.read_csv(folder / "losses.csv").step)


def test_a_run_ends_when_its_score_has_not_improved_for_some_reviews(tmp_path: Path) -> None:
    best = _run(tmp_path)
    assert _steps(tmp_path) == list(range(1, 13))
    assert read(best)[1]["step"] == 8
    assert read(tmp_path / "last.safetensors")[1]["step"] == 12
    _run(tmp_path)
    assert _steps(tmp_path)[-1] == 12


def test_without_patience_all_steps_are_taken(tmp_path: Path) -> None:
    best = _run(tmp_path, patience=None)
    assert _steps(tmp_path)[-1] == 16
    assert read(best)[1]["step"] == 16


@pytest.mark.parametrize("at", [8, 10, 12])
def test_a_run_interrupted_before_its_end_ends_bit_identical(tmp_path: Path, at: int) -> None:
    def interrupted(objective: Any, step: int) -> dict[str, float]:
        if step == at:
            raise KeyboardInterrupt
        return _known(objective, step)

    _run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "stopped", interrupted)
    _run(tmp_path / "stopped")
    for name in ("best", "last"):
        (one, about), (two, again) = (
            read(tmp_path / run / f"{name}.safetensors") for run in ("whole", "stopped")
        )
        assert about == again
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one)
    assert _steps(tmp_path / "stopped") == _steps(tmp_path / "whole")


def test_more_patience_continues_a_run_that_has_ended(tmp_path: Path) -> None:
    _run(tmp_path / "short")
    _run(tmp_path / "short", patience=3)
    _run(tmp_path / "long", patience=3)
    assert _steps(tmp_path / "short")[-1] == 16
    ends = [read(tmp_path / run / "last.safetensors")[0] for run in ("short", "long")]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])
