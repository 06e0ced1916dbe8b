"""Batches of simulated units with their truth, made while training: whole sequences, or crops around one unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from musclelib import sequences
from musclelib.networks.mask_rcnn import truth
from musclelib.networks.twitch import crop
from musclelib.parameters import ParameterError
from musclelib.simulator import SimulatorParameters, simulate
from musclelib.streams import Purpose, stream

_CROPS = 4  # of one sequence: a simulation costs as much as several of them


class _Simulated(Dataset[tuple[Any, ...]]):
    """Sequences by number, each turned over at random along depth and lateral (paper 2, section III-B.3).

    Parameters
    ----------
    parameters : SimulatorParameters
        What is simulated; paper 2 trains with 5 to 30 units.
    batch : int
        Examples of a step and device.
    seed : int
        Seed of the set.
    count : int, optional
        Number of different sequences, each drawn again and again; None: no sequence comes twice.
    flip : bool
        Whether sequences are turned over.
    rank, world : int
        This device and the number of all.
    """

    def __init__(
        self,
        parameters: SimulatorParameters,
        batch: int,
        seed: int,
        count: int | None = None,
        flip: bool = True,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if not parameters.units[0]:
            raise ParameterError(
                f"units = {parameters.units}: there must be at least one to learn from"
            )
        if count is not None and count < 1:
            raise ParameterError(f"count = {count}: allowed is at least 1, or None")
        self.parameters, self.batch, self.seed, self.count = parameters, batch, seed, count
        self.flip, self.rank, self.world = flip, rank, world
        self.digest = f"simulated as {parameters.to_json()}, {count or 'ever new'} sequences"

    def _sequence(
        self, number: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
        """Return velocity [SD], territories and trains [SD] of draw `number`, and the stream of what else is drawn."""
        rng = stream(Purpose.SIMULATED_EXAMPLE, self.seed, number)
        made = simulate(
            self.parameters,
            self.seed,
            number if self.count is None else int(rng.integers(self.count)),
        )
        axes = [axis for axis in (1, 2) if self.flip and rng.random() < 0.5]
        _, deviation = sequences.moments(made.velocity)
        velocity = np.flip(sequences.standardised(made.velocity), tuple(axes))
        return (
            velocity,
            np.flip(made.territory, tuple(axes)),
            made.twitch_train / np.float32(deviation),
            rng,
        )

    def _numbers(self, step: int, size: int) -> range:
        """Return the numbers of this device's share of a step."""
        first = (step * self.world + self.rank) * size
        return range(first, first + size)


class SimulatedTerritories(_Simulated):
    """Item `step`: standardised sequences `(batch, 1, time, depth, lateral)`, and the truth of each for a detector."""

    def __getitem__(self, step: int) -> tuple[Tensor, list[dict[str, Tensor]]]:
        velocities, truths = [], []
        for number in self._numbers(step, self.batch):
            velocity, territory, _, _ = self._sequence(number)
            velocities.append(torch.from_numpy(velocity.copy())[None])
            truths.append(truth(torch.from_numpy(territory.copy())))
        return torch.stack(velocities), truths


class SimulatedTrains(_Simulated):
    """Item `step`: crops around one unit each `(batch, 1, time, 16, 16)`, and its twitch train `(batch, time)` [SD].

    Four crops are of one sequence, of units drawn without replacement.
    """

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        crops, trains = [], []
        for number in self._numbers(step, -(-self.batch // _CROPS)):
            velocity, territory, train, rng = self._sequence(number)
            for unit in rng.permutation(len(territory))[:_CROPS]:
                crops.append(torch.from_numpy(crop(velocity, territory[unit]))[None])
                trains.append(torch.from_numpy(train[unit]))
        return torch.stack(crops[: self.batch]), torch.stack(trains[: self.batch])
