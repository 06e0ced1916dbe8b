"""Batches of simulated sequences, or of crops around one motor unit, with their truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from musclelib import __version__, sequences
from musclelib.networks.mask_rcnn import truth
from musclelib.networks.twitch import crop
from musclelib.parameters import ParameterError
from musclelib.simulator import SimulatorParameters, simulate
from musclelib.streams import Purpose, stream

_CROPS = 4  # number of crops from one sequence, whose simulation takes as long as several crops


class _Simulated(Dataset[tuple[Any, ...]]):
    """Simulated sequences by number, flipped at random along depth and lateral.

    Source: paper 2, section III-B.3.

    Parameters
    ----------
    parameters : SimulatorParameters
        Parameters of the simulation; paper 2 trains with 5 to 30 units.
    batch : int
        Number of examples of a step and device.
    seed : int
        Seed of the set.
    count : int, optional
        Number of different sequences, from which all are drawn; None: no sequence is repeated.
    flip : bool
        Whether sequences are flipped.
    rank, world : int
        Number of this device, and number of all devices.
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
        self.digest = (
            f"simulated by musclelib {__version__} as {parameters.to_json()},"
            f" {count or 'ever new'} sequences"
        )

    def _sequence(
        self, number: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
        """Return velocity [SD], territories and trains [SD] of draw `number`, and its stream."""
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
        """Return the numbers of the draws of this device in a step."""
        first = (step * self.world + self.rank) * size
        return range(first, first + size)


class SimulatedTerritories(_Simulated):
    """Standardised sequences `(batch, 1, time, depth, lateral)` and their truth, by step."""

    def __getitem__(self, step: int) -> tuple[Tensor, list[dict[str, Tensor]]]:
        velocities, truths = [], []
        for number in self._numbers(step, self.batch):
            velocity, territory, _, _ = self._sequence(number)
            velocities.append(torch.from_numpy(velocity.copy())[None])
            truths.append(truth(torch.from_numpy(territory.copy())))
        return torch.stack(velocities), truths


class SimulatedTrains(_Simulated):
    """Crops `(batch, 1, time, 16, 16)` around one unit and its train `(batch, time)` [SD], by step.

    Four crops come from one sequence, around units that are drawn without replacement.
    """

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        crops, trains = [], []
        for number in self._numbers(step, -(-self.batch // _CROPS)):
            velocity, territory, train, rng = self._sequence(number)
            for unit in rng.permutation(len(territory))[:_CROPS]:
                crops.append(torch.from_numpy(crop(velocity, territory[unit]))[None])
                trains.append(torch.from_numpy(train[unit]))
        return torch.stack(crops[: self.batch]), torch.stack(trains[: self.batch])
