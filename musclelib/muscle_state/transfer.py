"""From simulation to a real muscle: simulated training, recorded clips of ONE participant.

What a method that learnt from simulated trials says of the clips is scored as it is, after a
readout that a few clips fit, and beside the same architecture trained on these from nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from musclelib.muscle_state import estimator_recipe
from musclelib.muscle_state.estimator import Features, estimate, frame_features
from musclelib.muscle_state.evaluate import Method
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
_BATCH = 8  # pairs of frames at a time
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
    draws: int = 3,
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
        Folder of the trainings from nothing; finished ones are only loaded.
    draws : int
        Number of draws of the clips to tune on, see `tunings`; a training from nothing has the seed
        of its draw.
    training : TrainingParameters
        Settings of the training from nothing.

    Returns
    -------
    pandas.DataFrame
        A row for each draw, other clip, signal that varies, and `tuning`: "none"; "readout", which
        is linear and fitted to the clips to tune on: from the last hidden layer of a network to the
        changes, or from the estimator's states to the states; "readout, untrained", the same with
        random weights in the other layers; "from nothing", the same architecture trained on these
        clips alone (a FeatureNetwork with the same integration points). Columns
        `draw`, `kind`, `clip`, `signal`, `tuning`, `r_change` of changes from frame to frame, and
        `r`, `rmse` and `drift_percent` of the signal. Networks estimate changes, whose sum starts
        from the TRUE first value.
    """
    of_method: Callable[..., dict[str, Courses]]
    if isinstance(method, StateCnn | FeatureNetwork):
        seen = {name: _pairs(method, clip) for name, clip in clips.items()}
        of_method = partial(_of_network, method.eval(), seen)
    else:
        features = {name: frame_features(clip.frames) for name, clip in clips.items()}
        of_method = partial(_of_estimators, method, features)
    rows = []
    for draw in range(draws):
        tuned_on = tunings(clips, draw)
        found = of_method(clips, tuned_on, folder, training.changed(seed=draw))
        for name, tuning in ((name, tuning) for name in clips for tuning in found):
            clip, course = clips[name], found[tuning][name]
            for column, signal in enumerate(SIGNALS):
                true, estimated = clip.state[:, column], course[:, column]
                if name not in tuned_on and np.ptp(true) >= STILL:
                    about = (draw, clip.kind, name, signal, tuning)
                    r_change = agreement(np.diff(estimated), np.diff(true))[0]
                    rows.append((*about, r_change, *agreement(estimated, true)))
    names = ["draw", "kind", "clip", "signal", "tuning", "r_change", "r", "rmse", "drift_percent"]
    return pd.DataFrame(rows, columns=names)


