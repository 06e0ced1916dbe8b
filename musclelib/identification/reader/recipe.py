"""Train the reader of territories on labelled stores, and ship its weights with a card."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from musclelib import sequences
from musclelib.identification.objectives import Reading
from musclelib.identification.reader.labelled import (
    Labelled,
    LabelledComponents,
    ReadingValidation,
    labelled,
)
from musclelib.networks import weights
from musclelib.networks.territory_reader import ReaderParameters
from musclelib.training import card
from musclelib.training.checkpoint import load_averaged
from musclelib.training.loop import fit
from musclelib.training.objective import TrainingParameters

_KEPT = 8  # one subject in so many is kept for validation


def recipe(steps: int = 2000, seed: int = 0) -> TrainingParameters:
    """Return how a reader is trained: batches of 16 components, Adam at 2e-3, weights averaged over 100 steps."""
    every = max(1, min(250, steps // 2))
    return TrainingParameters(
        steps=steps,
        batch=16,
        learning_rate=2e-3,
        betas=(0.9, 0.999),
        clip=1.0,
        ema=0.99,
        precision="32-true",  # the network is small
        seed=seed,
        checkpoint_every=every,
        preview_every=every,
    )


def train_reader(
    sets: Sequence[Labelled],
    folder: str | Path,
    parameters: TrainingParameters,
    kept: Sequence[Labelled] = (),
) -> Path:
    """Train a reader, or go on with a run that was stopped.

    Parameters
    ----------
    sets : sequence of Labelled
        What to train on.
    folder : str or Path
        Folder of the run.
    parameters : TrainingParameters
        How to train, such as `recipe`.
    kept : sequence of Labelled
        What chooses the checkpoint; without, it is the last one.

    Returns
    -------
    Path
        The checkpoint.

    Raises
    ------
    TrainingError
        The folder holds a run on other sequences, or with other parameters.
    """
    torch.manual_seed(parameters.seed)
    return fit(
        Reading(ReaderParameters()),
        lambda rank, world: LabelledComponents(
            sets, parameters.batch, parameters.seed, rank, world
        ),
        folder,
        parameters,
        ReadingValidation(kept) if kept else None,
    )


def split(store: str | Path) -> tuple[list[int], list[int]]:
    """Return the numbers of a store's sequences to train on, and of those of the subjects that are kept."""
    dataset = sequences.open(store)
    subjects = dataset.subject.values if "subject" in dataset else range(dataset.sizes["sequence"])
    kept = [number for number, subject in enumerate(subjects) if subject % _KEPT == _KEPT - 1]
    return [number for number in range(len(subjects)) if number not in kept], kept


def export(checkpoint: Path, target: Path, stores: Sequence[Path]) -> None:
    """Write the averaged weights of a checkpoint, and a card with the numbers of its run's tables.

    Raises
    ------
    TrainingError
        The checkpoint is of another model, or of a run on other stores.
    """
    model = Reading(ReaderParameters())
    about = load_averaged(checkpoint, model)
    card.check_stores(checkpoint, about["data"], stores)
    losses, judged = pd.read_csv(checkpoint.parent / "losses.csv"), checkpoint.parent / "scores.csv"
    scores = pd.read_csv(judged) if judged.stat().st_size else None  # empty where nothing was kept
    hours = losses.seconds[: about["step"]].sum() / 3600
    facts = {"model": "TerritoryReader", "steps": str(about["step"]), "hours": f"{hours:.2f}"}
    weights.save(model.reader, target.with_suffix(".safetensors"), half=True, **facts)
    lines = [
        "# TerritoryReader",
        "",
        (
            "Reads the territory of a motor unit out of the map of a separated component, and"
            " whether it is one."
        ),
        "Trained on synthetic data alone; no recording of a person.",
        "",
        f"- steps: {about['step']} of {len(losses)} run"
        + ("; the best by its score" if scores is not None else ""),
        (
            f"- time to that step: {hours:.2f} h, on {card.device()}; other work ran beside it"
            " where steps vary"
        ),
        f"- training: `{about['parameters']}`",
        f"- model: `{about['settings']}`",
        (
            f"- weights as trained (SHA-256 of parameters and values): `{weights.digest(model.reader)}`;"
            " kernels in half precision"
        ),
        weights.card_line(target.with_suffix(".safetensors")),
        *(
            f"- data: {card.data(store)}; one subject in {_KEPT} kept for validation"
            for store in stores
        ),
        "",
        "Losses, means over quarters of the run:",
        "",
        *card.curve(losses),
        "",
    ]
    if scores is not None:
        lines += [
            "Validation on subjects that were not trained on (score lower better):",
            "",
            *card.rows(scores),
            "",
        ]
    target.with_suffix(".md").write_text("\n".join(lines))


def main() -> None:
    """Train and export from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument(
        "target", type=Path, help="name of the weights and the card, without their endings"
    )
    parser.add_argument("stores", type=Path, nargs="+", help="labelled sequences")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sets: list[Labelled] = []
    kept: list[Labelled] = []
    for store in arguments.stores:
        own, others = split(store)
        sets += labelled(store, own)
        kept += labelled(store, others)
    checkpoint = train_reader(sets, arguments.run, recipe(arguments.steps, arguments.seed), kept)
    export(checkpoint, arguments.target, arguments.stores)


if __name__ == "__main__":
    main()
