"""Train the networks of paper 2, and ours of firings, on what is simulated on the way.

Ship their weights with a card.

`python -m musclelib.identification.train NETWORK RUN` trains the `detector` or the `twitch` network
of paper 2, or the detector of `firings`, and goes on with a run that was stopped. With `--export
TARGET`, the best checkpoint of the run's last stage is written as `TARGET.safetensors` and
`TARGET.md` instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from musclelib.identification.examples import SimulatedTerritories, SimulatedTrains
from musclelib.identification.firing_examples import SimulatedFirings
from musclelib.identification.objectives import Detection, FiringDetection, TwitchEstimation
from musclelib.identification.recipes import RECIPES, Recipe, Stage
from musclelib.identification.validation import (
    FiringValidation,
    TerritoryValidation,
    TrainValidation,
)
from musclelib.networks import weights
from musclelib.networks.firing_detector import FiringParameters
from musclelib.networks.mask_rcnn import DetectorParameters, load_pretrained
from musclelib.parameters import ParameterError
from musclelib.simulator import SimulatorParameters, preset
from musclelib.training import card
from musclelib.training.checkpoint import TrainingError, load_averaged, read
from musclelib.training.data import Examples
from musclelib.training.loop import fit
from musclelib.training.run import Validate

# sequences: some 400 units to detect, or 96 trains; of firings 384 trains in each band of their
# rate
_VALIDATED = 24

_ABOUT = {
    "Detector": (
        "Identifies motor units in sequences (paper 2): 64 x 64 pixels, 400 frames at 400 Hz."
    ),
    "TwitchNetwork": (
        "Estimates the twitch train of a motor unit (paper 2): crops of 16 x 16 pixels at 400 Hz."
    ),
    "FiringDetector": (
        "Tells when the twitches of a train begin: trains up to 50 Hz, at 200 frames a second."
    ),
}


def train_identification(
    recipe: Recipe, folder: str | Path, pretrained: str = "", validated: int = _VALIDATED
) -> Path:
    """Train stage after stage, each in a folder of its name below `folder`.

    Finished stages are left alone.

    The simulated sequences are those of preset "paper2", with the noise of the stage, and trains of
    firings those of `SimulatedFirings`; the seed of a stage's parameters is theirs, too, and that
    of the first weights. Validation is on sequences of another seed.

    Parameters
    ----------
    recipe : Recipe
        What to train and how; `RECIPES` holds ours and the paper's.
    folder : str or Path
        Folder of the run.
    pretrained : str
        What a detector starts from: "coco" or "imagenet", downloaded by torchvision; empty: new
        weights, with nothing to be kept fixed.
    validated : int
        Sequences that are validated on.

    Returns
    -------
    Path
        The best checkpoint of the last stage.
    """
    best: Path | None = None
    for number, stage in enumerate(recipe.stages):
        torch.manual_seed(stage.training.seed)
        objective = _objective(recipe, stage, bool(pretrained))
        if best is not None:
            load_averaged(best, objective)
        elif pretrained:
            if not isinstance(objective, Detection):
                raise ParameterError(
                    f"pretrained = {pretrained!r}: there are such weights for a detector only"
                )
            load_pretrained(objective.detector, pretrained)
        examples, validate = _examples(recipe, stage, stage.training.seed + number, validated)
        best = fit(objective, examples, Path(folder) / stage.name, stage.training, validate)
    if best is None:
        raise ParameterError("recipe: there are no stages")
    return best


def _examples(
    recipe: Recipe, stage: Stage, seed: int, validated: int
) -> tuple[Callable[[int, int], Examples], Validate]:
    """Return what a stage trains on, of a seed of its own, and what judges it, the same for all stages."""
    training = stage.training
    if isinstance(recipe.network, FiringParameters):
        return partial(SimulatedFirings, training.batch, seed), FiringValidation(
            validated, training.seed
        )
    simulated, detects = sequences_of(stage), isinstance(recipe.network, DetectorParameters)
    made = SimulatedTerritories if detects else SimulatedTrains
    judge = TerritoryValidation if detects else TrainValidation
    examples = partial(made, simulated, training.batch, seed, recipe.sequences, training.flip)
    return examples, judge(simulated, validated, training.seed)


def sequences_of(stage: Stage) -> SimulatorParameters:
    """Return what a stage's sequences are simulated with."""
    return preset("paper2", noise_snr=stage.noise)


def _objective(
    recipe: Recipe, stage: Stage, pretrained: bool
) -> Detection | TwitchEstimation | FiringDetection:
    if isinstance(recipe.network, DetectorParameters):
        return Detection(recipe.network.changed(fixed=stage.fixed and pretrained))
    if isinstance(recipe.network, FiringParameters):
        return FiringDetection(recipe.network)
    return TwitchEstimation(recipe.network)


