"""Windows of sequences of features with known signals, on which estimators are trained."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from musclelib.muscle_state.estimator import ORIENTATION, Features, frame_features
from musclelib.muscle_state.kept_features import kept_features
from musclelib.muscle_state.trials import Trials
from musclelib.parameters import ParameterError
from musclelib.streams import Purpose, stream


class KnownSequence(NamedTuple):
    """Features of a video and its signals."""

    features: Features
    state: np.ndarray
    """Signals at the frames, float32 `(time, signal)`."""

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return appearance, motion and state; a frame whose motion was lost has none."""
        appearance, motion = self.features
        return (
            torch.from_numpy(appearance),
            torch.from_numpy(np.nan_to_num(motion)),
            torch.from_numpy(np.asarray(self.state, np.float32)),
        )


def known_sequences(
    trials: Trials, numbers: Sequence[int], cache: str | Path
) -> list[KnownSequence]:
    """Make the features of trials, with EMG, torque and angle [V, N m, deg] as their signals.

    Split trials by participants first (`split`).

    Parameters
    ----------
    trials : Trials
        The trials of a store.
    numbers : sequence of int
        Numbers of the trials to take.
    cache : str or Path
        Folder that keeps the features.
    """

    def made(number: int) -> np.ndarray:
        return np.concatenate(frame_features(trials.all_frames(number)), axis=1)

    rows = kept_features(trials, numbers, made, "appearance and motion", cache)
    motion = 2 * math.prod(ORIENTATION)
    return [
        KnownSequence(
            Features(own[:, :-motion], own[:, -motion:]), trials.states[number].astype(np.float32)
        )
        for number, own in zip(numbers, rows, strict=True)
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
    frames : int
        Frames of a window; a shorter sequence cuts all windows to its length.

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
        frames: int = 56,
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
        self.sequences = [one.tensors() for one in sequences]
        lengths = np.array([len(one[0]) for one in self.sequences])
        self.shares = lengths / lengths.sum()
        self.batch, self.seed, self.first = batch, seed, rank * batch
        self.frames = min(frames, int(lengths.min()))
        self.digest = f"{len(sequences)} sequences of features, {total.hexdigest()}"

    def __getitem__(self, step: int) -> tuple[Tensor, ...]:
        drawn = [self._window(step, self.first + number) for number in range(self.batch)]
        return tuple(torch.stack(parts) for parts in zip(*drawn, strict=True))

    def _window(self, step: int, number: int) -> tuple[Tensor, ...]:
        rng = stream(Purpose.STATE_WINDOWS, self.seed, step, number)
        parts = self.sequences[int(rng.choice(len(self.sequences), p=self.shares))]
        start = int(rng.integers(len(parts[0]) - self.frames + 1))
        return tuple(part[start : start + self.frames] for part in parts)
