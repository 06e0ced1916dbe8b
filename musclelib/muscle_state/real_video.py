"""The state of a real muscle: the clips `gm_torque_angle` of ONE participant's gastrocnemius.

Every method is trained on some clips and tested on others of the same participant, probe position
and session: the results say nothing of other people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from musclelib.muscle_state.estimator import estimate
from musclelib.muscle_state.estimator_recipe import TRAINING, train_estimators
from musclelib.muscle_state.real_clips import FRAME_RATE, SIGNALS, Clip
from musclelib.muscle_state.state_windows import KnownSequence
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters
from musclelib.training.objective import TrainingParameters

HELD_OUT = ("clip", "clip of known task", "speed", "task")
"""What may be held out, see `splits`."""

STILL = 5.0
"""Range of a signal in a clip below which it is not scored [N m or deg]."""

_RIDGE = 0.01  # penalty of the linear baselines, per frame
_ALL = slice(None)
_DRIVEN = (
    ("passive", "angle"),
    ("isometric", "torque"),
    ("isokinetic", "angle"),
    ("isokinetic", "torque"),
)


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
    split: Split,
    folder: str | Path,
    seeds: int = 3,
    training: TrainingParameters = TRAINING,
) -> pd.DataFrame:
    """Train and test all methods on one split.

    The methods: "optical flow, integrated" is the mean displacement times a factor of the training
    clips; "KLT, integrated" sums changes that are linear in the motion features. Both need to know
    the kind of the test clip, whose other clips they are fitted to if there are any, and start from
    its TRUE first value. "ridge" is linear in the components of the appearance of a single frame;
    "estimator" is the mixture of `seeds` networks. These two know nothing of the test clip.

    Parameters
    ----------
    clips : mapping of str to Clip
        The clips of the split, and any others.
    split : Split
        Names of clips to train on and to test on.
    folder : str or Path
        Folder of the training runs of all splits; finished ones are only loaded.
    seeds : int
        Number of networks.
    training : TrainingParameters
        Settings of the training.

    Returns
    -------
    pandas.DataFrame
        A row for each test clip, signal and method: `kind`, `clip`, `signal`, `method`, `r`,
        `rmse`, `drift_percent`, see `agreement`. A signal that hardly varies in a clip, such as the
        angle in isometric ones, has no row.
    """
    known = [clips[name].sequence for name in split.train]
    networks = train_estimators(
        known, clip_settings(known), Path(folder) / split.held_out / split.name, seeds, training
    )
    tables = []
    for name in split.test:
        clip = clips[name]
        found = estimates(clip, [clips[other] for other in split.train], networks)
        tables += [scores(name, clip, method, states) for method, states in found.items()]
    return pd.concat(tables, ignore_index=True)


def scores(
    name: str, clip: Clip, method: str, states: np.ndarray, frames: slice | np.ndarray = _ALL
) -> pd.DataFrame:
    """Return the rows of `evaluate` for one clip and method.

    Parameters
    ----------
    name : str
        Name of the clip.
    clip : Clip
        The clip.
    method : str
        Name of the method.
    states : numpy.ndarray
        Its estimates `(time, signal)`.
    frames : slice or numpy.ndarray
        Frames that they belong to, by default all.
    """
    rows = []
    for column, signal in enumerate(SIGNALS):
        true = clip.sequence.state[frames, column]
        if np.ptp(true) >= STILL:
            rows.append((clip.kind, name, signal, method, *agreement(states[:, column], true)))
    columns = ["kind", "clip", "signal", "method", "r", "rmse", "drift_percent"]
    return pd.DataFrame(rows, columns=columns)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return means over the clips of a kind.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `evaluate` with a column `held_out`.

    Returns
    -------
    pandas.DataFrame
        `kind`, `method`, `r`, `drift_percent`, `held_out`, `signal`, `rmse`, `clips`, their number,
        and `low` and `high`, the lowest and the highest r of a clip.
    """
    by = table.groupby(["held_out", "kind", "signal", "method"], sort=False)
    means = by[["r", "drift_percent", "rmse"]].mean()
    spread = by["r"].agg(clips="size", low="min", high="max")
    columns = ["kind", "method", "r", "drift_percent", "held_out", "signal", "rmse"]
    return means.join(spread).reset_index()[[*columns, "clips", "low", "high"]]


