"""The changes of EMG, torque and joint angle in a researcher's video, by a shipped network."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from musclelib.muscle_state.clock import clock_frames
from musclelib.muscle_state.evaluate import UNITS, Method, estimate_changes
from musclelib.muscle_state.own_video.opening import OwnVideo
from musclelib.muscle_state.region.contours import contour_from_curves
from musclelib.muscle_state.region.extract import place_region
from musclelib.networks import weights as networks
from musclelib.networks.feature_network import FeatureNetwork
from musclelib.networks.standardised import STATES
from musclelib.networks.state_cnn import StateCnn
from musclelib.networks.state_estimator import StateEstimator
from musclelib.simulator.longitudinal import FRAME_RATE

_POSITIVE = {"emg": "", "torque": ", plantarflexion positive,", "angle": ", dorsiflexion positive,"}
_SLOWEST = 0.8 * FRAME_RATE  # rate of a video below which two frames are too far apart
_APART = 1.5 / FRAME_RATE  # longest time between two frames of one change [s]


def estimate_state(measures: xr.Dataset, own: OwnVideo, weights: str | Path) -> xr.Dataset:
    """Add the changes of EMG, torque and joint angle that a trained method estimates.

    It learnt from SIMULATED participants and from no real one: its estimates on a real
    video are an extrapolation. It sees the region of paper 3, placed by the measured aponeuroses,
    at the frames nearest to a clock of 25 Hz; fascicles that run up to the right are mirrored for
    it. Where it cannot be applied, nothing is added and the attribute `state` says why.

    Parameters
    ----------
    measures : xarray.Dataset
        Measures of the video, see `measure_video`.
    own : OwnVideo
        The video.
    weights : str or Path
        Folder with the weights of estimators, or else of a network of paper 3.

    Returns
    -------
    xarray.Dataset
        The measures with `estimated_emg_change` [V], `estimated_torque_change` [N m] and
        `estimated_angle_change` [deg], plantarflexion and dorsiflexion positive, since the frame
        of the clock before; NaN at frames that are
        not of the clock, or not measured.
    """
    try:
        changes, about = _estimated(measures, own, Path(weights))
    except _NotPossibleError as error:
        return measures.assign_attrs(state=f"not estimated: {error}")
    added = {
        f"estimated_{name}_change": (
            "time",
            changes[:, column],
            {
                "units": UNITS[column],
                "long_name": f"change of {name}{_POSITIVE[name]} by a network trained on SIMULATED"
                " participants",
            },
        )
        for column, name in enumerate(STATES)
    }
    return measures.assign(added).assign_attrs(state=about)


class _NotPossibleError(Exception):
    """The networks cannot be applied; the message says why."""


def _estimated(measures: xr.Dataset, own: OwnVideo, folder: Path) -> tuple[np.ndarray, str]:
    if own.pixel_size is None:
        raise _NotPossibleError("the scale is not known")
    name, network = _network(folder)
    picks = clock_frames(own.time)
    if len(picks) < 2 or (len(own) - 1) / np.ptp(own.time) < _SLOWEST:
        raise _NotPossibleError(f"it takes at least {_SLOWEST:g} frames a second")
    upper, lower = (measures[f"{side}_row"].values for side in ("superficial", "deep"))
    known = np.flatnonzero(np.isfinite(upper).all(axis=1) & np.isfinite(lower).all(axis=1))
    contours = np.array([contour_from_curves(upper[k], lower[k]) for k in known])
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            region = place_region(contours, (own.pixel_size, own.pixel_size), own.shape)
        warned = "".join(f"; {warning.message}" for warning in caught)
    except ValueError as error:
        raise _NotPossibleError(str(error)) from None
    chosen = set(picks.tolist())
    frames = (frame for k, frame in enumerate(own.frames()) if k in chosen)
    seen = np.concatenate([region.extract(frame[None]) for frame in frames])
    turned = float(np.nanmedian(measures["fascicle_angle"])) < 0
    if turned:
        seen = np.ascontiguousarray(seen[:, :, ::-1])
    changes = np.full((len(own), len(STATES)), np.nan)
    changes[picks[1:]] = estimate_changes(network, seen)
    doubtful = ~np.isin(picks, known)
    apart = np.diff(own.time[picks]) > _APART
    changes[picks[1:][doubtful[1:] | doubtful[:-1] | apart]] = np.nan
    about = (
        f"estimated by {name}, trained on SIMULATED participants, from frames about"
        f" {1 / FRAME_RATE:g} s apart"
    )
    return changes, about + (", mirrored for it" if turned else "") + warned


def _network(folder: Path) -> tuple[str, Method]:
    """Return a method of a folder and the names of its files; the one with the best scores first.

    Of networks of other seeds the first is taken, of estimators all.
    """
    estimators = networks.files(folder, StateEstimator)
    if estimators:
        loaded = [networks.load(file, StateEstimator) for file in estimators.values()]
        return ", ".join(estimators), loaded
    for name, file in networks.files(folder, FeatureNetwork).items():
        return name, networks.load(file, FeatureNetwork)
    for name, file in networks.files(folder, StateCnn).items():
        return name, networks.load(file, StateCnn)
    raise _NotPossibleError(f"{folder} holds no network for changes of the state")
