"""A leg in the long axis under B-mode ultrasound: trials of paper 3 with their truth.

Trials
    `LongitudinalParameters` describe a set of trials, which `simulator.generate` makes;
    `participant_trial` makes one, frame by frame. `sample_mechanics` and `sample_anatomy` draw one
    of the 19 `PARTICIPANTS`. `simulate_trial` makes a `Trial`: the signals of a `Task` at 1000 Hz,
    and the `State` at `FRAME_RATE` by the participant's `Mechanics`: in `equilibrium`, or where
    motion meets resistance (`contract`). `dot` and `pedal` are what the tasks follow. `relations`
    says how fascicle length goes with the signals of a trial (`Relations`), also of a recorded one.
Images
    `sample_tissue` fills the `Layers` of an `Anatomy` with scatterers, a `Tissue`; `motion` makes
    its `Motion` from the states; a `Scanner` with one of the `DEVICES` (a `Device` each) sees it in
    a `View`, such as that of the `WHOLE` leg. `geometry` is the truth about the fascicles, a
    `Geometry`; `Label` names the tissue of a pixel.

Examples
--------
>>> from musclelib.simulator.longitudinal import LongitudinalParameters, participant_trial
>>> trial = participant_trial(LongitudinalParameters(neutral=1, duration=2), seed=0, index=2)
>>> len(trial.motion), trial.scanner.frame(0).shape, trial.trial.emg.shape
(75, (120, 496), (3000,))
"""

from musclelib.simulator.longitudinal.anatomy import Label, Layers, sample_anatomy
from musclelib.simulator.longitudinal.dynamics import contract
from musclelib.simulator.longitudinal.echoes import Scanner
from musclelib.simulator.longitudinal.mechanics import Mechanics, State, equilibrium
from musclelib.simulator.longitudinal.motion import Motion, motion
from musclelib.simulator.longitudinal.parameters import DEVICES, WHOLE, Anatomy, Device, View
from musclelib.simulator.longitudinal.participants import PARTICIPANTS, sample_mechanics
from musclelib.simulator.longitudinal.record import LongitudinalParameters, participant_trial
from musclelib.simulator.longitudinal.relations import Relations, relations
from musclelib.simulator.longitudinal.tasks import Task, dot, pedal
from musclelib.simulator.longitudinal.tissue import Tissue, sample_tissue
from musclelib.simulator.longitudinal.trial import FRAME_RATE, Trial, simulate_trial
from musclelib.simulator.longitudinal.truth import Geometry, geometry

__all__ = [
    "DEVICES",
    "FRAME_RATE",
    "PARTICIPANTS",
    "WHOLE",
    "Anatomy",
    "Device",
    "Geometry",
    "Label",
    "Layers",
    "LongitudinalParameters",
    "Mechanics",
    "Motion",
    "Relations",
    "Scanner",
    "State",
    "Task",
    "Tissue",
    "Trial",
    "View",
    "contract",
    "dot",
    "equilibrium",
    "geometry",
    "motion",
    "participant_trial",
    "pedal",
    "relations",
    "sample_anatomy",
    "sample_mechanics",
    "sample_tissue",
    "simulate_trial",
]
