"""What the cards of trained weights have in common."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from musclelib import sequences
from musclelib.training.checkpoint import TrainingError


def device() -> str:
    """Say what this machine trains on."""
    name = (
        torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    )
    return f"{name}, {platform.machine()}"


def rows(table: pd.DataFrame) -> list[str]:
    """Return the lines of a table of numbers in Markdown."""
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * table.shape[1]]
    return lines + [
        "| " + " | ".join(f"{value:.4g}" for value in row) + " |" for row in table.to_numpy(float)
    ]


def curve(losses: pd.DataFrame) -> list[str]:
    """Return the means of a run's losses over its quarters as a table."""
    quarters = losses.drop(columns="step").groupby(losses.index * 4 // len(losses)).mean()
    quarters.insert(0, "quarter", range(1, len(quarters) + 1))
    return rows(quarters)


def check_stores(checkpoint: Path, data: str, stores: Sequence[Path]) -> None:
    """Refuse to name stores on a card that its weights have not seen.

    `data` is what the checkpoint says of them.

    Raises
    ------
    TrainingError
        Its run was on others, or they have changed since.
    """
    for number, store in enumerate(stores, 1):
        if sequences.digest(sequences.open(store)) not in data:
            raise TrainingError(
                f"{checkpoint}: store {number} of {len(stores)} for its card is none that its run"
                " saw, or has changed since; name its own stores"
            )


def data(store: Path) -> str:
    """Say what a store holds, so that another one can be told from it."""
    dataset = sequences.open(store)
    attributes = dataset.attrs
    return (
        f"`{store.name}`, {dataset.sizes['sequence']} sequences, {attributes['domain']}, seed"
        f" {attributes.get('seed')}, digest `{sequences.digest(dataset)}`"
    )