@torch.inference_mode()
def responses(network: StateCnn | FeatureNetwork, inputs: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return what a network says, and its last hidden layer, for each pair of frames.

    Parameters
    ----------
    network : StateCnn or FeatureNetwork
        The network, in evaluation mode.
    inputs : Tensor
        Its inputs, one row a pair of frames.

    Returns
    -------
    changes, hidden : numpy.ndarray
        Changes of EMG, torque and angle `(pair, 3)` [V, N m, deg], and rectified values
        `(pair, neuron)`.
    """
    kept: list[Tensor] = []
    last = network.dense[-1]
    handle = last.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    try:
        said = torch.cat([network.changes(part) for part in inputs.split(_BATCH)])
    finally:
        handle.remove()
    return said.numpy(), torch.cat(kept).flatten(1).double().numpy()


def _of_network(
    network: StateCnn | FeatureNetwork,
    inputs: Mapping[str, Tensor],
    clips: Mapping[str, RegionClip],
    tuned_on: Sequence[str],
    folder: str | Path,
    training: TrainingParameters,
) -> dict[str, Courses]:
    """Return the courses by tuning, as sums of changes."""
    changes = np.concatenate([np.diff(clips[name].state, axis=0) for name in tuned_on])

    def read_out(said: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Courses:
        weights = ridge(np.concatenate([said[name][1] for name in tuned_on]), changes, _RIDGE)
        return {name: hidden @ weights for name, (_, hidden) in said.items()}

    known = torch.cat([inputs[name] for name in tuned_on])
    torch.manual_seed(torch_seed(Purpose.FIRST_WEIGHTS, training.seed))
    objective = StateEstimation(network.settings)
    examples = partial(_ClipPairs, known, changes, training.batch, training.seed)
    objective.network.standardise(*examples().moments())
    untrained = objective.network.eval()
    said = {name: responses(network, one) for name, one in inputs.items()}
    random = {name: responses(untrained, one) for name, one in inputs.items()}
    best = train(objective, examples, Path(folder) / str(training.seed), training)
    load_averaged(best, objective)
    fresh = objective.network.cpu().eval()
    by_tuning: dict[str, Courses] = {
        "none": {name: one[0][:, _COLUMNS] for name, one in said.items()},
        "readout": read_out(said),
        "readout, untrained": read_out(random),
        "from nothing": {
            name: responses(fresh, one)[0][:, _COLUMNS] for name, one in inputs.items()
        },
    }
    return {
        tuning: {name: _summed(one, clips[name]) for name, one in found.items()}
        for tuning, found in by_tuning.items()
    }


def _of_estimators(
    networks: Sequence[StateEstimator],
    features: Mapping[str, Features],
    clips: Mapping[str, RegionClip],
    tuned_on: Sequence[str],
    folder: str | Path,
    training: TrainingParameters,
) -> dict[str, Courses]:
    """Return the courses by tuning, as the estimators state them."""
    said = {name: estimate(one, networks).state for name, one in features.items()}
    inputs = {name: np.column_stack([one, np.ones(len(one))]) for name, one in said.items()}
    states = np.concatenate([clips[name].state for name in tuned_on])
    line = np.linalg.lstsq(np.concatenate([inputs[name] for name in tuned_on]), states)[0]
    known = [KnownSequence(features[name], clips[name].state) for name in tuned_on]
    settings = networks[0].settings.changed(signals=SIGNALS)
    steps = estimator_recipe.TRAINING.changed(steps=training.steps, seed=training.seed)
    fresh = estimator_recipe.train_estimators(known, settings, folder, 1, steps)
    return {
        "none": {name: one[:, _COLUMNS] for name, one in said.items()},
        "readout": {name: one @ line for name, one in inputs.items()},
        "from nothing": {name: estimate(one, fresh).state for name, one in features.items()},
    }


def _pairs(network: StateCnn | FeatureNetwork, clip: RegionClip) -> Tensor:
    """Return the inputs of a network for each pair of frames."""
    frames = clip.frames
    if isinstance(network, FeatureNetwork):
        points = network.integration_points.cpu().numpy()
        # a pair of which nothing could be followed counts as one without motion
        moved = motion_features(frames, points, network.settings.window)
        return torch.from_numpy(np.nan_to_num(moved))
    # mean and SD of the grey values as in its training set
    mean, sd = float(network.input_mean), float(network.input_sd)
    alike = ((frames - frames.mean()) / frames.std() * sd + mean).astype(np.float32)
    return torch.from_numpy(np.stack([alike[:-1], alike[1:]], axis=1))


def _summed(changes: np.ndarray, clip: RegionClip) -> np.ndarray:
    """Return the sum of changes from the true first value on."""
    start = np.zeros((1, len(SIGNALS)))
    return np.asarray(clip.state[0] + np.concatenate([start, np.cumsum(changes, axis=0)]))


class _ClipPairs(Dataset[tuple[Tensor, Tensor]]):
    """Inputs and changes of EMG (which is not known: 0), torque and angle of recorded clips."""

    def __init__(
        self,
        inputs: Tensor,
        changes: np.ndarray,
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.inputs, self.changes = inputs, torch.zeros(len(inputs), len(STATES))
        self.changes[:, _COLUMNS] = torch.from_numpy(changes).float()
        self.batch, self.seed, self.rank = batch, seed, rank
        total = hashlib.sha256(inputs.numpy().tobytes() + self.changes.numpy().tobytes())
        self.digest = f"{len(inputs)} pairs of frames of clips, {total.hexdigest()}"

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        rng = stream(Purpose.FRAME_PAIRS, self.seed, step, self.rank)
        drawn = torch.from_numpy(rng.integers(0, len(self.inputs), self.batch))
        return self.inputs[drawn], self.changes[drawn]

    def moments(self) -> Moments:
        """Return the moments by which a network standardises inputs and changes."""
        rows = self.inputs if self.inputs.ndim == 2 else self.inputs.reshape(-1, 1)
        sd, mean = torch.std_mean(rows.double(), dim=0)
        scale, middle = torch.std_mean(self.changes.double(), dim=0)
        scale = scale.where(scale > 0, torch.ones_like(scale))
        return Moments(mean.float(), sd.clamp(min=1e-6).float(), middle.float(), scale.float())
