"""Stores of trials: B-mode sequences with the signals of muscle state, and their participants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import zarr

from musclelib import sequences
from musclelib.networks.standardised import STATES
from musclelib.parameters import ParameterError
from musclelib.simulator.longitudinal.tasks import Task

TASKS = tuple(map(str, Task))
"""Names of the tasks by their number in a store."""


class Trials:
    """The trials of a store: frames, changes of the muscle state, participants and tasks.

    Parameters
    ----------
    store : str or Path
        A sequence store with `intensity` `(sequence, time, depth, lateral)`, and `emg` [V],
        `torque` [N m] and `angle` [deg] `(sequence, time)`, `subject` and `task` `(sequence,)`.

    Raises
    ------
    SequenceError
        The store is missing, lacks one of these variables, or has an unknown task.
    """

    def __init__(self, store: str | Path) -> None:
        self.store = str(store)
        dataset = sequences.open(store)
        for name in ("intensity", *STATES, "subject", "task"):
            if name not in dataset:
                raise sequences.SequenceError(
                    f"{store}: has no {name!r}; a trial has intensity, {', '.join(STATES)}, subject"
                    " and task"
                )
        self.shape = dataset.intensity.shape
        """Numbers of trials, frames, and pixels along depth and lateral."""
        self.pixel_size = sequences.pixel_size(dataset)
        """Spacing of the pixels along depth and lateral [mm]."""
        self.rate = sequences.frame_rate(dataset)
        """Frames a second [Hz]."""
        self.states = np.stack([dataset[name].values for name in STATES], axis=2).astype(float)
        """EMG, torque and angle at each frame [V, N m, deg], `(trial, time, 3)`."""
        self.subjects = dataset.subject.values.astype(int)
        """Number of the participant of each trial."""
        tasks = dataset.task.values.astype(int)
        if tasks.min() < 0 or tasks.max() >= len(TASKS):
            raise sequences.SequenceError(
                f"{store}: task {tasks.min()} to {tasks.max()}; allowed are 0 to {len(TASKS) - 1},"
                f" {', '.join(TASKS)}"
            )
        self.tasks = [TASKS[number] for number in tasks]
        """Name of the task of each trial."""
        self._array: zarr.Array | None = None

    @cached_property
    def digest(self) -> str:
        """A hash of frames and signals."""
        return sequences.digest(sequences.open(self.store))

    @property
    def pairs(self) -> int:
        """Number of pairs of consecutive frames of a trial."""
        return self.shape[1] - 1

    def frames(self, trial: int, first: int, count: int) -> np.ndarray:
        """Read consecutive frames of a trial, `(time, depth, lateral)` [grey values].

        Raises
        ------
        SequenceError
            The frames cannot be read.
        """
        if self._array is None:
            array = zarr.open_group(self.store, mode="r")["intensity"]
            assert isinstance(array, zarr.Array)
            self._array = array
        try:
            return np.asarray(self._array[trial, first : first + count])
        except Exception as error:  # codecs raise many types of error for a damaged file
            raise sequences.SequenceError(
                f"{self.store}: intensity, sequence {trial}: cannot be read ({error}); the store is"
                " damaged"
            ) from error

    def all_frames(self, trial: int) -> Iterator[np.ndarray]:
        """Yield the frames of a trial, `(depth, lateral)`, with one chunk of the store in memory.

        Raises
        ------
        SequenceError
            The frames cannot be read.
        """
        for first in range(0, self.shape[1], sequences.CLIP_FRAMES):
            yield from self.frames(trial, first, sequences.CLIP_FRAMES)

    def equidistant(self, trials: Sequence[int], count: int) -> Iterator[np.ndarray]:
        """Yield frames `(depth, lateral)`, evenly spaced over all frames of some trials."""
        total = len(trials) * self.shape[1]
        for place in np.linspace(0, total - 1, min(count, total)).round().astype(int):
            trial, frame = divmod(int(place), self.shape[1])
            yield self.frames(trials[trial], frame, 1)[0]

    def changes(self, trials: Sequence[int]) -> np.ndarray:
        """Return the changes of EMG, torque and angle from frame to frame, `(trial, pair, 3)`."""
        return np.diff(self.states[list(trials)], axis=1).astype(np.float32)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_array": None}


class Split(NamedTuple):
    """Numbers of the trials of each part; a participant is in one part only."""

    training: list[int]
    validation: list[int]
    test: list[int]


def split(
    subjects: Sequence[int] | np.ndarray,
    validation: Sequence[int] | None = None,
    test: Sequence[int] | None = None,
) -> Split:
    """Divide trials by participants (paper 3: 17 to train, one to validate, one to test).

    Parameters
    ----------
    subjects : sequence of int
        Number of the participant of each trial.
    validation, test : sequence of int, optional
        Numbers of the participants left out; by default the last but one, and the last.

    Raises
    ------
    ParameterError
        A participant is not there or in two parts, or none is left to train on.
    """
    known = sorted(set(map(int, subjects)))
    chosen = [
        list(numbers) if numbers is not None else default
        for numbers, default in ((validation, known[-2:-1]), (test, known[-1:]))
    ]
    left = [subject for subject in known if subject not in chosen[0] + chosen[1]]
    absent = sorted({*chosen[0], *chosen[1]} - set(known))
    if absent or set(chosen[0]) & set(chosen[1]) or not left:
        raise ParameterError(
            f"participants {chosen[0]} for validation and {chosen[1]} for test: needed are"
            f" different ones of {known}, and at least one more to train on"
        )
    parts = (
        [n for n, subject in enumerate(subjects) if subject in part] for part in (left, *chosen)
    )
    return Split(*parts)
