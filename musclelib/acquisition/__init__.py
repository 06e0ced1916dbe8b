"""From echoes to tissue velocity: one chain for simulated and for real recordings."""

from musclelib.acquisition.beamform import Beamformer
from musclelib.acquisition.chain import (
    bmode,
    displacement_map,
    estimate_velocity,
    velocity_sequence,
)
from musclelib.acquisition.filters import FilterParameters, band_pass, resample, spatial_median
from musclelib.acquisition.images import Images, axial_step
from musclelib.acquisition.iq import demodulate
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
    "demodulate",
    "displacement",
    "displacement_map",
    "estimate_velocity",
    "resample",
    "spatial_median",
    "velocity_sequence",
]
