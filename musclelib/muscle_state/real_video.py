"""The state of a real muscle: the clips `gm_torque_angle` of ONE participant's gastrocnemius.

Every method is trained on some clips and tested on others of the same participant, probe position
and session: the results say nothing of other people.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from musclelib.acquisition.optical_flow import mean_displacement
from musclelib.files import whole
from musclelib.muscle_state.estimator import Features, estimate, frame_features
from musclelib.muscle_state.estimator_recipe import TRAINING, train_estimators
from musclelib.muscle_state.state_windows import KnownSequence
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters
from musclelib.recordings import open_video, read_image_geometry, read_push_data
from musclelib.training.objective import TrainingParameters

SIGNALS = ("torque", "angle")
"""Signals of the clips [N m, deg]."""

FRAME_RATE = 61.0
"""Frame rate of the clips [Hz], by the times of their frames."""

HELD_OUT = ("clip", "clip of known task", "speed", "task")
"""What may be held out, see `splits`."""

_RIDGE = 0.01  # penalty of the linear baselines, per frame
_STILL = 5.0  # range of a signal below which it is not scored [N m or deg]


class Clip(NamedTuple):
    """One clip with everything that is made from it."""

    kind: str
    """Such as "passive" or "isokinetic 30": the task, and its speed [deg/s]."""
    sequence: KnownSequence
    """Features and `SIGNALS`."""
    displacement: np.ndarray
    """Mean displacement by optical flow since the first frame [mm], `(time,)`."""


def read_clips(folder: str | Path, cache: str | Path) -> dict[str, Clip]:
    """Read all clips of a folder with the data set `gm_torque_angle`, and make their features.

    Parameters
    ----------
    folder : str or Path
        Folder with `AGR003_push_data.mat`, `p6_params.mat` and clips `p6_*.mp4`.
    cache : str or Path
        Folder in which the features are kept; they are made once, in about 2 min for 17 clips.

    Returns
    -------
    dict of str to Clip
        Clips by the name of their file without the ending.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing or damaged, or a clip and its signals differ in length.
    """
    folder, cache = Path(folder), Path(cache)
    signals = read_push_data(folder / "AGR003_push_data.mat")
    geometry = read_image_geometry(folder / "p6_params.mat")
    clips = {}
    for path in sorted(folder.glob("p6_*.mp4")):
        video = open_video(path, pixel_size=geometry.pixel_size, crop=geometry.crop)
        known = signals[path.stem].isel(time=signals[path.stem]["frame_index"].values)
        if known.sizes["frame"] != video.frame_count:
            raise ValueError(
                f"{path}: {video.frame_count} frames, but {known.sizes['frame']} values of the"
                " signals; needed is one a frame"
            )
        kept = cache / f"{path.stem}.npz"
        if not kept.is_file():
            frames = itertools.chain.from_iterable(video.chunks())
            made = (*frame_features(frames), mean_displacement(video)[0])
            kept.parent.mkdir(parents=True, exist_ok=True)
            with whole(kept) as new, new.open("wb") as file:
                np.savez(file, *made)
        with np.load(kept, allow_pickle=False) as held:
            appearance, motion, displacement = (held[name] for name in held.files)
        state = np.stack([known[name].values for name in SIGNALS], axis=1).astype(np.float32)
        sequence = KnownSequence(Features(appearance, motion), state)
        clips[path.stem] = Clip(_kind(path.stem), sequence, displacement)
    if not clips:
        raise FileNotFoundError(f"{folder} has no clip p6_*.mp4")
    return clips


class Split(NamedTuple):
    """Clips to train on, and clips to test on."""

    held_out: str
    """What the training has not seen: "clip", "speed" or "task"; or "clip of known task"."""
    name: str
    """Name of the clip, the speed or the task."""
    train: list[str]
    test: list[str]


def splits(clips: Mapping[str, Clip]) -> Iterator[Split]:
    """Yield the splits: each clip, each isokinetic speed and each task is held out in turn.

    Training is on all other clips of all tasks, except for "clip of known task": there it is on the
    other clips of the same task, so that the task of a new clip has to be known.
    """
    kinds = {name: clip.kind for name, clip in clips.items()}
    for name in clips:
        yield _split("clip", name, clips, [name])
        alike = {
            other: clips[other] for other in clips if _task(other, kinds) == _task(name, kinds)
        }
        yield _split("clip of known task", name, alike, [name])
    for speed in sorted({kind for kind in kinds.values() if kind.startswith("isokinetic")}):
        yield _split("speed", speed, clips, [name for name in clips if kinds[name] == speed])
    for task in sorted({_task(name, kinds) for name in clips}):
        yield _split("task", task, clips, [name for name in clips if _task(name, kinds) == task])


def evaluate(
    clips: Mapping[str, Clip],
    folder: str | Path,
    seeds: int = 3,
    training: TrainingParameters = TRAINING,
    held_out: Sequence[str] = HELD_OUT,
) -> pd.DataFrame:
    """Train and test all methods on all splits.

    The methods: "optical flow, integrated" is the mean displacement times a factor of the training
    clips; "KLT, integrated" sums changes that are linear in the motion features. Both need to know
    the kind of the test clip, whose other clips they are fitted to if there are any, and start from
    its TRUE first value. "ridge" is linear in the components of the appearance of a single frame;
    "estimator" is the mixture of `seeds` networks. These two know nothing of the test clip.

    Returns
    -------
    pandas.DataFrame
        A row for each split, test clip, signal and method: `held_out`, `split`, `kind`, `clip`,
        `signal`, `method`, `r`, `rmse`, `drift_percent`, see `agreement`. A signal that hardly
        varies in a clip, such as the angle in isometric ones, has no row.
    """
    rows = []
    for split in splits(clips):
        if split.held_out not in held_out:
            continue
        known = [clips[name].sequence for name in split.train]
        networks = train_estimators(
            known, clip_settings(known), Path(folder) / split.held_out / split.name, seeds, training
        )
        for name in split.test:
            clip = clips[name]
            found = _estimates(clip, [clips[other] for other in split.train], networks)
            for (method, states), (column, signal) in itertools.product(
                found.items(), enumerate(SIGNALS)
            ):
                true = clip.sequence.state[:, column]
                if np.ptp(true) >= _STILL:
                    about = (split.held_out, split.name, clip.kind, name, signal, method)
                    rows.append((*about, *agreement(states[:, column], true)))
    columns = ["held_out", "split", "kind", "clip", "signal", "method", "r", "rmse"]
    return pd.DataFrame(rows, columns=[*columns, "drift_percent"])


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return means over the clips of a kind: `kind`, `signal`, `held_out`, `method`, and scores."""
    by = ["held_out", "kind", "signal", "method"]
    return table.groupby(by, sort=False)[["r", "rmse", "drift_percent"]].mean().reset_index()


