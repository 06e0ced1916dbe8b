"""Estimating muscle state, the change of EMG, torque and joint angle, from B-mode video (paper 3).

Features
    `integration_points` of training frames, and the `motion_features` of frames around them.

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

from musclelib.muscle_state.features import integration_points, motion_features

__all__ = ["integration_points", "motion_features"]
