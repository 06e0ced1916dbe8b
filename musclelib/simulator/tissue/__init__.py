"""Tissue of the synthetic in-vivo domain: the pool of motor units moves a layered cross-section; truth is kept."""

from musclelib.simulator.tissue.apply import tissue_motion
from musclelib.simulator.tissue.motion import Motion
from musclelib.simulator.tissue.parameters import TissueParameters, effects_off
from musclelib.simulator.tissue.sample import Label, Tissue, sample_tissue
from musclelib.simulator.tissue.subjects import SUBJECTS, Subject, subject

__all__ = [
    "SUBJECTS",
    "Label",
    "Motion",
    "Subject",
    "Tissue",
    "TissueParameters",
    "effects_off",
    "sample_tissue",
    "subject",
    "tissue_motion",
]
