"""The command line: `python -m musclelib train | ship | recipes`.

train RECIPE RUN [STORE ...] trains by a recipe, or goes on with a run that was stopped
ship RUN TARGET              writes TARGET.safetensors, TARGET.json (the recipe) and TARGET.md
recipes [RECIPE]             lists the recipes, or prints one
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from musclelib.parameters import ParameterError
from musclelib.sequences import SequenceError
from musclelib.training import Recipe, TrainingError, ship, train_recipe
from musclelib.training.recipe import kept


def recipes() -> dict[str, Recipe]:
    """Return the recipes of all tasks by name."""
    from musclelib.identification.recipes import RECIPES as identification
    from musclelib.translation.recipes import RECIPES as translation

    return translation | identification


def recipe(name: str) -> Recipe:
    """Return a recipe by its name, or from a JSON file such as that of a run or of shipped weights.

    Raises
    ------
    ParameterError
        No recipe has this name, or the file holds no recipe.
    """
    known = recipes()
    if name in known:
        return known[name]
    if not Path(name).is_file():
        raise ParameterError(f"recipe {name!r}: allowed are {', '.join(known)}, or a JSON file")
    try:
        return read(json.loads(Path(name).read_text()))
    except (ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{name}: holds no recipe ({' '.join(str(error).split())})") from None


def read(about: dict[str, Any]) -> Recipe:
    """Build the recipe that a run keeps."""
    kinds = {type(known).__name__: type(known) for known in recipes().values()}
    return kinds[about["kind"]].from_dict(about["recipe"])


def change(value: str) -> tuple[str, Any]:
    """Split `PATH=VALUE`; the value is read as JSON if possible, otherwise as text."""
    path, _, text = value.partition("=")
    try:
        return path, json.loads(text)
    except json.JSONDecodeError:
        return path, text


def main(arguments: list[str] | None = None) -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(
        "python -m musclelib",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train by a recipe, or go on with a run")
    train.add_argument("recipe", help="name, or JSON file")
    train.add_argument("run", type=Path, help="folder of the run")
    train.add_argument("stores", type=Path, nargs="*", help="sequence stores, in its order")
    train.add_argument(
        "--set",
        type=change,
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a value of the recipe: stages.*.training.seed=1",
    )
    send = commands.add_parser("ship", help="write weights, recipe and card of a run")
    send.add_argument("run", type=Path, help="folder of the run")
    send.add_argument("target", type=Path, help="name of the files, without their endings")
    send.add_argument("--note", default="", help="for the card: what the run does not know")
    show = commands.add_parser("recipes", help="list the recipes, or print one")
    show.add_argument("recipe", nargs="?", help="name, or JSON file")
    given = parser.parse_args(arguments)
    try:
        if given.command == "train":
            wanted = recipe(given.recipe)
            for path, value in given.set:
                wanted = wanted.changed_at(path, value)
            print(train_recipe(wanted, given.run, given.stores))
        elif given.command == "ship":
            print(*ship(read(kept(given.run)), given.run, given.target, given.note), sep="\n")
        elif given.recipe:
            print(json.dumps(json.loads(recipe(given.recipe).to_json()), indent=1))
        else:
            print(*(f"{name}: {one.purpose}" for name, one in recipes().items()), sep="\n")
    except (ParameterError, SequenceError, TrainingError) as error:
        sys.exit(f"musclelib {given.command}: {error}")


if __name__ == "__main__":
    main()
