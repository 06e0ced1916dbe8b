"""From simulation to a real muscle: simulated training, recorded clips of ONE participant.

The clips are brought into the form of the simulated trials: the region of paper 3 along the muscle,
25 frames a second, proximal on the left, torque positive towards plantarflexion and angle towards
dorsiflexion. What networks say of them is scored as it is, after a readout that a few clips fit,
and beside the same architecture trained on those clips from nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from musclelib.muscle_state.evaluate import estimate_changes
from musclelib.muscle_state.examples import Moments
from musclelib.muscle_state.features import motion_features
from musclelib.muscle_state.geometry import measure_fascicles
from musclelib.muscle_state.objective import StateEstimation
from musclelib.muscle_state.real_clips import SIGNALS, clip_kind, clip_state, open_clip
from musclelib.muscle_state.real_video import STILL, agreement, ridge
from musclelib.muscle_state.region import find_bands, place_region
from musclelib.networks.feature_network import FeatureNetwork
from musclelib.networks.standardised import STATES
from musclelib.networks.state_cnn import StateCnn
from musclelib.recordings import read_push_data
from musclelib.simulator.longitudinal import FRAME_RATE
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

_PLACED = 12  # frames of a clip in which the muscle is sought to place the region
_RIDGE = 0.1  # penalty of the readout, relative to the mean variance of its inputs
_COLUMNS = [STATES.index(name) for name in SIGNALS]  # of the signals among a network's outputs


class RegionClip(NamedTuple):
    """A recorded clip in the form of a simulated trial."""

    kind: str
    """Such as "passive" or "isokinetic 30"."""
    frames: np.ndarray
    """Region of paper 3, uint8 `(time, 120, 496)`, 25 frames a second, proximal on the left."""
    state: np.ndarray
    """Torque [N m], plantarflexion positive, and angle [deg], dorsiflexion positive, `(time, 2)`,
    as simulated; in the recordings the angle is positive towards plantarflexion."""


def read_region_clip(folder: str | Path, name: str) -> RegionClip:
    """Read a clip of the data set `gm_torque_angle` in the form of a simulated trial.

    A frame is the one nearest to each tick of a clock of 25 Hz. In the simulation fascicles run
    down to the right, from the proximal to the distal side; a clip in which they run down to the
    left is mirrored.

    Parameters
    ----------
    folder : str or Path
        Folder of the data set.
    name : str
        Name of the clip.

    Raises
    ------
    FileNotFoundError, ValueError
        The clip is missing, damaged or without signals, or shows no muscle.
    """
    signals = read_push_data(Path(folder) / "AGR003_push_data.mat")
    state = clip_state(signals, name)
    video = open_clip(folder, name)
    frames = np.concatenate(list(video.chunks()))
    if len(frames) != len(state):
        raise ValueError(f"{name}: {len(frames)} frames, but {len(state)} values of the signals")
    ticks = nearest_frames(signals[name]["time"].values[signals[name]["frame_index"].values])
    frames, state = frames[ticks], state[ticks] * (1, -1)
    some = frames[np.linspace(0, len(frames) - 1, _PLACED).round().astype(int)]
    angle = measure_fascicles(some, pixel_size=video.pixel_size, area=None)["fascicle_angle"]
    if float(angle.median()) < 0:
        frames, some = frames[..., ::-1], some[..., ::-1]
    contours = np.stack([find_bands(frame) for frame in some])
    region = place_region(contours, video.pixel_size, video.shape)
    return RegionClip(clip_kind(name), region.extract(frames), state)


def nearest_frames(times: np.ndarray) -> np.ndarray:
    """Return the number of the frame nearest to each tick of the simulated trials' clock.

    Parameters
    ----------
    times : numpy.ndarray
        Times of the frames [s], ascending.

    Raises
    ------
    ValueError
        The frames are too slow: some would be taken twice.
    """
    clock = np.arange(times[0], times[-1] + 1e-9, 1 / FRAME_RATE)
    places = np.abs(times[:, np.newaxis] - clock).argmin(axis=0)
    if len(np.unique(places)) < len(places):
        raise ValueError(f"frames are further apart than 1/{FRAME_RATE:g} s: some are missing")
    return places


def tunings(clips: Mapping[str, RegionClip], seed: int) -> list[str]:
    """Return the names of the clips to tune on: one of each task, drawn with a seed."""
    rng = stream(Purpose.TRANSFER_CLIPS, seed)
    tasks: dict[str, list[str]] = {}
    for name, clip in clips.items():
        tasks.setdefault(clip.kind.split()[0], []).append(name)
    return [str(rng.choice(names)) for names in tasks.values()]


def evaluate(
    network: StateCnn | FeatureNetwork,
    clips: Mapping[str, RegionClip],
    folder: str | Path,
    seed: int = 0,
    training: TrainingParameters = TRAINING,
) -> pd.DataFrame:
    """Score the changes that a network estimates, and their sums, in clips that it is not tuned on.

    Parameters
    ----------
    network : StateCnn or FeatureNetwork
        A network that was trained on simulated trials.
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
        A row for each other clip, signal that varies, and `tuning`: "none"; "readout", linear in
        the last hidden layer and fitted to the clips to tune on; "from nothing", the same
        architecture trained on these alone (for a FeatureNetwork, with the same integration
        points). Columns `kind`, `clip`, `signal`, `tuning`, `r_change` of changes from frame to
        frame, and `r`, `rmse` and `drift_percent` of their sums, which start from the true value.
    """
    tuned_on = tunings(clips, seed)
    network = network.eval()
    inner = {name: hidden(network, clip.frames) for name, clip in clips.items()}
    weights = _readout([inner[name] for name in tuned_on], [clips[name] for name in tuned_on])
    fresh = _from_nothing(network, [clips[name] for name in tuned_on], folder, seed, training)
    tables = []
    for name, clip in clips.items():
        if name in tuned_on:
            continue
        changes = {
            "none": estimate_changes(network, clip.frames)[:, _COLUMNS],
            "readout": inner[name] @ weights,
            "from nothing": estimate_changes(fresh, clip.frames)[:, _COLUMNS],
        }
        tables += [_scores(name, clip, tuning, found) for tuning, found in changes.items()]
    return pd.concat(tables, ignore_index=True)


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


def _scores(name: str, clip: RegionClip, tuning: str, changes: np.ndarray) -> pd.DataFrame:
    """Return the rows of a clip, from changes `(time - 1, signal)`."""
    known = np.nan_to_num(changes)  # a frame of which nothing could be followed has no change
    start = np.zeros((1, len(SIGNALS)))
    path = clip.state[0] + np.concatenate([start, np.cumsum(known, axis=0)])
    true = np.diff(clip.state, axis=0)
    rows = []
    for column, signal in enumerate(SIGNALS):
        if np.ptp(clip.state[:, column]) >= STILL:
            r_change = agreement(known[:, column], true[:, column])[0]
            scores = agreement(path[:, column], clip.state[:, column])
            rows.append((clip.kind, name, signal, tuning, r_change, *scores))
    columns = ["kind", "clip", "signal", "tuning", "r_change", "r", "rmse", "drift_percent"]
    return pd.DataFrame(rows, columns=columns)


def _readout(inner: Sequence[np.ndarray], clips: Sequence[RegionClip]) -> np.ndarray:
    """Return weights `(neuron, signal)` of changes that are linear in the last hidden layer."""
    inputs = np.concatenate(list(inner))
    changes = np.concatenate([np.diff(clip.state, axis=0) for clip in clips])
    return ridge(inputs, changes, _RIDGE)


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