def overview(table: pd.DataFrame, chosen: str, by: str) -> pd.DataFrame:
    """Return one row for each method, or for each way of holding out, and a column for each task.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `evaluate` with a column `held_out`.
    chosen : str
        The way of holding out, or the method, whose rows are taken; where a method has none of that
        way, those of "clip of known task" are.
    by : str
        "method" or "held_out": what the rows of the result are.

    Returns
    -------
    pandas.DataFrame
        `Method` or `Held out`, then r and drift [% of the range] for the driven signal of each
        task: means over clips.
    """
    if by == "method":
        alone = ~table["method"].isin(table.loc[table["held_out"] == chosen, "method"])
        table = table[(table["held_out"] == chosen) | alone]
    else:
        table = table[table["method"] == chosen]
    task = table["kind"].str.split().str[0]
    columns = {}
    for kind, signal in _DRIVEN:
        own = table[(task == kind) & (table["signal"] == signal)].groupby(by, sort=False)
        columns[f"{kind.capitalize()} {signal}: r"] = own["r"].mean()
        columns[f"{kind.capitalize()} {signal}: drift [%]"] = own["drift_percent"].mean()
    title = by.replace("_", " ").capitalize()
    order = [name for name in HELD_OUT if by == "held_out"] or table["method"].unique()
    found = pd.DataFrame(columns).dropna(axis=1, how="all")
    return (
        found.reindex([name for name in order if name in found.index])
        .rename_axis(title)
        .reset_index()
    )


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


def ridge(inputs: np.ndarray, outputs: np.ndarray, penalty: float = _RIDGE) -> np.ndarray:
    """Return the weights `(input, output)` of a linear regression without an offset.

    Parameters
    ----------
    inputs, outputs : numpy.ndarray
        One row an example.
    penalty : float
        Penalty of the weights' squares, as a share of the mean square of the inputs.
    """
    inputs, outputs = inputs.astype(float), outputs.astype(float)
    squares = inputs.T @ inputs
    added = penalty * np.trace(squares) / len(squares)
    return np.linalg.solve(squares + added * np.eye(len(squares)), inputs.T @ outputs)


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


def estimates(
    clip: Clip, known: Sequence[Clip], networks: Sequence[StateEstimator]
) -> dict[str, np.ndarray]:
    """Return the signals `(time, signal)` of a test clip by each method of `evaluate`."""
    features, true = clip.sequence
    # a displacement means something else in each task: these two know the kind, the others do not
    alike = [one for one in known if one.kind == clip.kind] or known
    moved = np.concatenate([one.displacement for one in alike])
    since = np.concatenate([one.sequence.state - one.sequence.state[0] for one in alike])
    factor = np.linalg.lstsq(moved[:, np.newaxis], since)[0]  # 0 where nothing has moved

    motion = [np.nan_to_num(one.sequence.features.motion) for one in alike]
    changes = [np.diff(one.sequence.state, axis=0) for one in alike]
    steps = ridge(np.concatenate([m[1:] for m in motion]), np.concatenate(changes))
    walked = np.cumsum(np.nan_to_num(features.motion[1:]) @ steps, axis=0)

    network = networks[0]
    axes, centre = network.appearance_axes.numpy().T, network.appearance_mean.numpy()
    frames = np.concatenate([one.sequence.features.appearance for one in known])
    states = np.concatenate([one.sequence.state for one in known])
    middle = states.mean(axis=0)
    weights = ridge((frames - centre) @ axes, states - middle)
    return {
        "optical flow, integrated": true[0] + clip.displacement[:, np.newaxis] @ factor,
        "KLT, integrated": true[0] + np.concatenate([np.zeros_like(walked[:1]), walked]),
        "ridge": (features.appearance - centre) @ axes @ weights + middle,
        "estimator": estimate(features, networks).state,
    }
