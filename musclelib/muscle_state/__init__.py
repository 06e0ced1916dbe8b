"""Estimating muscle state, the change of EMG, torque and joint angle, from B-mode video (paper 3).

Training
    `Trials` of a store, which `split` divides by participants; `RECIPES` train either method of the
    paper on them, as every `Row` of `TABLE_1` does.
Evaluation
    `estimate_changes` of frames with a network; `evaluate` it on trials, or `score` changes and
    compute their `coherence` directly.
    `load_methods` loads the trained methods of a folder, `method_digest` tells them apart.
Visualisation
    `optimised_inputs` excite a neuron of a network; `flow` measures the motion that they show.
Features
    `integration_points` of training frames, and the `motion_features` of frames around them.
Estimator
    `estimate` returns the state itself, not only its changes, as an `Estimate` with stated SDs and
    confidence, from the `Features` that `frame_features` makes of a video; `train_estimators`
    trains its networks on `KnownSequence`s, which `known_sequences` makes of trials;
    `check_video` refuses a video of another kind.
Real video
    `real_video` trains and tests on one participant's recorded clips, which `real_clips` reads;
    `real_fascicles` is what the fascicle angle says of them, and `transfer` what methods that
    learnt from simulated trials do.
Own videos
    `own_video` opens a researcher's video, measures its fascicles over time, estimates the changes
    of its state, and writes zarr, CSV and a film.

Examples
--------
>>> import numpy as np
>>> from musclelib.muscle_state import integration_points, motion_features
>>> pattern = np.kron(np.random.default_rng(0).integers(0, 255, (20, 40)), np.ones((4, 4)))
>>> frames = [pattern[:, start : start + 120].astype(np.uint8) for start in (2, 1, 0)]
>>> points = integration_points(frames, count=5)
>>> features = motion_features(frames, points, window=11)  # the pattern moves by 1 px along lateral
>>> features.shape, bool(np.allclose(features[:, 5:], 1, atol=0.1))
((2, 10), True)
"""

from musclelib.muscle_state import own_video, real_clips, real_fascicles, real_video, transfer
from musclelib.muscle_state.estimator import (
    Estimate,
    Features,
    check_video,
    estimate,
    frame_features,
)
from musclelib.muscle_state.estimator_recipe import train_estimators
from musclelib.muscle_state.evaluate import coherence, estimate_changes, evaluate, score
from musclelib.muscle_state.features import integration_points, motion_features
from musclelib.muscle_state.methods import load_methods, method_digest
from musclelib.muscle_state.optimised_inputs import flow, optimised_inputs
from musclelib.muscle_state.recipes import RECIPES
from musclelib.muscle_state.state_windows import KnownSequence, known_sequences
from musclelib.muscle_state.table1 import TABLE_1, Row
from musclelib.muscle_state.trials import Trials, split

__all__ = [
    "RECIPES",
    "TABLE_1",
    "Estimate",
    "Features",
    "KnownSequence",
    "Row",
    "Trials",
    "check_video",
    "coherence",
    "estimate",
    "estimate_changes",
    "evaluate",
    "flow",
    "frame_features",
    "integration_points",
    "known_sequences",
    "load_methods",
    "method_digest",
    "motion_features",
    "optimised_inputs",
    "own_video",
    "real_clips",
    "real_fascicles",
    "real_video",
    "score",
    "split",
    "train_estimators",
    "transfer",
]