def agreement(estimated: np.ndarray, true: np.ndarray) -> tuple[float, float, float]:
    """Return r, root mean square error, and drift of an estimated signal of a clip.

    Drift [%] is the rise of the least-squares line through the error from the first frame to the
    last, without its sign, relative to the range of the true signal in the clip. An error of the
    gain appears in it, too, where a signal rises throughout a clip, as the angle does in passive
    rotation.

    Parameters
    ----------
    estimated, true : numpy.ndarray
        Signals `(time,)`.
    """
    error = np.asarray(estimated, float) - true
    place = np.linspace(-0.5, 0.5, len(error))
    slope = (place @ error) / (place @ place)
    constant = np.ptp(estimated) == 0
    r = np.nan if constant else float(np.corrcoef(estimated, true)[0, 1])
    return r, float(np.sqrt(np.mean(error**2))), float(100 * abs(slope) / np.ptp(true))


def clip_settings(sequences: Sequence[KnownSequence]) -> StateEstimatorParameters:
    """Return the settings of an estimator for clips of this data set."""
    features = sequences[0].features
    return StateEstimatorParameters(
        shape=(574, 720),
        pixel_size=(0.0883, 0.0883),
        frame_rate=FRAME_RATE,
        appearance=features.appearance.shape[1],
        motion=features.motion.shape[1],
        signals=SIGNALS,
    )


def _task(name: str, kinds: Mapping[str, str]) -> str:
    return kinds[name].split()[0]


def _split(held_out: str, name: str, clips: Mapping[str, Clip], test: list[str]) -> Split:
    return Split(held_out, name, [one for one in clips if one not in test], test)


def _estimates(
    clip: Clip, known: Sequence[Clip], networks: Sequence[StateEstimator]
) -> dict[str, np.ndarray]:
    """Return the signals `(time, signal)` of a test clip by each method."""
    features, true = clip.sequence
    # a displacement means something else in each task: these two know the kind, the others do not
    alike = [one for one in known if one.kind == clip.kind] or known
    moved = np.concatenate([one.displacement for one in alike])
    since = np.concatenate([one.sequence.state - one.sequence.state[0] for one in alike])
    factor = np.linalg.lstsq(moved[:, np.newaxis], since)[0]  # 0 where nothing has moved

    motion = [np.nan_to_num(one.sequence.features.motion) for one in alike]
    changes = [np.diff(one.sequence.state, axis=0) for one in alike]
    steps = _ridge(np.concatenate([m[1:] for m in motion]), np.concatenate(changes))
    walked = np.cumsum(np.nan_to_num(features.motion[1:]) @ steps, axis=0)

    network = networks[0]
    axes, centre = network.appearance_axes.numpy().T, network.appearance_mean.numpy()
    frames = np.concatenate([one.sequence.features.appearance for one in known])
    states = np.concatenate([one.sequence.state for one in known])
    middle = states.mean(axis=0)
    weights = _ridge((frames - centre) @ axes, states - middle)
    return {
        "optical flow, integrated": true[0] + clip.displacement[:, np.newaxis] @ factor,
        "KLT, integrated": true[0] + np.concatenate([np.zeros_like(walked[:1]), walked]),
        "ridge": (features.appearance - centre) @ axes @ weights + middle,
        "estimator": estimate(features, networks).state,
    }


def _ridge(inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return the weights of a linear regression whose penalty is a share of the mean variance."""
    inputs, outputs = inputs.astype(float), outputs.astype(float)
    squares = inputs.T @ inputs
    penalty = _RIDGE * np.trace(squares) / len(squares)
    return np.linalg.solve(squares + penalty * np.eye(len(squares)), inputs.T @ outputs)


def _kind(name: str) -> str:
    """Return the kind of a clip such as `p6_isokinetic030_01_push_01`."""
    task = name.split("_")[1]
    speed = task.removeprefix("isokinetic")
    return task if speed == task else f"isokinetic {int(speed)}"
