"""Trials of participants as B-mode sequences with synchronised signals and known truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from musclelib import sequences
from musclelib.parameters import ParameterError, Parameters, quantity
from musclelib.simulator.longitudinal.anatomy import sample_anatomy
from musclelib.simulator.longitudinal.echoes import Scanner
from musclelib.simulator.longitudinal.motion import Motion, motion
from musclelib.simulator.longitudinal.parameters import DEVICES, Anatomy, Device, View
from musclelib.simulator.longitudinal.participants import sample_mechanics
from musclelib.simulator.longitudinal.tasks import DURATION, NEUTRAL, Task
from musclelib.simulator.longitudinal.tissue import sample_tissue
from musclelib.simulator.longitudinal.trial import FRAME_RATE, Trial, simulate_trial
from musclelib.simulator.longitudinal.truth import geometry
from musclelib.simulator.motor_units.superpose import sequence_dataset

_BELOW = 44.7  # depth to which tissue is made [mm]


@dataclass(frozen=True)
class LongitudinalParameters(Parameters):
    """A set of trials: sequence `index` is a task of participant `index // number of tasks`."""

    tasks: tuple[str, ...] = quantity(
        tuple(Task), doc="tasks of each participant", choices=tuple(Task)
    )
    neutral: float = quantity(NEUTRAL, "s", "neutral standing at first", low=0, high=60)
    duration: float = quantity(DURATION, "s", "duration of the task", low=1, high=3600)
    view: View = quantity(View(), doc="grid of the images")
    device: Device = quantity(DEVICES["middle"], doc="scanner")
    unsteady: float = quantity(
        1.0, doc="motion of probe and tissue out of the plane relative to the usual", low=0, high=10
    )

    def check(self) -> None:
        """Refuse a set without tasks."""
        if not self.tasks:
            raise ParameterError("tasks = (): at least one is needed")


class Participant(NamedTuple):
    """What is recorded of one participant during one task."""

    anatomy: Anatomy
    trial: Trial
    motion: Motion
    scanner: Scanner


def participant_trial(parameters: LongitudinalParameters, seed: int, index: int) -> Participant:
    """Return a trial with its scanner, whose frames are made when they are asked for.

    Parameters
    ----------
    parameters : LongitudinalParameters
        The set of trials.
    seed : int
        Seed of the set.
    index : int
        Number of the trial in the set.
    """
    number, place = divmod(index, len(parameters.tasks))
    task = parameters.tasks[place]
    anatomy = sample_anatomy(seed, number)
    mechanics = sample_mechanics(seed, number)
    trial = simulate_trial(
        mechanics, anatomy.thickness, anatomy.pennation, task, seed, number,
        neutral=parameters.neutral, duration=parameters.duration,
    )  # fmt: skip
    moved = motion(anatomy, trial.state, FRAME_RATE, seed, index, unsteady=parameters.unsteady)
    view = parameters.view
    tissue = sample_tissue(anatomy, (max(_BELOW, view.size[0]), view.size[1]), seed, number)
    scanner = Scanner(tissue, moved, view, parameters.device, seed, index)
    return Participant(anatomy, trial, moved, scanner)


@sequence_dataset.register
def longitudinal_dataset(parameters: LongitudinalParameters, seed: int, index: int) -> xr.Dataset:
    """Make one trial: frames, signals at their times, labels, and the geometry of the fascicles."""
    _, trial, moved, scanner = participant_trial(parameters, seed, index)
    frames = np.stack([scanner.frame(number) for number in range(len(moved))])
    at = np.rint(trial.frame_time * (1 / (trial.time[1] - trial.time[0]))).astype(int)
    true = geometry(scanner.tissue.layers, moved)
    variables = {
        "intensity": frames,
        "label_map": scanner.label_map(),
        "subject": np.int64(index // len(parameters.tasks)),
        "task": np.int64(list(Task).index(Task(parameters.tasks[index % len(parameters.tasks)]))),
        "fascicle_length": true.fascicle_length,
        "fascicle_angle": true.fascicle_angle,
        "pennation": true.pennation,
        "thickness": true.thickness,
        "activation": trial.activation[at],
        "emg": trial.emg[at],
        "torque": trial.torque[at],
        "angle": trial.angle[at],
    }
    depth, lateral = (
        np.arange(count) * step
        for count, step in zip(parameters.view.pixels, parameters.view.pixel_size, strict=True)
    )
    return sequences.build(
        {name: np.asarray(values)[None] for name, values in variables.items()},
        time=trial.frame_time,
        depth=depth,
        lateral=lateral,
        domain="simulated",
        source="musclelib.simulator.longitudinal: a leg in the long axis",
        parameters=parameters.to_json(),
        seed=seed,
        units={"intensity": "1"},
    )
