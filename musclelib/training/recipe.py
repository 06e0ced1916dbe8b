"""Recipes: what is trained, on what and how long, as data; and the run that follows a recipe."""

from __future__ import annotations

import hashlib
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
"""Name of the file in the folder of a run that holds its recipe and its stores."""

_MAY_CHANGE = ("steps", "checkpoint_every", "review_every", "patience", "workers", "device")


@dataclass(frozen=True)
class Stage(Parameters):
    """One part of a training, which starts from the best weights of the previous part."""

    name: str = quantity(doc="name of the stage, and of its folder in the run")
    training: TrainingParameters = quantity(doc="settings of the training")


class Data(NamedTuple):
    """The examples and the review of a stage."""

    examples: Callable[[int, int], Examples]
    review: Review | None


@dataclass(frozen=True)
class Recipe(Parameters, ABC):
    """A training as data; the recipes of a task add fields and define the methods."""

    name: str = quantity(doc="name of the recipe")
    purpose: str = quantity(doc="purpose of the networks, and the kind of their training data")
    stages: tuple[Stage, ...] = quantity(doc="parts of the training in order")

    half: ClassVar[bool] = False
    """Whether weights are shipped in half precision."""

    def check(self) -> None:
        """Refuse a recipe without stages, or with two of one name, which would share a folder.

        Raises
        ------
        ParameterError
            It is such a recipe.
        """
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names) or not all(map(str.isidentifier, names)):
            raise ParameterError(
                f"recipe {self.name}: stages {names}; needed are one or more, each with a name of"
                " its own of letters and digits"
            )

    @abstractmethod
    def objective(self, stage: Stage) -> Objective:
        """Build the objective of a stage with new weights, which the caller has seeded."""

    @abstractmethod
    def data(self, stage: Stage, stores: Sequence[str], folder: Path) -> Data:
        """Return the examples and the review of a stage.

        Parameters
        ----------
        stage : Stage
            The stage.
        stores : sequence of str
            The sequence stores of the run; recipes that simulate their examples need none.
        folder : Path
            Folder of the stage, in which a review may draw previews.
        """

    @abstractmethod
    def shipped(self, objective: Objective, stores: Sequence[str]) -> dict[str, nn.Module]:
        """Return the networks to ship by the ending of their file's name, the main one by ""."""

    def prepare(self, objective: Objective, data: Data) -> None:
        """Prepare the objective of the first stage: initial weights, or moments of its examples."""

    def changed_at(self, path: str, value: Any) -> Self:
        """Return a copy with one value changed at any depth, such as `stages.0.training.steps`.

        A `*` stands for every member: `stages.*.training.seed`.

        Raises
        ------
        ParameterError
            The path does not exist, or the new value is not allowed.
        """
        values = json.loads(self.to_json())
        _put(values, path.split("."), value, path)
        return self.from_dict(values)


def train_recipe(recipe: Recipe, run: str | Path, stores: Sequence[str | Path] = ()) -> Path:
    """Follow a recipe, or continue a run that was stopped; finished stages are left unchanged.

    Each stage has a folder of its name in that of the run, and starts from the best averaged
    weights of the previous stage. The seed of a stage also seeds its initial weights.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    run : str or Path
        Folder of the run, which also keeps the recipe and the digests of the stores.
    stores : sequence of str or Path
        The sequence stores that the recipe trains on, if any, in the order of the recipe.

    Returns
    -------
    Path
        The best checkpoint of the last stage.

    Raises
    ------
    TrainingError
        The folder holds a run of another recipe or on other data; and errors of `train`.
    ParameterError
        The recipe has no stages, or does not accept these stores.
    """
    run = Path(run)
    # absolute paths stay valid from any folder; a URL stays as it is
    given = [str(one) if "://" in str(one) else str(Path(one).resolve()) for one in stores]
    _keep(recipe, run, given)
    best: Path | None = None
    origin = ""
    for stage in recipe.stages:
        torch.manual_seed(torch_seed(Purpose.FIRST_WEIGHTS, stage.training.seed))
        objective = recipe.objective(stage)
        folder = run / stage.name
        data = recipe.data(stage, given, folder)
        if best is None:
            recipe.prepare(objective, data)
        else:
            load_averaged(best, objective)
            origin = hashlib.sha256(best.read_bytes()).hexdigest()
        best = train(objective, data.examples, folder, stage.training, data.review, origin)
    assert best is not None
    return best


def kept(run: Path) -> dict[str, Any]:
    """Read the recipe of a run: `kind`, `recipe`, `stores` with their digests, `version`.

    Raises
    ------
    TrainingError
        The folder does not hold a run of a recipe.
    """
    try:
        return json.loads((run / RECIPE).read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{run}: is no run of a recipe ({error})") from None


def _keep(recipe: Recipe, run: Path, stores: Sequence[str]) -> None:
    """Write the recipe of a new run; refuse to continue a run of another recipe."""
    about = {
        "kind": type(recipe).__name__,
        "recipe": json.loads(recipe.to_json()),
        "stores": [
            {"store": store, "digest": sequences.digest(sequences.open(store))} for store in stores
        ],
        "version": __version__,
    }
    # a start that was refused has left no checkpoint, and binds nobody
    begun = any((run / stage.name / "last.safetensors").exists() for stage in recipe.stages)
    if begun and (run / RECIPE).exists():
        before = kept(run)
        for part in ("kind", "recipe"):
            if _fixed(before[part]) != _fixed(about[part]):
                raise TrainingError(
                    f"{run}: holds a run of another recipe ({before['recipe']['name']}), or of"
                    " the same with other values; choose another folder or remove it"
                )
        digests = [[one["digest"] for one in part["stores"]] for part in (before, about)]
        if digests[0] != digests[1]:
            raise TrainingError(
                f"{run}: holds a run on other stores, or on stores that have changed since; choose"
                " another folder or remove it"
            )
    run.mkdir(parents=True, exist_ok=True)
    with whole(run / RECIPE) as new:
        new.write_text(json.dumps(about, indent=1))


def _fixed(value: Any) -> Any:
    """Return a recipe without the values that may change when a run is continued."""
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
