"""From simulation to a real muscle: simulated training, recorded clips of ONE participant.

What a method that learnt from simulated trials says of the clips is scored as it is, after a
readout that a few clips fit, and beside the same architecture trained on these from nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from musclelib.muscle_state import estimator_recipe
from musclelib.muscle_state.estimator import estimate, frame_features
from musclelib.muscle_state.evaluate import Method, estimate_changes
from musclelib.muscle_state.examples import Moments
from musclelib.muscle_state.features import motion_features
from musclelib.muscle_state.objective import StateEstimation
from musclelib.muscle_state.real_clips import SIGNALS
from musclelib.muscle_state.real_video import STILL, agreement, ridge
from musclelib.muscle_state.region_clips import RegionClip
from musclelib.muscle_state.state_windows import KnownSequence
from musclelib.networks.feature_network import FeatureNetwork
from musclelib.networks.standardised import STATES
from musclelib.networks.state_cnn import StateCnn
from musclelib.networks.state_estimator import StateEstimator
from musclelib.streams import Purpose, stream, torch_seed
from musclelib.training.checkpoint import load_averaged
from musclelib.training.loop import train
from musclelib.training.objective import Optimiser, TrainingParameters

TRAINING = TrainingParameters(
    steps=400,
    batch=32,
    optimisers={"all": Optimiser(rate=3e-4, betas=(0.9, 0.999), clip=1.0)},
    ema=0.98,
    precision="32-true",
    checkpoint_every=400,
    review_every=400,
)
"""Training from nothing on a few clips."""

_RIDGE = 0.1  # penalty of the readout, relative to the mean square of its inputs
_COLUMNS = [STATES.index(name) for name in SIGNALS]  # of the signals among a method's outputs

Courses = dict[str, np.ndarray]
"""Signals `(time, signal)` that were estimated of each clip."""


def tunings(clips: Mapping[str, RegionClip], seed: int) -> list[str]:
    """Return the names of the clips to tune on: one of each task, drawn with a seed."""
    rng = stream(Purpose.TRANSFER_CLIPS, seed)
    tasks: dict[str, list[str]] = {}
    for name, clip in clips.items():
        tasks.setdefault(clip.kind.split()[0], []).append(name)
    return [str(rng.choice(names)) for names in tasks.values()]


def evaluate(
    method: Method,
    clips: Mapping[str, RegionClip],
    folder: str | Path,
    seed: int = 0,
    training: TrainingParameters = TRAINING,
) -> pd.DataFrame:
    """Score what a method from simulation says of the clips that it is not tuned on.

    Parameters
    ----------
    method : StateCnn, FeatureNetwork or sequence of StateEstimator
        Trained on simulated trials.
    clips : mapping of str to RegionClip
        The clips.
    folder : str or Path
        Folder of the training from nothing; a finished one is only loaded.
    seed : int
        Seed of the clips to tune on and of the training from nothing.
    training : TrainingParameters
        Settings of the training from nothing.

    Returns
    -------
    pandas.DataFrame
        A row for each other clip, signal that varies, and `tuning`: "none"; "readout", which is
        linear and fitted to the clips to tune on: from the last hidden layer of a network to the
        changes, or from the estimator's states to the states; "from nothing", the same architecture
        trained on these clips alone (a FeatureNetwork with the same integration points). Columns
        `kind`, `clip`, `signal`, `tuning`, `r_change` of changes from frame to frame, and `r`,
        `rmse` and `drift_percent` of the signal. Networks estimate changes, whose sum starts from
        the TRUE first value.
    """
    tuned_on = tunings(clips, seed)
    if isinstance(method, StateCnn | FeatureNetwork):
        found = _of_network(method.eval(), clips, tuned_on, folder, seed, training)
    else:
        found = _of_estimators(method, clips, tuned_on, folder, seed, training)
    rows = []
    for name, tuning in ((name, tuning) for name in clips for tuning in found):
        clip, course = clips[name], found[tuning][name]
        for column, signal in enumerate(SIGNALS):
            true, estimated = clip.state[:, column], course[:, column]
            if name not in tuned_on and np.ptp(true) >= STILL:
                r_change = agreement(np.diff(estimated), np.diff(true))[0]
                rows.append(
                    (clip.kind, name, signal, tuning, r_change, *agreement(estimated, true))
                )
    columns = ["kind", "clip", "signal", "tuning", "r_change", "r", "rmse", "drift_percent"]
    return pd.DataFrame(rows, columns=columns)


def hidden(network: StateCnn | FeatureNetwork, frames: np.ndarray) -> np.ndarray:
    """Return the rectified last hidden layer for each pair of frames, `(time - 1, neuron)`."""
    kept: list[Tensor] = []
    last = network.dense[-1]
    handle = last.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].detach()))
    try:
        estimate_changes(network, frames)
    finally:
        handle.remove()
    return torch.cat(kept).flatten(1).double().cpu().numpy()


def _of_network(
    network: StateCnn | FeatureNetwork,
    clips: Mapping[str, RegionClip],
    tuned_on: Sequence[str],
    folder: str | Path,
    seed: int,
    training: TrainingParameters,
) -> dict[str, Courses]:
    """Return the courses by tuning, as sums of changes."""
    known = [clips[name] for name in tuned_on]
    inner = {name: hidden(network, _alike(network, clip.frames)) for name, clip in clips.items()}
    changes = np.concatenate([np.diff(clip.state, axis=0) for clip in known])
    weights = ridge(np.concatenate([inner[name] for name in tuned_on]), changes, _RIDGE)
    fresh = _from_nothing(network, known, folder, seed, training)
    found: dict[str, Courses] = {"none": {}, "readout": {}, "from nothing": {}}
    for name, clip in clips.items():
        said = estimate_changes(network, _alike(network, clip.frames))[:, _COLUMNS]
        found["none"][name] = _summed(said, clip)
        found["readout"][name] = _summed(inner[name] @ weights, clip)
        found["from nothing"][name] = _summed(
            estimate_changes(fresh, clip.frames)[:, _COLUMNS], clip
        )
    return found


def _of_estimators(
    networks: Sequence[StateEstimator],
    clips: Mapping[str, RegionClip],
    tuned_on: Sequence[str],
    folder: str | Path,
    seed: int,
    training: TrainingParameters,
) -> dict[str, Courses]:
    """Return the courses by tuning, as the estimators state them."""
    features = {name: frame_features(clip.frames) for name, clip in clips.items()}
    said = {name: estimate(one, networks).state for name, one in features.items()}
    inputs = {name: np.column_stack([one, np.ones(len(one))]) for name, one in said.items()}
    states = np.concatenate([clips[name].state for name in tuned_on])
    line = np.linalg.lstsq(np.concatenate([inputs[name] for name in tuned_on]), states)[0]
    known = [KnownSequence(features[name], clips[name].state) for name in tuned_on]
    settings = networks[0].settings.changed(signals=SIGNALS)
    steps = estimator_recipe.TRAINING.changed(steps=training.steps, seed=seed)
    fresh = estimator_recipe.train_estimators(known, settings, folder, 1, steps)
    return {
        "none": {name: one[:, _COLUMNS] for name, one in said.items()},
        "readout": {name: one @ line for name, one in inputs.items()},
        "from nothing": {name: estimate(one, fresh).state for name, one in features.items()},
    }


def _alike(network: StateCnn | FeatureNetwork, frames: np.ndarray) -> np.ndarray:
    """Return frames for a CNN with mean and SD of the grey values that it was trained on."""
    if isinstance(network, FeatureNetwork):
        return frames
    mean, sd = float(network.input_mean), float(network.input_sd)
    return ((frames - frames.mean()) / frames.std() * sd + mean).astype(np.float32)


def _summed(changes: np.ndarray, clip: RegionClip) -> np.ndarray:
    """Return the sum of changes from the true first value on; an unknown change counts as none."""
    start = np.zeros((1, len(SIGNALS)))
    return clip.state[0] + np.concatenate([start, np.cumsum(np.nan_to_num(changes), axis=0)])


def _from_nothing(
    network: StateCnn | FeatureNetwork,
    clips: Sequence[RegionClip],
    folder: str | Path,
    seed: int,
    training: TrainingParameters,
) -> StateCnn | FeatureNetwork:
    """Train a network of the same architecture on a few clips."""
    torch.manual_seed(torch_seed(Purpose.FIRST_WEIGHTS, seed))
    objective = StateEstimation(network.settings)
    points = None
    if isinstance(network, FeatureNetwork) and isinstance(objective.network, FeatureNetwork):
        objective.network.integration_points.copy_(network.integration_points)
        points = network.integration_points.cpu().numpy(), network.settings.window
    examples = partial(_ClipPairs, clips, points, training.batch, seed)
    objective.network.standardise(*examples().moments())
    best = train(objective, examples, Path(folder) / str(seed), training.changed(seed=seed))
    load_averaged(best, objective)
    return objective.network.cpu().eval()


class _ClipPairs(Dataset[tuple[Tensor, Tensor]]):
    """Inputs and changes of EMG (which is not known: 0), torque and angle of recorded clips."""

    def __init__(
        self,
        clips: Sequence[RegionClip],
        points: tuple[np.ndarray, int] | None,
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        inputs, changes = [], []
        for clip in clips:
            pairs = np.stack([clip.frames[:-1], clip.frames[1:]], axis=1)
            inputs.append(np.nan_to_num(motion_features(clip.frames, *points)) if points else pairs)
            changes.append(np.zeros((len(pairs), len(STATES)), np.float32))
            changes[-1][:, _COLUMNS] = np.diff(clip.state, axis=0)
        self.inputs = torch.from_numpy(np.concatenate(inputs))
        self.changes = torch.from_numpy(np.concatenate(changes))
        self.batch, self.seed, self.rank, self.world = batch, seed, rank, world
        total = hashlib.sha256(self.inputs.numpy().tobytes() + self.changes.numpy().tobytes())
        self.digest = f"pairs of frames of {len(clips)} clips, {total.hexdigest()}"

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        rng = stream(Purpose.FRAME_PAIRS, self.seed, step, self.rank)
        drawn = torch.from_numpy(rng.integers(0, len(self.inputs), self.batch))
        return self.inputs[drawn], self.changes[drawn]

    def moments(self) -> Moments:
        axis = 0 if self.inputs.ndim == 2 else None
        mean, sd = self.inputs.double().mean(axis), self.inputs.double().std(axis)
        scale, middle = torch.std_mean(self.changes.double(), dim=0)
        return Moments(
            mean.float().reshape(-1),
            sd.clamp(min=1e-6).float().reshape(-1),
            middle.float(),
            scale.where(scale > 0, torch.ones_like(scale)).float(),
        )
