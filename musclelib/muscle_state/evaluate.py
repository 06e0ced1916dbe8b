"""Compare estimated with measured changes of the muscle state, as in Tables 2 to 4 of paper 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy import signal

from musclelib.metrics.intervals import ratio_interval
from musclelib.muscle_state.estimator import estimate, frame_features
from musclelib.muscle_state.features import motion_features
from musclelib.muscle_state.trials import Trials
from musclelib.networks.feature_network import FeatureNetwork
from musclelib.networks.standardised import STATES
from musclelib.networks.state_cnn import StateCnn
from musclelib.networks.state_estimator import StateEstimator

UNITS = ("V", "N m", "deg")
"""Units of the signals in the order of `STATES`."""

UNDRIVEN = {("passive", "emg"), ("isometric", "angle")}
"""Tasks and signals that are meant to stay constant: R2 and NRMSE of their noise say nothing."""

_BLOCK = 10.0  # duration of the blocks that the bootstrap draws [s]: a block of the tasks' signals
_FEWEST = 6  # blocks below which they are too few for an interval
_BATCH = 4  # fastest on a CPU, whose cache larger batches leave


Method = StateCnn | FeatureNetwork | Sequence[StateEstimator]
"""A network of paper 3, or the estimators of a mixture."""


@torch.inference_mode()
def estimate_changes(method: Method, frames: np.ndarray, half: bool = False) -> np.ndarray:
    """Estimate the change of EMG, torque and angle from each frame to the next.

    For long recordings, a CNN that has been compiled by its method `compile` is faster again.

    Parameters
    ----------
    method : StateCnn, FeatureNetwork or sequence of StateEstimator
        Trained networks in evaluation mode.
    frames : numpy.ndarray
        Consecutive frames `(time, depth, lateral)` on the grid of the training set [grey values].
    half : bool
        Whether a CNN computes with bfloat16, which processors that have it do faster; the
        estimates change by about a hundredth of their SD.

    Returns
    -------
    numpy.ndarray
        `(time - 1, 3)` [V, N m, deg]; NaN where no feature could be followed.

    Raises
    ------
    ValueError
        The frames have another size than those that the network was trained on.
    """
    if not isinstance(method, StateCnn | FeatureNetwork):
        return estimate(frame_features(frames), method).change[1:]
    network = method
    device = next(network.parameters()).device
    if isinstance(network, FeatureNetwork):
        points = network.integration_points.cpu().numpy()
        features = motion_features(frames, points, network.settings.window)
        return network.changes(torch.from_numpy(features).to(device)).cpu().numpy()
    if frames.shape[1:] != network.settings.shape:
        raise ValueError(
            f"frames of {frames.shape[1:]} pixels; the network was trained on"
            f" {network.settings.shape}: extract the region at that size"
        )
    found = [np.empty((0, len(STATES)), np.float32)]
    for first in range(0, len(frames) - 1, _BATCH):
        part = torch.from_numpy(np.ascontiguousarray(frames[first : first + _BATCH + 1]))
        pairs = torch.stack([part[:-1], part[1:]], dim=1).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            found.append(network.changes(pairs).cpu().numpy())
    return np.concatenate(found)


def evaluate(
    estimated: Sequence[np.ndarray], trials: Trials, numbers: Sequence[int], sd: np.ndarray
) -> pd.DataFrame:
    """Evaluate estimated changes of trials, such as those of the participant held out, by task.

    Parameters
    ----------
    estimated : sequence of numpy.ndarray
        Estimated changes of each trial, `(pair, 3)` [V, N m, deg].
    trials : Trials
        The store.
    numbers : sequence of int
        Numbers of the trials.
    sd : numpy.ndarray
        SDs of the changes of the training set `(3,)` [V, N m, deg].

    Returns
    -------
    pandas.DataFrame
        The columns of `score`, after `task` and `signal`; task "all" is over all trials.
    """
    measured = trials.changes(numbers).astype(float)
    found = np.stack(list(estimated)).astype(float)
    tasks = np.array([trials.tasks[number] for number in numbers])
    rows = []
    for task in [*dict.fromkeys(tasks), "all"]:
        own = (tasks == task) | (task == "all")
        for place, name in enumerate(STATES):
            values = score(
                measured[own, :, place], found[own, :, place], float(sd[place]), trials.rate
            )
            if (task, name) in UNDRIVEN:
                values |= dict.fromkeys(("nrmse", "r2", "low", "high"), np.nan)
            rows.append({"task": task, "signal": name, **values, "unit": UNITS[place]})
    return pd.DataFrame(rows)


def score(measured: np.ndarray, estimated: np.ndarray, sd: float, rate: float) -> dict[str, float]:
    """Compare the changes of one signal.

    Parameters
    ----------
    measured, estimated : numpy.ndarray
        Changes from frame to frame `(trial, time)` [unit of the signal].
    sd : float
        SD of the changes of the training set [unit of the signal].
    rate : float
        Frames a second [Hz].

    Returns
    -------
    dict
        `mse` of the changes in SDs of the training set; `nrmse` = 1 - RMSE / SD of the measured
        changes, which is 1 for a perfect estimate (the tables of paper 3 agree with this reading
        only: 0.319 where R2 is 0.537); `rmse` [unit of the signal]; `r2`, the share of the variance
        that is explained, with the bounds `low` and `high` of its 95 % interval by a bootstrap over
        blocks of 10 s; `lost`, the share of changes without an estimate, which are left out.
        NaN where the measured signal does not change; bounds are also NaN for less than a minute.

    Raises
    ------
    ValueError
        The arrays differ in shape, or no change has an estimate.
    """
    if measured.shape != estimated.shape or measured.ndim != 2:
        raise ValueError(f"changes {measured.shape} and {estimated.shape}: needed is (trial, time)")
    known = np.isfinite(estimated)
    if not known.any():
        raise ValueError("no change has an estimate")
    error = np.where(known, estimated - measured, 0) ** 2
    spread = np.where(known, measured - measured[known].mean(), 0) ** 2
    length = min(max(round(_BLOCK * rate), 1), measured.shape[1])
    starts = np.arange(0, measured.shape[1], length)
    errors, spreads = (np.add.reduceat(part, starts, axis=1).ravel() for part in (error, spread))
    unexplained = ratio_interval(errors, spreads)
    if errors.size < _FEWEST:
        unexplained = unexplained._replace(low=np.nan, high=np.nan)
    mse = error.sum() / known.sum()
    return {
        "mse": mse / sd**2,
        "nrmse": 1 - np.sqrt(unexplained.value),
        "rmse": float(np.sqrt(mse)),
        "r2": 1 - unexplained.value,
        "low": 1 - unexplained.high,
        "high": 1 - unexplained.low,
        "lost": 1 - known.mean(),
    }


class Coherence(NamedTuple):
    """The coherence of two signals up to the Nyquist frequency."""

    frequency: np.ndarray
    """Frequencies [Hz]."""
    value: np.ndarray
    """Magnitude-squared coherence, 0 to 1, at each frequency."""
    significance: float
    """Value that unrelated signals exceed at a frequency with a probability of 5 %."""


def coherence(
    measured: np.ndarray, estimated: np.ndarray, rate: float, segment: int = 128
) -> Coherence:
    """Return the coherence of measured and estimated changes (paper 3, its figure of coherence).

    Welch's method, with segments under a Hann window that overlap by half. The significance line is
    1 - 0.05 ** (1 / (n - 1)), where n is the number of independent segments that have the same
    variance as the overlapping ones.

    Parameters
    ----------
    measured, estimated : numpy.ndarray
        Changes from frame to frame `(time,)`.
    rate : float
        Frames a second [Hz].
    segment : int
        Number of frames of a segment.

    Raises
    ------
    ValueError
        The signals differ in length, are shorter than two segments, or are not finite.
    """
    count = len(measured) * 2 // segment - 1
    if measured.shape != estimated.shape or count < 3:
        raise ValueError(
            f"signals of {measured.shape} and {estimated.shape}: needed are equal lengths of at"
            f" least {2 * segment} frames"
        )
    if not np.isfinite([measured, estimated]).all():
        raise ValueError("a change is not finite; coherence needs a value at every frame")
    frequency, value = signal.coherence(measured, estimated, rate, nperseg=segment)
    window = signal.get_window("hann", segment)
    shared = (window[: segment // 2] @ window[segment // 2 :] / (window @ window)) ** 2
    independent = count / (1 + 2 * shared * (count - 1) / count)
    return Coherence(frequency, value, 1 - 0.05 ** (1 / (independent - 1)))
