"""What is trained, on what and how long, as data; and the run that follows it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import nn

from musclelib import __version__, sequences
from musclelib.files import whole
from musclelib.parameters import ParameterError, Parameters, quantity
from musclelib.streams import Purpose, torch_seed
from musclelib.training.checkpoint import TrainingError, load_averaged
from musclelib.training.data import Examples
from musclelib.training.loop import train
from musclelib.training.objective import Objective, Review, TrainingParameters

RECIPE = "recipe.json"
"""The file in the folder of a run that holds its recipe and the stores it was given."""

_MAY_CHANGE = ("steps", "checkpoint_every", "review_every", "workers", "device")


@dataclass(frozen=True)
class Stage(Parameters):
    """One part of a training, which begins with the best weights of the part before it."""

    name: str = quantity(doc="name of the stage, and of its folder in the run")
    training: TrainingParameters = quantity(doc="how it is trained")


class Data(NamedTuple):
    """What a stage trains on, and what reviews it."""

    examples: Callable[[int, int], Examples]
    review: Review | None


@dataclass(frozen=True)
class Recipe(Parameters, ABC):
    """What is trained, on what and how long; a task's recipes add fields and fill in the methods."""

    name: str = quantity(doc="name of the recipe")
    purpose: str = quantity(doc="what the networks are for, and what they were trained on")
    stages: tuple[Stage, ...] = quantity(doc="parts of the training, in their order")

    half: ClassVar[bool] = False
    """Whether weights are shipped in half precision."""

    @abstractmethod
    def objective(self, stage: Stage) -> Objective:
        """Build the objective of a stage with new weights; the caller has seeded them."""

    @abstractmethod
    def data(self, stage: Stage, stores: Sequence[str], folder: Path) -> Data:
        """Return examples and review of a stage, out of stores or simulated.

        `folder` is that of the stage, where a review may draw previews.
        """

    @abstractmethod
    def shipped(self, objective: Objective, stores: Sequence[str]) -> dict[str, nn.Module]:
        """Return the networks to ship, by what their file's name ends in; the main one by ""."""

    def prepare(self, objective: Objective) -> None:
        """Give the first stage's objective weights to begin with, where a recipe names some."""

    def changed_at(self, path: str, value: Any) -> Self:
        """Return a copy with one value changed, however deep: `stages.0.training.steps`.

        A `*` stands for every member: `stages.*.training.seed`.

        Raises
        ------
        ParameterError
            There is no such value, or the new one is not allowed.
        """
        values = json.loads(self.to_json())
        _put(values, path.split("."), value, path)
        return self.from_dict(values)


def train_recipe(recipe: Recipe, run: str | Path, stores: Sequence[str | Path] = ()) -> Path:
    """Follow a recipe, or go on with a run that was stopped; finished stages are left alone.

    Each stage has a folder of its name below `run`, and begins with the best averaged weights of
    the stage before it. The seed of a stage's parameters also seeds its first weights.

    Parameters
    ----------
    recipe : Recipe
        What to train and how.
    run : str or Path
        Folder of the run, which also keeps the recipe and the digests of the stores.
    stores : sequence of str or Path
        The sequence stores that the recipe trains on, if any, in its order.

    Returns
    -------
    Path
        The best checkpoint of the last stage.

    Raises
    ------
    TrainingError
        The folder holds a run of another recipe or on other data; and as for `train`.
    ParameterError
        The recipe has no stages, or does not take these stores.
    """
    run = Path(run)
    # a folder is found again from anywhere; a URL stays as it is
    given = [str(one) if "://" in str(one) else str(Path(one).resolve()) for one in stores]
    if not recipe.stages:
        raise ParameterError(f"recipe {recipe.name}: there are no stages")
    _keep(recipe, run, given)
    best: Path | None = None
    for stage in recipe.stages:
        torch.manual_seed(torch_seed(Purpose.FIRST_WEIGHTS, stage.training.seed))
        objective = recipe.objective(stage)
        if best is None:
            recipe.prepare(objective)
        else:
            load_averaged(best, objective)
        folder = run / stage.name
        examples, review = recipe.data(stage, given, folder)
        best = train(objective, examples, folder, stage.training, review)
    assert best is not None
    return best


def kept(run: Path) -> dict[str, Any]:
    """Read what a run keeps of its recipe: `kind`, `recipe`, `stores` by path and digest, `version`.

    Raises
    ------
    TrainingError
        There is no such run.
    """
    try:
        return json.loads((run / RECIPE).read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{run}: is no run of a recipe ({error})") from None


def _keep(recipe: Recipe, run: Path, stores: Sequence[str]) -> None:
    """Write the recipe of a new run; refuse to go on with one of another recipe."""
    about = {
        "kind": type(recipe).__name__,
        "recipe": json.loads(recipe.to_json()),
        "stores": {store: sequences.digest(sequences.open(store)) for store in stores},
        "version": __version__,
    }
    if (run / RECIPE).exists():
        before = kept(run)
        for part in ("kind", "recipe"):
            if _fixed(before[part]) != _fixed(about[part]):
                raise TrainingError(
                    f"{run}: holds a run of another recipe ({before['recipe']['name']}), or of"
                    " the same with other values; choose another folder or remove it"
                )
        if list(before["stores"].values()) != list(about["stores"].values()):
            raise TrainingError(
                f"{run}: holds a run on other stores, or on stores that have changed since; choose"
                " another folder or remove it"
            )
    run.mkdir(parents=True, exist_ok=True)
    with whole(run / RECIPE) as new:
        new.write_text(json.dumps(about, indent=1))


def _fixed(value: Any) -> Any:
    """Leave out of a recipe what a run that goes on may have another value of."""
    if isinstance(value, dict):
        return {name: _fixed(item) for name, item in value.items() if name not in _MAY_CHANGE}
    return [_fixed(item) for item in value] if isinstance(value, list) else value


def _put(values: Any, path: list[str], value: Any, whole_path: str) -> None:
    first, *rest = path
    if not isinstance(values, dict | list):
        raise ParameterError(f"{whole_path}: there is nothing below {values!r}")
    members = list(values) if isinstance(values, dict) else list(range(len(values)))
    names = [name for name in members if first in ("*", str(name))]
    if not names:
        raise ParameterError(
            f"{whole_path}: there is no {first!r}; allowed are {', '.join(map(str, members))}"
        )
    for name in names:
        if rest:
            _put(values[name], rest, value, whole_path)
        else:
            values[name] = value
