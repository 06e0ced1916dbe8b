"""Batches of components whose territories are known, from stores with labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from musclelib import __version__, sequences
from musclelib.identification.reader.components import Components, blocks
from musclelib.identification.reader.read import read_territories
from musclelib.metrics.matching import match
from musclelib.parameters import ParameterError
from musclelib.streams import Purpose, stream

_BEHIND = 0.5  # correlation of trains above which a unit causes a component
_SHIFT = 8  # largest random shift of a field in training [pixel]


class Labelled(NamedTuple):
    """The components of one sequence, and its units."""

    components: Components
    territory: np.ndarray  # (unit, depth, lateral) bool, in the pixels of the field
    behind: np.ndarray  # (component,): number of the unit that causes it, or -1
    best: np.ndarray  # (component,) bool: no other component shows its unit better
    store: str  # digest of the set of sequences, and number of the sequence in it


def labelled(store: str | Path, numbers: Sequence[int] | None = None) -> list[Labelled]:
    """Separate sequences of a store into components, and assign the known units to them.

    Parameters
    ----------
    store : str or Path
        Simulated, synthetic in-vivo or translated sequences with `territory` and `twitch_train`.
    numbers : sequence of int, optional
        Numbers of the sequences; by default all.

    Raises
    ------
    SequenceError
        The store is missing or has no labels.
    """
    dataset = sequences.open(store)
    for name in ("velocity", "territory", "twitch_train", "unit_count"):
        if name not in dataset:
            raise sequences.SequenceError(f"{store}: has no {name!r}, which a labelled set has")
    rate = sequences.frame_rate(dataset)
    spacing = sequences.pixel_size(dataset)
    store = sequences.digest(dataset)
    found = []
    for number in tqdm(
        range(dataset.sizes["sequence"]) if numbers is None else numbers,
        unit="seq",
        desc="separate",
    ):
        one = dataset.isel(sequence=number).load()
        units = int(one.unit_count)
        territory = one.territory.values[:units].astype(bool)
        trains = one.twitch_train.values[:units]
        components = Components.of(one.velocity.values, rate, spacing)
        likeness = np.abs(_correlation(components.trains, trains))
        behind = np.full(len(components.trains), -1)
        best = np.zeros(len(behind), bool)
        if units and len(behind):
            behind = np.where(likeness.max(axis=1) > _BEHIND, likeness.argmax(axis=1), -1)
            best = (behind >= 0) & (likeness.argmax(axis=0)[behind] == np.arange(len(behind)))
        found.append(Labelled(components, territory, behind, best, f"{store}/{number}"))
    return found


class LabelledComponents(Dataset[tuple[Tensor, ...]]):
    """Images, territories, and flags of known territories and of units, by step.

    These are the arguments of `Reading.loss`. Components are drawn with replacement, flipped at
    random along depth and lateral, and shifted circularly.

    Parameters
    ----------
    sets : sequence of Labelled
        The labelled sequences to draw from, all of one field.
    batch : int
        Number of components of a step and device.
    seed : int
        Seed of the draws.
    rank, world : int
        Number of this device, and number of all devices.

    Raises
    ------
    ParameterError
        The sequences have no components, or their fields differ.
    """

    def __init__(
        self, sets: Sequence[Labelled], batch: int, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        fields = {one.components.images.shape[2:] for one in sets}
        self.sets = sets
        self.places = [
            (place, number) for place, one in enumerate(sets) for number in range(len(one.behind))
        ]
        if len(fields) > 1 or not self.places:
            raise ParameterError(
                f"labelled components: {len(self.places)} of fields {sorted(fields)}; one field is"
                " needed"
            )
        self.batch, self.seed, self.rank, self.world = batch, seed, rank, world
        self.territories = [blocks(one.territory, one.components.block) for one in sets]
        # not of the components, whose rounding depends on the number of threads
        seen = hashlib.sha256()
        for one in sets:
            seen.update(one.store.encode() + np.packbits(one.territory).tobytes())
        self.digest = f"components separated by musclelib {__version__} of {seen.hexdigest()}"

    def __getitem__(self, step: int) -> tuple[Tensor, ...]:
        return tuple(
            torch.stack(values) for values in zip(*map(self._one, self._numbers(step)), strict=True)
        )

    def _numbers(self, step: int) -> range:
        first = (step * self.world + self.rank) * self.batch
        return range(first, first + self.batch)

    def _one(self, number: int) -> tuple[Tensor, ...]:
        rng = stream(Purpose.LABELLED_COMPONENT, self.seed, number)
        place, component = self.places[int(rng.integers(len(self.places)))]
        one = self.sets[place]
        behind = int(one.behind[component])
        image = one.components.images[component]
        truth = self.territories[place][behind] if behind >= 0 else np.zeros_like(image[0])
        both = np.concatenate([image, truth[None]])
        both = np.flip(both, tuple(axis for axis in (1, 2) if rng.random() < 0.5))
        both = np.roll(both, tuple(rng.integers(-_SHIFT, _SHIFT + 1, 2)), (1, 2))
        images = torch.from_numpy(both.copy())
        flags = torch.tensor([float(behind >= 0), float(one.best[component])])
        return images[:-1], images[-1], flags[0], flags[1]


class ReadingValidation:
    """Read territories in sequences outside the training.

    `score`, better if lower, is 1 - F at an IoU of 0.5, with the F score of all units.
    """

    def __init__(self, sets: Sequence[Labelled]) -> None:
        self.sets = sets

    def __call__(self, objective: Any, step: int = 0) -> dict[str, float]:
        """Return recall, precision and score over all units."""
        hits = units = found = 0
        for one in self.sets:
            read_units = read_territories(one.components, objective.network)
            hits += len(match(one.territory, read_units.territory).true)
            units, found = units + len(one.territory), found + len(read_units.territory)
        return {
            "recall": hits / units if units else float("nan"),
            "precision": hits / found if found else float("nan"),
            "score": 1 - 2 * hits / (units + found) if units + found else 0.0,
        }


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    one, other = (trains - trains.mean(axis=1, keepdims=True) for trains in (first, second))
    lengths = np.outer(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))
    return one @ other.T / np.maximum(lengths, np.finfo(np.float32).tiny)
