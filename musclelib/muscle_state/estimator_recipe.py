"""Train state estimators on sequences of features with known signals."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from musclelib.muscle_state.estimator import Features, frame_features
from musclelib.muscle_state.trials import Trials
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters
from musclelib.parameters import ParameterError
from musclelib.streams import Purpose, stream, torch_seed
from musclelib.training.checkpoint import load_averaged
from musclelib.training.loop import train
from musclelib.training.objective import Optimiser, Supervised, TrainingParameters

FRAMES = 56
"""Frames of a training window; shorter sequences cut all windows of a run to their length."""

TRAINING = TrainingParameters(
    steps=500,
    batch=16,
    optimisers={"all": Optimiser(rate=2e-3, betas=(0.9, 0.999), clip=1.0, halve_every=100)},
    ema=0.98,
    precision="32-true",
    checkpoint_every=500,
    review_every=500,
)
"""Settings of the training; 10 s on one core."""


class KnownSequence(NamedTuple):
    """Features of a video and its signals."""

    features: Features
    state: np.ndarray
    """Signals at the frames, float32 `(time, signal)`."""


def known_sequences(trials: Trials, numbers: Sequence[int]) -> list[KnownSequence]:
    """Make the features of trials, with EMG, torque and angle [V, N m, deg] as their signals.

    Split trials by participants first (`split`).

    Parameters
    ----------
    trials : Trials
        The trials of a store.
    numbers : sequence of int
        Numbers of the trials to take.
    """
    return [
        KnownSequence(
            frame_features(itertools.chain.from_iterable(trials.chunks(number))),
            trials.states[number].astype(np.float32),
        )
        for number in numbers
    ]


class StateWindows(Dataset[tuple[Tensor, ...]]):
    """Windows of sequences by step: appearance, motion, state, `(batch, time, ...)`.

    A sequence is drawn with a probability proportional to its number of frames.

    Parameters
    ----------
    sequences : sequence of KnownSequence
        The training sequences.
    batch : int
        Number of windows of a step and device.
    seed : int
        Seed of the draws.
    rank, world : int
        Number of this device, and number of all devices, which draw different windows.

    Raises
    ------
    ParameterError
        There is no sequence, a sequence's signals do not have one finite value for each frame, or a
        signal is the same throughout.
    """

    def __init__(
        self,
        sequences: Sequence[KnownSequence],
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if not sequences:
            raise ParameterError("state windows: there are no sequences")
        total = hashlib.sha256()
        for number, (features, state) in enumerate(sequences):
            if len({len(features.appearance), len(features.motion), len(state)}) > 1:
                raise ParameterError(
                    f"sequence {number}: {len(features.appearance)} frames and {len(state)} values"
                    " of the signals; needed is one a frame"
                )
            if not np.isfinite(state).all():
                raise ParameterError(f"sequence {number}: a signal has values that are not finite")
            total.update(b"".join(part.tobytes() for part in (*features, state)))
        still = np.ptp(np.concatenate([one.state for one in sequences]), axis=0) == 0
        if still.any():
            raise ParameterError(
                f"signal {int(still.argmax())}: is the same in all frames of all sequences; nothing"
                " can be learned of it"
            )
        self.sequences = [_tensors(one) for one in sequences]
        lengths = np.array([len(one[0]) for one in self.sequences])
        self.shares = lengths / lengths.sum()
        self.batch, self.seed, self.first = batch, seed, rank * batch
        self.frames = min(FRAMES, int(lengths.min()))
        self.digest = f"{len(sequences)} sequences of features, {total.hexdigest()}"

    def __getitem__(self, step: int) -> tuple[Tensor, ...]:
        drawn = [self._window(step, self.first + number) for number in range(self.batch)]
        return tuple(torch.stack(parts) for parts in zip(*drawn, strict=True))

    def _window(self, step: int, number: int) -> tuple[Tensor, ...]:
        rng = stream(Purpose.STATE_WINDOWS, self.seed, step, number)
        parts = self.sequences[int(rng.choice(len(self.sequences), p=self.shares))]
        start = int(rng.integers(len(parts[0]) - self.frames + 1))
        return tuple(part[start : start + self.frames] for part in parts)


class StateEstimation(Supervised):
    """Trains a state estimator on windows with known signals."""

    network: StateEstimator

    def __init__(self, settings: StateEstimatorParameters) -> None:
        super().__init__()
        self.settings = settings
        self.network = StateEstimator(settings)

    def loss(
        self, appearance: Tensor, motion: Tensor, state: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum of the losses of state and change, and the two.

        Each is the mean squared error of the estimates plus the negative log-likelihood of a
        Gaussian around them, from which only the stated SD learns: a network that may trade the
        two states large SDs where it is wrong and ceases to improve there.

        Parameters
        ----------
        appearance, motion, state : Tensor
            `(batch, time, feature)` and `(batch, time, signal)`, in the units of the training set.
        """
        network = self.network
        out = network(appearance, motion)
        level = (state - network.state_mean) / network.state_sd
        change = state.diff(dim=1) / network.change_sd
        parts = {
            "state": _likelihood(level - out.state, out.state_log_sd),
            "change": _likelihood(change - out.change[:, 1:], out.change_log_sd[:, 1:]),
        }
        return parts["state"] + parts["change"], parts


def train_estimators(
    sequences: Sequence[KnownSequence],
    settings: StateEstimatorParameters,
    folder: str | Path,
    seeds: int = 3,
    training: TrainingParameters = TRAINING,
) -> list[StateEstimator]:
    """Train estimators of different seeds on the same sequences; finished ones are only loaded.

    Parameters
    ----------
    sequences : sequence of KnownSequence
        The training sequences; axes and moments of the networks come from them alone.
    settings : StateEstimatorParameters
        Architecture of the networks.
    folder : str or Path
        Folder of the runs, one a seed.
    seeds : int
        Number of networks.
    training : TrainingParameters
        Settings of the training; its seed is that of the first network.

    Raises
    ------
    ParameterError, TrainingError
        As `StateWindows` and `train`.
    """
    networks = []
    for seed in range(training.seed, training.seed + seeds):
        torch.manual_seed(torch_seed(Purpose.FIRST_WEIGHTS, seed))
        objective = StateEstimation(settings)
        examples = partial(StateWindows, sequences, training.batch, seed)
        objective.network.fit(*zip(*examples().sequences, strict=True))
        best = train(objective, examples, Path(folder) / str(seed), training.changed(seed=seed))
        load_averaged(best, objective)
        networks.append(objective.network.cpu().eval())
    return networks


def _likelihood(error: Tensor, log_sd: Tensor) -> Tensor:
    surprise = 0.5 * (error.detach() * torch.exp(-log_sd)).square() + log_sd
    return (error.square() + surprise).mean()


def _tensors(sequence: KnownSequence) -> tuple[Tensor, Tensor, Tensor]:
    """Return appearance, motion and state; a frame whose motion was lost has none."""
    (appearance, motion), state = sequence
    return (
        torch.from_numpy(appearance),
        torch.from_numpy(np.nan_to_num(motion)),
        torch.from_numpy(np.asarray(state, np.float32)),
    )
