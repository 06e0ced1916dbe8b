"""Tissue of the synthetic in-vivo domain: a layered cross-section that motor units move.

`sample_tissue` draws a `Tissue` by `TissueParameters`, with a `Label` for each pixel; `effects_off`
turns all its effects off. `tissue_motion` computes the `Motion` that a pool of motor units causes
in it. `subject` returns one of nine virtual subjects, a `Subject` each.

Examples
--------
>>> from musclelib.simulator import preset, sample_pool
>>> from musclelib.simulator.cross_section import TissueParameters, sample_tissue, tissue_motion
>>> parameters = TissueParameters(pixels=(64, 64), duration=0.1)
>>> pool = sample_pool(preset("paper1"), seed=0, index=0)
>>> tissue = sample_tissue(parameters, pool, seed=0, index=0)
>>> tissue_motion(tissue, pool, parameters).velocity().shape
(200, 64, 64)
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
