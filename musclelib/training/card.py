"""Ship the result of a run: averaged weights, the recipe, and a card about their training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from musclelib import __version__, sequences
from musclelib.files import whole
from musclelib.networks import weights
from musclelib.training.checkpoint import TrainingError, load_averaged, read
from musclelib.training.recipe import Recipe, kept


def ship(recipe: Recipe, run: str | Path, target: str | Path, note: str = "") -> list[Path]:
    """Write the averaged networks of a run's best checkpoint, its recipe and a card.

    The numbers of the card are those in the tables of the run; the stores that it names are those
    on which the weights were trained.

    Parameters
    ----------
    recipe : Recipe
        The recipe of the run, see `recipe.kept`.
    run : str or Path
        Folder of the run.
    target : str or Path
        Name of the files without their endings, which are `.safetensors`, `.json` (the recipe) and
        `.md` (the card).
    note : str
        A note for the card on what the run cannot know.

    Returns
    -------
    list of Path
        The files of weights.

    Raises
    ------
    TrainingError
        No stage has a checkpoint yet, the checkpoint is of another model, or the stores have
        changed since.
    """
    run, target = Path(run), Path(target)
    stores = _stores(run)
    found = {stage.name: _checkpoint(run / stage.name) for stage in recipe.stages}
    done = {name: path for name, path in found.items() if path is not None}
    if not done:
        raise TrainingError(f"{run}: no stage has a checkpoint yet")
    last = next(stage for stage in reversed(recipe.stages) if stage.name in done)

    objective = recipe.objective(last)
    about = load_averaged(done[last.name], objective)
    networks = recipe.shipped(objective, stores)

    losses = {name: pd.read_csv(run / name / "losses.csv") for name in done}
    steps = {name: len(table) for name, table in losses.items()} | {last.name: about["step"]}
    facts = {
        "model": f"{type(networks['']).__name__} {recipe.name}",
        "steps": ", ".join(f"{count} ({name})" for name, count in steps.items()),
        "hours": f"{_hours(losses, steps):.2f}",
        "seconds a step": f"{losses[last.name].seconds.median():.2g}",
        "device": about["device"],
        "seed": str(last.training.seed),
        "note": note,
    }
    files = [target.with_name(f"{target.name}{ending}.safetensors") for ending in networks]
    for path, network in zip(files, networks.values(), strict=True):
        weights.save(network, path, half=recipe.half, **facts)
    with whole(target.with_name(f"{target.name}.json")) as new:
        new.write_text(json.dumps(_public(kept(run)), indent=1) + "\n")
    lines = _head(recipe, facts, networks, files, stores, about)
    lines += [_stage(name, path) for name, path in done.items()]
    lines += [f"- note: {note}"] if note else []
    for name in done:
        lines += _tables(name, losses[name], run / name / "scores.csv")
    with whole(target.with_name(f"{target.name}.md")) as new:
        new.write_text("\n".join([*lines, ""]))
    return files


def rows(table: pd.DataFrame) -> list[str]:
    """Return the lines of a table of numbers in Markdown."""
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * table.shape[1]]
    numbers = table.to_numpy(float)
    return lines + ["| " + " | ".join(f"{value:.4g}" for value in row) + " |" for row in numbers]


def _public(about: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe that a run keeps, with the names of its stores instead of their paths."""
    return about | {"stores": [one | {"store": _name(one["store"])} for one in about["stores"]]}


def _name(store: str) -> str:
    return store.rstrip("/").rsplit("/", 1)[-1]


def _stores(run: Path) -> list[str]:
    """Return the stores of a run; refuse those that have changed since."""
    stores = kept(run)["stores"]
    for one in stores:
        if sequences.digest(sequences.open(one["store"])) != one["digest"]:
            raise TrainingError(
                f"{one['store']}: has changed since {run} was trained on it; the card would name"
                " other sequences than the weights saw"
            )
    return [one["store"] for one in stores]


def _checkpoint(folder: Path) -> Path | None:
    files = (folder / f"{name}.safetensors" for name in ("best", "last"))
    return next((path for path in files if path.exists()), None)


def _hours(losses: dict[str, pd.DataFrame], steps: dict[str, int]) -> float:
    """Return the training time up to the shipped step [h]; a pause counts as one median step."""
    return sum(losses[name].seconds.median() * count for name, count in steps.items()) / 3600


def _head(
    recipe: Recipe,
    facts: dict[str, str],
    networks: dict[str, nn.Module],
    files: Sequence[Path],
    stores: Sequence[str],
    about: dict[str, Any],
) -> list[str]:
    values = sum(value.numel() for value in networks[""].parameters())
    seen = [f"- data: {_described(store)}" for store in stores]
    return [
        f"# {recipe.name}",
        "",
        recipe.purpose,
        "",
        f"- steps: {facts['steps']}; the last one is the best by its score, where there is one",
        f"- time: {facts['hours']} h to that step ({facts['seconds a step']} s a step) on"
        f" {facts['device']}; other work ran beside it where steps vary",
        f"- model: `{json.dumps(about['settings'])}`",
        f"- values: {values}{', kernels and matrices in half precision' if recipe.half else ''}",
        "- weights as trained (SHA-256 of parameters and values):"
        f" `{weights.digest(networks[''])}`",
        *map(weights.card_line, files),
        *(seen or [f"- data: made while training, `{about['data']}`"]),
        f"- made by musclelib {__version__}, recipe `{recipe.name}`",
    ]


def _described(store: str) -> str:
    """Return a line that identifies a store by its contents."""
    dataset = sequences.open(store)
    attributes = dataset.attrs
    return (
        f"`{_name(store)}`, {dataset.sizes['sequence']} sequences, {attributes['domain']}, seed"
        f" {attributes.get('seed')}, digest `{sequences.digest(dataset)}`"
    )


def _stage(name: str, path: Path) -> str:
    # the parameters as they were; the recipe may have been lengthened since
    return f"- stage `{name}`: `{json.dumps(read(path)[1]['parameters'])}`"


def _tables(name: str, losses: pd.DataFrame, scores: Path) -> list[str]:
    """Return the lines of a stage's losses, as means over its quarters, and of its scores."""
    quarters = losses.drop(columns="step").groupby(losses.index * 4 // len(losses)).mean()
    quarters.insert(0, "quarter", range(1, len(quarters) + 1))
    lines = ["", f"Losses of stage `{name}`, means over its quarters:", "", *rows(quarters)]
    if scores.exists() and scores.stat().st_size:
        lines += ["", "Validation on sequences that were not trained on (score: lower is better):"]
        lines += ["", *rows(pd.read_csv(scores))]
    return lines