def export(recipe: Recipe, folder: str | Path, target: str | Path, note: str = "") -> None:
    """Write the averaged weights of the last stage's best checkpoint, and a card with the numbers of the run's tables.

    Parameters
    ----------
    recipe : Recipe
        What was trained.
    folder : str or Path
        Folder of the run.
    target : str or Path
        Name of the two files, without their endings.
    note : str
        Kept with both: what the run does not know.

    Raises
    ------
    TrainingError
        No stage has a checkpoint yet, or it is of another model.
    """
    folder, target = Path(folder), Path(target)
    done = [stage for stage in recipe.stages if (folder / stage.name / "best.safetensors").exists()]
    if not done:
        raise TrainingError(f"{folder}: no stage has a best checkpoint yet")
    objective = _objective(recipe, done[-1], False)
    metadata = load_averaged(folder / done[-1].name / "best.safetensors", objective)
    network = objective.detector if isinstance(objective, Detection) else objective.network
    detects_firings = isinstance(objective, FiringDetection)
    losses = {stage.name: pd.read_csv(folder / stage.name / "losses.csv") for stage in done}
    steps = {name: len(table) for name, table in losses.items()} | {done[-1].name: metadata["step"]}
    hours = sum(losses[name].seconds[:count].sum() for name, count in steps.items()) / 3600
    facts = {
        "model": f"{type(network).__name__} {network.settings.name}",
        "steps": ", ".join(f"{count} ({name})" for name, count in steps.items()),
        "hours": f"{hours:.2f}",
        "data": SimulatedFirings.__name__ if detects_firings else sequences_of(done[-1]).to_json(),
        "note": note,
    }
    weights.save(network, target.with_suffix(".safetensors"), half=True, **facts)
    scores = {stage.name: pd.read_csv(folder / stage.name / "scores.csv") for stage in done}
    stages = [
        # the parameters as they were; the recipe may have changed since
        f"- stage `{stage.name}`: {'' if detects_firings else f'noise {stage.noise} dB, '}"
        f"`{read(folder / stage.name / 'best.safetensors')[1]['parameters']}`"
        for stage in done
    ]
    facts["file"] = weights.card_line(target.with_suffix(".safetensors"))
    target.with_suffix(".md").write_text(_card(network, facts, stages, losses, scores))


def _card(
    network: Any,
    facts: dict[str, str],
    stages: list[str],
    losses: dict[str, pd.DataFrame],
    scores: dict[str, pd.DataFrame],
) -> str:
    lines = [
        f"# {facts['model']}",
        "",
        _ABOUT[type(network).__name__],
        "Trained on simulated data alone; no recording of a person.",
        "",
        f"- steps: {facts['steps']}; the last one is the best by its score",
        (
            f"- time: {facts['hours']} h, on {card.device()}; other work ran beside it where steps"
            " vary"
        ),
        f"- model: `{network.settings.to_json()}`",
        (
            f"- values: {sum(value.numel() for value in network.parameters())}, kernels and"
            " matrices in half precision"
        ),
        f"- weights as trained (SHA-256 of parameters and values): `{weights.digest(network)}`",
        facts["file"],
        f"- data: made while training, no sequence twice unless said, `{facts['data']}`",
        *stages,
        *([f"- note: {facts['note']}"] if facts["note"] else []),
        "",
    ]
    for name in losses:
        lines += [
            f"Losses of stage `{name}`, means over its quarters:",
            "",
            *card.curve(losses[name]),
            "",
        ]
        lines += ["Validation on sequences that were not trained on (score lower better):", ""]
        lines += [*card.rows(scores[name]), ""]
    return "\n".join(lines)


def main() -> None:
    """Train or export from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", choices=RECIPES)
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("--recipe", default="light", choices=("light", "paper"))
    parser.add_argument(
        "--pretrained", default="", choices=("", "coco", "imagenet"), help="weights to download"
    )
    parser.add_argument(
        "--steps", type=int, nargs="*", help="of each stage, where not the recipe's"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--export", type=Path, metavar="TARGET", help="write the trained weights instead"
    )
    parser.add_argument("--note", default="", help="kept with exported weights")
    arguments = parser.parse_args()
    recipes = RECIPES[arguments.network]
    if arguments.recipe not in recipes:
        parser.error(f"--recipe {arguments.recipe}: {arguments.network} has {', '.join(recipes)}")
    recipe = recipes[arguments.recipe]
    steps = arguments.steps or [stage.training.steps for stage in recipe.stages]
    if len(steps) != len(recipe.stages):
        parser.error(
            f"--steps: {len(recipe.stages)} numbers are needed, of"
            f" {', '.join(s.name for s in recipe.stages)}"
        )
    stages = tuple(
        stage._replace(training=stage.training.changed(steps=count, seed=arguments.seed))
        for stage, count in zip(recipe.stages, steps, strict=True)
    )
    recipe = recipe._replace(stages=stages)
    if arguments.export:
        export(recipe, arguments.run, arguments.export, arguments.note)
    else:
        train_identification(recipe, arguments.run, arguments.pretrained)


if __name__ == "__main__":
    main()
