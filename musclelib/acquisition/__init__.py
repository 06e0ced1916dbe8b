"""From echoes to tissue velocity: one chain for simulated and for real recordings.

Chain
    `velocity_sequence` leads from echoes to filtered velocity, `estimate_velocity` to velocity at
    the frame rate, `velocity_and_envelope` to both of the same beamformed frames,
    `displacement_map` to the displacement between two frames, `bmode` and `decibels` to grey
    values. A `Recording` describes the probe and its settings; `PROBES` has known ones.
Steps of the chain
    `demodulate` RF to IQ; beamform with a `Beamformer`; `Images` does both when it is sliced, in
    steps of `axial_step`; `displacement` and `coherence` within each `Gate`; `band_pass`,
    `spatial_median` and `resample` as paper 1's `FilterParameters` say.
Optical flow
    `tissue_velocity` of B-mode frames, and its `mean_displacement`.
Feature tracks
    `corners` of a B-mode frame, and their `displacements` to the next frame.

Examples
--------
>>> import numpy as np
>>> from musclelib.acquisition import L14_5, estimate_velocity
>>> depth, lateral = np.arange(60) * 0.0385 + 10, np.arange(4) * 0.3
>>> turn = np.exp(0.2j * np.arange(20))[:, None, None]  # the phase of an approaching target
>>> echoes = (turn * np.ones((20, 60, 4))).astype(np.complex64)
>>> velocity = estimate_velocity(echoes, L14_5, depth, lateral, kind="image iq")
>>> round(float(velocity.mean()), 1)  # c PRF / (4 pi fc) times 0.2 rad, in mm/s
9.8
"""

from musclelib.acquisition.beamform import Beamformer
from musclelib.acquisition.chain import (
    bmode,
    decibels,
    displacement_map,
    estimate_velocity,
    velocity_and_envelope,
    velocity_sequence,
)
from musclelib.acquisition.feature_tracks import corners, displacements
from musclelib.acquisition.filters import FilterParameters, band_pass, resample, spatial_median
from musclelib.acquisition.images import Images, axial_step
from musclelib.acquisition.iq import demodulate
from musclelib.acquisition.optical_flow import mean_displacement, tissue_velocity
from musclelib.acquisition.probe import L14_5, PROBES, Recording
from musclelib.acquisition.velocity import Gate, coherence, displacement

__all__ = [
    "L14_5",
    "PROBES",
    "Beamformer",
    "FilterParameters",
    "Gate",
    "Images",
    "Recording",
    "axial_step",
    "band_pass",
    "bmode",
    "coherence",
    "corners",
    "decibels",
    "demodulate",
    "displacement",
    "displacement_map",
    "displacements",
    "estimate_velocity",
    "mean_displacement",
    "resample",
    "spatial_median",
    "tissue_velocity",
    "velocity_and_envelope",
    "velocity_sequence",
]
