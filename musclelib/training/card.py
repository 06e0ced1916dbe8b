"""What the cards of trained weights have in common."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pandas as pd
import torch

from musclelib import sequences


def device() -> str:
    """Say what this machine trains on."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    return f"{name}, {platform.machine()}"


def rows(table: pd.DataFrame) -> list[str]:
    """Return the lines of a table of numbers in Markdown."""
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * table.shape[1]]
    return lines + ["| " + " | ".join(f"{value:.4g}" for value in row) + " |" for row in table.to_numpy(float)]


def curve(losses: pd.DataFrame) -> list[str]:
    """Return the means of a run's losses over its quarters as a table."""
    quarters = losses.drop(columns="step").groupby(losses.index * 4 // len(losses)).mean()
    quarters.insert(0, "quarter", range(1, len(quarters) + 1))
    return rows(quarters)


def data(store: Path) -> str:
    """Say what a store holds, so that another one can be told from it."""
    dataset = sequences.open(store)
    attributes = dataset.attrs
    return (
        f"`{store.name}`, {dataset.sizes['sequence']} sequences, {attributes['domain']}, seed {attributes.get('seed')},"
        f" sum of their SDs {float(dataset.velocity_sd.sum()):.9g} mm/s"
    )
