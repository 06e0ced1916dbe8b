"""Training examples: pairs of frames, or motion features, with the change of the muscle state."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from musclelib.muscle_state.features import integration_points, motion_features
from musclelib.muscle_state.kept_features import kept_features
from musclelib.muscle_state.trials import Trials
from musclelib.parameters import ParameterError
from musclelib.streams import Purpose, stream

TYPICAL = 500
"""Number of equidistant training frames from which means are determined (paper 3)."""


class Moments(NamedTuple):
    """Means and SDs of the inputs and of the changes of EMG, torque and angle."""

    input_mean: Tensor
    input_sd: Tensor
    output_mean: Tensor
    output_sd: Tensor


class StateExamples(Dataset[tuple[Tensor, Tensor]]):
    """Inputs and changes `(batch, 3)` [V, N m, deg] by step; every epoch has another order.

    Parameters
    ----------
    trials : Trials
        The store.
    numbers : sequence of int
        Numbers of the trials to train on.
    batch : int
        Number of examples of a step and device.
    seed : int
        Seed of the order.
    rank, world : int
        Number of this device, and number of all devices.

    Raises
    ------
    ParameterError
        A signal does not change in these trials.
    """

    def __init__(
        self,
        trials: Trials,
        numbers: Sequence[int],
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.trials, self.numbers = trials, list(numbers)
        self.batch, self.seed, self.rank, self.world = batch, seed, rank, world
        self.changes = torch.from_numpy(trials.changes(self.numbers)).flatten(0, 1)
        self.digest = f"pairs of frames of trials {self.numbers} of {trials.digest}"
        if not (self.changes.std(dim=0) > 0).all():
            raise ParameterError(
                f"{trials.store}: trials {self.numbers}: EMG, torque or angle does not change"
            )

    def __len__(self) -> int:
        return len(self.changes)

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        first = (step * self.world + self.rank) * self.batch
        return self.rows([self._drawn(number) for number in range(first, first + self.batch)])

    def rows(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return the inputs and changes of some examples, in the order of trials and frames."""
        raise NotImplementedError

    def input_moments(self) -> tuple[Tensor, Tensor]:
        """Return mean and SD of the inputs."""
        raise NotImplementedError

    def moments(self) -> Moments:
        """Return the moments by which a network standardises inputs and changes."""
        sd, mean = torch.std_mean(self.changes.double(), dim=0)
        return Moments(*self.input_moments(), mean.float(), sd.float())

    def _drawn(self, number: int) -> int:
        epoch, place = divmod(number, len(self))
        return int(_order(self.seed, epoch, len(self))[place])


class FramePairs(StateExamples):
    """Two consecutive frames `(batch, 2, depth, lateral)` [grey values], and the changes."""

    def rows(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return frames and changes of some pairs."""
        pairs = [
            self.trials.frames(self.numbers[trial], frame, 2)
            for trial, frame in (divmod(number, self.trials.pairs) for number in numbers)
        ]
        return torch.from_numpy(np.stack(pairs)), self.changes[list(numbers)]

    def input_moments(self) -> tuple[Tensor, Tensor]:
        """Return mean and SD of the grey values of equidistant frames."""
        frames = np.stack(list(self.trials.equidistant(self.numbers, TYPICAL)))
        return torch.tensor([frames.mean()]).float(), torch.tensor([frames.std()]).float()


class FeatureRows(StateExamples):
    """Displacements of integration points `(batch, 2 * point)` [px], and the changes.

    Parameters
    ----------
    features : numpy.ndarray
        Features of the trials, see `trial_features`, `(trial, pair, 2 * point)`.
    points : numpy.ndarray
        The integration points.
    """

    def __init__(
        self,
        features: np.ndarray,
        points: np.ndarray,
        trials: Trials,
        numbers: Sequence[int],
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        super().__init__(trials, numbers, batch, seed, rank, world)
        self.points = torch.from_numpy(points)
        self.features = torch.from_numpy(features).flatten(0, 1)
        made = hashlib.sha256(features.tobytes() + points.tobytes()).hexdigest()
        self.digest = f"features {made} of {self.digest}"

    def rows(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return features and changes of some pairs."""
        return self.features[list(numbers)], self.changes[list(numbers)]

    def input_moments(self) -> tuple[Tensor, Tensor]:
        """Return mean and SD of each displacement."""
        sd, mean = torch.std_mean(self.features.double(), dim=0)
        return mean.float(), sd.clamp(min=1e-6).float()


def training_points(trials: Trials, numbers: Sequence[int], count: int) -> np.ndarray:
    """Return the integration points of equidistant frames of the training trials."""
    return integration_points(trials.equidistant(numbers, TYPICAL), count)


def trial_features(
    trials: Trials, numbers: Sequence[int], points: np.ndarray, window: int, cache: str | Path
) -> np.ndarray:
    """Compute the motion features of trials, or read those that a previous call has computed.

    Parameters
    ----------
    trials : Trials
        The store.
    numbers : sequence of int
        Numbers of the trials.
    points : numpy.ndarray
        Integration points `(point, 2)` [px].
    window : int
        Side length of the window [px].
    cache : str or Path
        Folder that keeps the features.

    Returns
    -------
    numpy.ndarray
        float32 `(trial, pair, 2 * point)` [px].

    Raises
    ------
    ParameterError
        A frame has no feature that could be followed.
    """

    def made(number: int) -> np.ndarray:
        return motion_features(trials.all_frames(number), points, window)

    about = f"motion {window} {hashlib.sha256(points.tobytes()).hexdigest()}"
    features = np.stack(kept_features(trials, numbers, made, about, cache))
    lost = np.argwhere(~np.isfinite(features).all(axis=2))
    if len(lost):
        trial, frame = lost[0]
        raise ParameterError(
            f"{trials.store}: trial {numbers[trial]}, frame {frame}: no feature could be followed"
            f" ({len(lost)} such frames); leave the trial out"
        )
    return features


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> np.ndarray:
    return stream(Purpose.FRAME_PAIRS, seed, epoch).permutation(count)
