"""The trained methods of a folder of weights, by name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from musclelib.muscle_state.evaluate import Method
from musclelib.networks import weights
from musclelib.networks.feature_network import FeatureNetwork
from musclelib.networks.state_cnn import StateCnn
from musclelib.networks.state_estimator import StateEstimator


def load_methods(folder: str | Path) -> dict[str, Method]:
    """Load all methods whose weights are in a folder.

    Further networks of a kind of paper 3, trained with other seeds, are named by their seed, as
    "CNN, seed 1".

    Parameters
    ----------
    folder : str or Path
        Folder with the files of weights.

    Raises
    ------
    MissingWeightsError
        The folder holds no weights of any of the methods.
    WeightsError
        A file of weights is damaged, or is not the one that its card describes.
    """
    methods: dict[str, Method] = {}
    for name, kind in {"KLT + network": FeatureNetwork, "CNN": StateCnn}.items():
        for place, path in enumerate(weights.files(folder, kind).values()):
            seed = weights.about(path).get("seed", place)
            methods[f"{name}, seed {seed}" if place else name] = weights.load(path, kind)
    estimators = weights.files(folder, StateEstimator).values()
    if estimators:
        methods["estimator"] = [weights.load(path, StateEstimator) for path in estimators]
    if not methods:
        raise weights.MissingWeightsError(f"{folder}: holds no weights of a method of muscle state")
    return methods


def method_digest(method: Method) -> str:
    """Return a hash of the weights and settings of a method, equal only for equal methods."""
    networks = [method] if isinstance(method, FeatureNetwork | StateCnn) else method
    return hashlib.sha256(" ".join(map(weights.digest, networks)).encode()).hexdigest()[:16]
