"""The medial gastrocnemius in the tasks of paper 3: its drive, mechanics and signals.

`sample_mechanics` draws the `Mechanics` of one of 19 participants. `simulate_trial` makes a `Trial`
of a `Task`: EMG, torque and angle at 1000 Hz, and the `State` of the muscle at the frames of a
video. `dot` and `pedal` are the signals that the tasks follow; `equilibrium` computes the state
from activation and joint angle.

Examples
--------
>>> from musclelib.simulator.longitudinal import sample_mechanics, simulate_trial
>>> mechanics = sample_mechanics(seed=0, index=0)
>>> trial = simulate_trial(mechanics, 19.0, 20.0, "combined", seed=0, index=0, duration=20.0)
>>> trial.emg.shape, trial.state.fascicle_length.shape
((30000,), (750,))
"""

from musclelib.simulator.longitudinal.mechanics import Mechanics, State, equilibrium
from musclelib.simulator.longitudinal.participants import PARTICIPANTS, sample_mechanics
from musclelib.simulator.longitudinal.tasks import Task, dot, pedal
from musclelib.simulator.longitudinal.trial import FRAME_RATE, Trial, simulate_trial

__all__ = [
    "FRAME_RATE",
    "PARTICIPANTS",
    "Mechanics",
    "State",
    "Task",
    "Trial",
    "dot",
    "equilibrium",
    "pedal",
    "sample_mechanics",
    "simulate_trial",
]
