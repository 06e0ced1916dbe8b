"""Translate a store of sequences into another domain, with its labels."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import xarray as xr
from tqdm.auto import tqdm

from musclelib import __version__, sequences
from musclelib.networks import weights
from musclelib.parameters import ParameterError
from musclelib.sequences.schema import FRAMES, SCHEMA
from musclelib.streams import Purpose, torch_seed
from musclelib.translation.translate import MEMORY, Translator, plan, translate

# variables that describe only the frames of the source
_NOT_KEPT = ("velocity_mean", "velocity_sd", "true_map", "true_signal")


def translate_store(
    generator: Translator,
    source: str | Path,
    target: str | Path,
    *,
    count: int | None = None,
    statistics: str = "whole",
    chunk: int | None = None,
    memory: float = MEMORY,
    precision: str = "bf16-mixed",
    seed: int = 0,
    replace: bool = False,
) -> None:
    """Translate every sequence of a store, or finish what was interrupted.

    A finished store is left unchanged. Each velocity is standardised, translated, and scaled back
    to the mean and the SD of its source. Labels (territories, twitch trains, firing times, ...) are
    kept; variables of the frames of the source (their true velocity, other images) are not. A
    progress bar is shown.

    Parameters
    ----------
    generator : Generator or LightGenerator
        The network that maps to the other domain.
    source, target : str or Path
        Sequence stores: a local folder, or an fsspec URL.
    count : int, optional
        Number of sequences to translate, from the first on; by default all.
    statistics, chunk, memory, precision
        As in `translate`.
    seed : int
        Seed of injected noise, which differs between sequences.
    replace : bool
        Whether a target with other content is removed and not refused.

    Raises
    ------
    ParameterError
        An option is unknown, or the memory is too small.
    SequenceError
        The source is missing, has no velocity or a constant one, or the target exists with other
        content.
    """
    origin = sequences.open(source)
    if "velocity" not in origin:
        raise sequences.SequenceError(f"{source}: has no 'velocity'")
    if count is not None:
        if not 1 <= count <= origin.sizes["sequence"]:
            raise ParameterError(
                f"count = {count}: {source} has {origin.sizes['sequence']} sequences"
            )
        origin = origin.isel(sequence=slice(count))
    shape = origin.velocity.shape[1:]
    how = plan(
        generator, shape, statistics=statistics, chunk=chunk, memory=memory, precision=precision
    )
    names = ("domain", "source", "parameters", "seed", "version")
    parameters = {
        "generator": type(generator).__name__,
        "settings": json.loads(generator.settings.to_json()),
        "weights": weights.digest(generator),
        "statistics": how.statistics,
        "precision": precision,
        "origin": {name: origin.attrs[name] for name in names if name in origin.attrs},
    }
    if "velocity_sd" in origin:  # tells sources apart that say the same of themselves
        parameters["content"] = hashlib.sha256(origin.velocity_sd.to_numpy().tobytes()).hexdigest()
    attributes = {
        "domain": "translated",
        "source": f"musclelib.translation.translate of: {origin.attrs['source']}",
        "parameters": json.dumps(parameters, sort_keys=True),
        "seed": seed,
        "version": __version__,
    }
    total = origin.sizes["sequence"]
    missing = sequences.missing(
        target, total, attributes, lambda: _template(origin, attributes), replace=replace
    )
    for index in tqdm(
        missing, total=total, initial=total - len(missing), unit="seq", desc="translate"
    ):
        velocity = origin.velocity[index].to_numpy()
        mean, deviation = sequences.moments(velocity)
        if not deviation > 0:
            raise sequences.SequenceError(
                f"{source}: sequence {index} does not move; it cannot be standardised"
            )
        draw = torch_seed(Purpose.INJECTED_NOISE, seed, index)
        standard = (velocity - np.float32(mean)) / np.float32(deviation)
        velocity = translate(
            generator,
            standard,
            statistics=statistics,
            chunk=chunk,
            memory=memory,
            precision=precision,
            seed=draw,
        )
        velocity = velocity * np.float32(deviation) + np.float32(mean)
        made = _sequence(origin.isel(sequence=[index]), velocity, attributes)
        sequences.put(target, index, made)
    if missing:
        sequences.finish(target, total)


def _sequence(
    origin: xr.Dataset, velocity: np.ndarray, attributes: dict[str, object]
) -> xr.Dataset:
    """Return the labels of one sequence with another velocity."""
    kept = [
        name
        for name, variable in origin.data_vars.items()
        if "sequence" in variable.dims and variable.dims != FRAMES and name not in _NOT_KEPT
    ]
    made = origin[kept].assign(velocity=origin.velocity.copy(data=velocity[None]))
    for name, value in sequences.standardisation(velocity).items():
        spec = SCHEMA[name]
        made[name] = (spec.dims, value, {"units": spec.units[0], "long_name": spec.long_name})
    made.attrs = attributes
    return made.load()


def _template(origin: xr.Dataset, attributes: dict[str, object]) -> xr.Dataset:
    return _sequence(
        origin.isel(sequence=[0]), np.zeros(origin.velocity.shape[1:], np.float32), attributes
    )
