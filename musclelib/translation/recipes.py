"""Train a translation on two stores of sequences, and ship its weights with a card.

`python -m musclelib.translation.recipes MODEL RUN A_STORE B_STORE --target TARGET` trains, or goes
on with a run that was stopped, and writes `TARGET.safetensors` and `TARGET.md`. A one-sided model
gets its filter on time, too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch.utils.data import Subset

from musclelib import sequences
from musclelib.metrics.compare import Features
from musclelib.parameters import ParameterError
from musclelib.sequences.clips import Clips
from musclelib.training.loop import train
from musclelib.training.objective import TrainingParameters
from musclelib.translation.export import export
from musclelib.translation.models.cyclegan import CycleGAN
from musclelib.translation.models.one_sided import OneSided
from musclelib.translation.presets import MODELS, build
from musclelib.translation.validation import Validation

TESTS = 64
"""Sequences of domain A, the first ones, that are kept for tests: as many as Table 1 of paper 1 compares."""

_VALIDATED = 3  # of them, the last ones: they choose the checkpoint
_TARGETS = 24  # sequences of domain B that they are compared with
# sequences of domain A, of those trained on the last ones, that a filter on time is matched on
_MATCHED = 8


def train_translation(
    model: CycleGAN | OneSided,
    folder: str | Path,
    simulated: str | Path,
    in_vivo: str | Path,
    parameters: TrainingParameters,
    tests: int = TESTS,
) -> Path:
    """Train a model, or go on with a run that was stopped.

    Parameters
    ----------
    model : CycleGAN or OneSided
        With new weights, or those to begin with.
    folder : str or Path
        Folder of the run.
    simulated, in_vivo : str or Path
        Stores of domain A and B.
    parameters : TrainingParameters
        How to train.
    tests : int
        Sequences of domain A that are not trained on, the first ones; the last three of them choose
        the checkpoint.

    Returns
    -------
    Path
        The best checkpoint.

    Raises
    ------
    ParameterError
        The store of domain A has no sequence beyond those for tests.
    TrainingError
        As for `train`.
    """
    a, b = sequences.open(simulated), sequences.open(in_vivo)
    clips = Clips(simulated)
    if not 1 <= tests < clips.count:
        raise ParameterError(
            f"tests = {tests}: {simulated} has {clips.count} sequences; allowed is 1 to one less"
        )
    originals = a.isel(sequence=slice(max(tests - _VALIDATED, 0), tests))
    rate = sequences.frame_rate(b)
    target = Features.of(sequences.each(b.isel(sequence=slice(_TARGETS))), rate)
    return train(
        model,
        Subset(clips, range(tests * clips.per_sequence, len(clips))),
        Clips(in_vivo),
        folder,
        parameters,
        Validation(
            [sequences.standardised(frames) for frames in sequences.each(originals)], target, rate
        ),
    )


def main() -> None:
    """Train and export from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("stores", type=Path, nargs=2, help="sequences of domain A and of domain B")
    parser.add_argument(
        "--target", type=Path, required=True, help="name of weights and card, without their endings"
    )
    parser.add_argument(
        "--training", type=json.loads, default={}, help='as JSON: {"steps": 2000, "seed": 1}'
    )
    parser.add_argument(
        "--settings", type=json.loads, default={}, help='of the model, as JSON: {"features": 16}'
    )
    parser.add_argument(
        "--tests", type=int, default=TESTS, help="sequences of domain A that are not trained on"
    )
    parser.add_argument(
        "--note", default="", help="kept with the weights: what the run does not know"
    )
    arguments = parser.parse_args()
    parameters = TrainingParameters.from_dict(
        {"steps": 2000, "batch": 1, "flip": False} | arguments.training
    )
    torch.manual_seed(parameters.seed)
    model = build(arguments.model, **arguments.settings)
    simulated, in_vivo = arguments.stores
    train_translation(model, arguments.run, simulated, in_vivo, parameters, arguments.tests)
    count = sequences.open(simulated).sizes["sequence"]
    match = (
        range(max(arguments.tests, count - _MATCHED), count) if isinstance(model, OneSided) else ()
    )
    export(arguments.run, arguments.target, arguments.stores, arguments.note, match)


if __name__ == "__main__":
    main()
