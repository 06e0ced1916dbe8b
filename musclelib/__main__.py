"""The command line: `python -m musclelib COMMAND`, with `--help` for each.

Training: `train` by a recipe, `ship` what was trained, `recipes` lists them. The study: `step`
executes one notebook, `report` builds the pages, `record` takes results over into reports/, docs
and README, `clean` removes what was generated. Each command imports what it needs and no more.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musclelib.training import Recipe


def recipes() -> dict[str, Recipe]:
    """Return the recipes of all tasks by name."""
    from musclelib.identification.recipes import RECIPES as identification
    from musclelib.muscle_state.recipes import RECIPES as muscle_state
    from musclelib.translation.recipes import RECIPES as translation

    return translation | identification | muscle_state


def recipe(name: str) -> Recipe:
    """Return a recipe by its name, or out of a JSON file such as a run or shipped weights have.

    Raises
    ------
    ParameterError
        There is no such recipe, or the file holds none.
    """
    from musclelib.parameters import ParameterError

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
    from musclelib.parameters import ParameterError

    kinds = {type(known).__name__: type(known) for known in recipes().values()}
    if about["kind"] not in kinds:
        raise ParameterError(f"recipe of kind {about['kind']!r}: allowed are {', '.join(kinds)}")
    return kinds[about["kind"]].from_dict(about["recipe"])


def change(value: str) -> tuple[str, Any]:
    """Separate `PATH=VALUE`; the value is JSON, or else a text."""
    path, _, text = value.partition("=")
    try:
        return path, json.loads(text)
    except json.JSONDecodeError:
        return path, text


def _train(given: argparse.Namespace) -> None:
    from musclelib.training import train_recipe

    wanted = recipe(given.recipe)
    for path, value in given.set:
        wanted = wanted.changed_at(path, value)
    print(train_recipe(wanted, given.run, given.stores))


def _ship(given: argparse.Namespace) -> None:
    from musclelib.training import ship
    from musclelib.training.recipe import kept

    print(*ship(read(kept(given.run)), given.run, given.target, given.note), sep="\n")


def _recipes(given: argparse.Namespace) -> None:
    if given.recipe:
        print(json.dumps(json.loads(recipe(given.recipe).to_json()), indent=1))
    else:
        print(*(f"{name}: {one.purpose}" for name, one in recipes().items()), sep="\n")


def _step(given: argparse.Namespace) -> None:
    from musclelib.study.run import main

    main(given.notebook, given.output, given.parameters, given.after)


def _report(given: argparse.Namespace) -> None:
    from musclelib.study.pages import main

    main(given.scale, given.folder, given.reports, given.notebooks, given.docs)


def _record(given: argparse.Namespace) -> None:
    from musclelib.study.readme import main

    main(given.folder, given.reports, given.benchmarks, given.pages)


def _clean(given: argparse.Namespace) -> None:
    from musclelib.study.clean import main

    main(given.folder, given.reports)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m musclelib", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(work: Any, about: str, *places: str) -> argparse.ArgumentParser:
        made = commands.add_parser(work.__name__[1:], help=about, description=about)
        made.set_defaults(work=work)
        for name in places:
            made.add_argument(name, type=Path)
        return made

    train = command(_train, "train by a recipe, or go on with a run that was stopped")
    train.add_argument("recipe", help="name, or JSON file")
    train.add_argument("run", type=Path, help="folder of the run")
    train.add_argument("stores", nargs="*", help="sequence stores, in the recipe's order")
    train.add_argument(
        "--set",
        type=change,
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a value of the recipe: stages.*.training.seed=1",
    )
    ship = command(_ship, "write TARGET.safetensors, TARGET.json and TARGET.md", "run", "target")
    ship.add_argument("--note", default="", help="for the card: what the run does not know")
    show = command(_recipes, "list the recipes, or print one")
    show.add_argument("recipe", nargs="?", help="name, or JSON file")
    step = command(_step, "execute a notebook with parameters", "notebook", "output")
    step.add_argument("parameters", type=json.loads, help="as JSON text")
    step.add_argument(
        "--after", type=Path, nargs="*", default=[], help="executed steps that this one needs"
    )
    report = command(_report, "build the pages of the report")
    report.add_argument("scale")
    for name in ("folder", "reports", "docs"):
        report.add_argument(name, type=Path)
    report.add_argument("notebooks", type=Path, nargs="+")
    record = command(_record, "take the results of a run over", "folder", "reports", "benchmarks")
    record.add_argument("pages", type=Path, nargs="+")
    command(_clean, "remove what was generated and is marked so", "folder", "reports")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run one command."""
    given = _parser().parse_args(arguments)
    try:
        given.work(given)
    except (ValueError, RuntimeError) as error:
        # errors of this package are one line that says what to do; any other is a defect
        if type(error).__module__.partition(".")[0] != "musclelib":
            raise
        sys.exit(f"musclelib {given.command}: {error}")


if __name__ == "__main__":
    main()
