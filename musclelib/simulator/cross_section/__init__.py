"""Tissue of the synthetic in-vivo domain: the pool of motor units moves a layered cross-section.

Truth is kept.
"""

from musclelib.simulator.cross_section.motion import Motion
from musclelib.simulator.cross_section.parameters import TissueParameters, effects_off
from musclelib.simulator.cross_section.sample import Label, Tissue, sample_tissue
from musclelib.simulator.cross_section.subjects import SUBJECTS, Subject, subject
from musclelib.simulator.cross_section.tissue_motion import tissue_motion

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
