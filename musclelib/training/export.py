"""Ship what a run trained: the averaged generator from A to B, and a card that says how it came about.

`python -m musclelib.training.export RUN TARGET A_STORE B_STORE` writes `TARGET.safetensors` and `TARGET.md`.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

import pandas as pd
import torch

from musclelib import sequences
from musclelib.networks.presets import build
from musclelib.networks.weights import digest, save_generator
from musclelib.training.checkpoint import load_averaged, read


def export(run: Path, target: Path, stores: list[Path]) -> None:
    """Write weights and card of a run's best checkpoint; the card's numbers are those of the run's own tables.

    Raises
    ------
    TrainingError
        The run has no checkpoint, or one of another model.
    """
    best = run / "best.safetensors"
    best = best if best.exists() else run / "last.safetensors"
    settings = dict(read(best)[1]["settings"])
    model = build(settings.pop("name"), **settings)
    about = load_averaged(best, model)
    save_generator(model.to_b, target.with_suffix(".safetensors"), step=str(about["step"]))
    target.with_suffix(".md").write_text(_card(run, about, digest(model.to_b), stores))


def _card(run: Path, about: dict[str, object], weights: str, stores: list[Path]) -> str:
    losses, scores = (pd.read_csv(run / f"{name}.csv") for name in ("losses", "scores"))
    trained = losses[losses.step <= about["step"]]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    lines = [
        f"# {about['settings']['name']}",  # type: ignore[index]
        "",
        "Translates simulated sequences of tissue velocity (domain A) to the look of the synthetic in-vivo domain (B).",
        "Trained on simulated and synthetic data alone; no recording of a person.",
        "",
        f"- steps: {about['step']} of {losses.step.max()} run; the best by its score",
        f"- time to that step: {trained.seconds.sum() / 3600:.2f} h (median {trained.seconds.median():.2f} s a step)",
        f"- device: {device}, {platform.machine()}; other work ran beside it where steps vary",
        f"- training: `{about['parameters']}`",
        f"- model: `{about['settings']}`",
        f"- weights (SHA-256 of parameters and values): `{weights}`",
        *(f"- data: {_data(store)}" for store in stores),
        "",
        "Validation on sequences that were not trained on (`scores.csv` of the run; score lower better):",
        "",
        "| " + " | ".join(scores.columns) + " |",
        "|" + " --- |" * scores.shape[1],
        *("| " + " | ".join(f"{value:.4g}" for value in row) + " |" for row in scores.to_numpy()),
        "",
    ]
    return "\n".join(lines)


def _data(store: Path) -> str:
    dataset = sequences.open(store)
    attributes = dataset.attrs
    return (
        f"`{store.name}`, {dataset.sizes['sequence']} sequences, {attributes['domain']}, seed {attributes.get('seed')},"
        f" sum of their SDs {float(dataset.velocity_sd.sum()):.9g} mm/s"
    )


def main() -> None:
    """Export a run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "target"):
        parser.add_argument(name, type=Path)
    parser.add_argument("stores", type=Path, nargs="*")
    arguments = parser.parse_args()
    export(arguments.run, arguments.target, arguments.stores)


if __name__ == "__main__":
    main()
