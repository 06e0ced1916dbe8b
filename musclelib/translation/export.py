"""Ship what a run of a translation trained: averaged generators, and a card that says how they came about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from musclelib import sequences
from musclelib.metrics.compare import Features
from musclelib.networks import weights
from musclelib.networks.light_generator import LightGenerator
from musclelib.training import card
from musclelib.training.checkpoint import TrainingError, load_averaged, read
from musclelib.translation.models.cyclegan import CycleGAN
from musclelib.translation.models.one_sided import OneSided
from musclelib.translation.presets import build
from musclelib.translation.spectra import equalised


def export(
    run: Path, target: Path, stores: list[Path], note: str = "", match: Sequence[int] = ()
) -> None:
    """Write weights and card of a run's best checkpoint.

    The card's numbers are those of the run's own tables.

    `target` and the endings `.safetensors` and `.md` are the generator from A to B and the card,
    `-back.safetensors` the one from B to A, where there is one. `note` is kept with both: what the
    run does not know, such as the weights it began with. `match` are the numbers of the sequences
    of domain A that the generator's filter on time is matched on, with all of domain B; none: no
    filter.

    Raises
    ------
    TrainingError
        The run has no checkpoint, or one of another model, or of one that takes no filter, or it
        was on other stores.
    """
    best = run / "best.safetensors"
    best = best if best.exists() else run / "last.safetensors"
    settings = dict(read(best)[1]["settings"])
    model = build(settings.pop("name"), **settings)
    about = load_averaged(best, model)
    card.check_stores(best, about["data"], stores)
    generator = model.to_b
    if match:
        if not isinstance(model, OneSided) or len(stores) != 2:
            raise TrainingError(
                f"{run}: a filter is matched for a one-sided model, on stores of domain A and B"
            )
        simulated, in_vivo = stores
        generator = _matched(model, simulated, in_vivo, match)
        note = "; ".join(
            [
                *([note] if note else []),
                f"its filter on time was matched after training, on {len(match)} sequences",
            ]
        )
    losses = pd.read_csv(run / "losses.csv")
    trained = losses[losses.step <= about["step"]]
    parameters = about["parameters"]
    facts = {
        "model": model.settings.name,
        "steps": str(about["step"]),
        "hours": f"{trained.seconds.median() * len(trained) / 3600:.2f}",  # a pause is no training
        "seconds a step": f"{trained.seconds.median():.2f}",
        "batch": str(parameters["batch"]),
        "side of clips": str(parameters["crop"] or "whole"),
        "seed": str(parameters["seed"]),
        "device": card.device(),
        "note": note,
    }
    files = {target.with_suffix(".safetensors"): generator}
    if isinstance(model, CycleGAN):
        files[target.with_name(f"{target.name}-back.safetensors")] = model.to_a
    for path, network in files.items():
        weights.save(network, path, half=False, **facts)
    described = [
        f"- weights (SHA-256 of parameters and values): `{weights.digest(generator)}`",
        *map(weights.card_line, files),
    ]
    target.with_suffix(".md").write_text(
        _card(trained, pd.read_csv(run / "scores.csv"), len(losses), about, described, stores, note)
    )


def _matched(
    model: OneSided, simulated: Path, in_vivo: Path, numbers: Sequence[int]
) -> LightGenerator:
    a, b = sequences.open(simulated), sequences.open(in_vivo)
    originals = [sequences.standardised(x) for x in sequences.each(a.isel(sequence=list(numbers)))]
    rate = sequences.frame_rate(b)
    return equalised(model.to_b, originals, Features.of(sequences.each(b), rate), rate)


def _card(
    trained: pd.DataFrame,
    scores: pd.DataFrame,
    run: int,
    about: dict[str, Any],
    described: list[str],
    stores: list[Path],
    note: str,
) -> str:
    lines = [
        f"# {about['settings']['name']}",
        "",
        (
            "Translates simulated sequences of tissue velocity (domain A) to the look of the"
            " synthetic in-vivo domain (B)."
        ),
        "Trained on simulated and synthetic data alone; no recording of a person.",
        "",
        f"- steps: {about['step']} of {run} run; the best by its score",
        (
            f"- time to that step: {trained.seconds.sum() / 3600:.2f} h, pauses included (median"
            f" {trained.seconds.median():.2f} s a step)"
        ),
        f"- device: {card.device()}; other work ran beside it where steps vary",
        f"- training: `{about['parameters']}`",
        f"- model: `{about['settings']}`",
        *described,
        *(f"- data: {card.data(store)}" for store in stores),
        *([f"- note: {note}"] if note else []),
        "",
        (
            "Validation on sequences that were not trained on (`scores.csv` of the run; score lower"
            " better):"
        ),
        "",
        *card.rows(scores),
        "",
    ]
    return "\n".join(lines)
