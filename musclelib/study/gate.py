"""What each step of the study can be told: the strict gate behind the parameters cell of its notebook.

Papermill only warns of a parameter that a notebook does not know. The gate refuses unknown names,
wrong types and impossible values before anything is computed. It cannot refuse code: papermill
writes every name as it is into a cell that is executed before the gate; `musclelib.study.run`
checks names before papermill has them.
"""

from __future__ import annotations

import ast
import dataclasses
import os
from dataclasses import dataclass
from typing import Any, Self

from musclelib.parameters import ParameterError, Parameters, quantity
from musclelib.recordings.velocity_units import FACTORS

_INJECTED = "# Parameters"  # how the cell begins that papermill inserts
_PLACES = ("folder", "report", "weights", "store", "source", "target")


@dataclass(frozen=True)
class Step(Parameters):
    """Base of the steps' parameters."""

    @classmethod
    def gate(cls, namespace: dict[str, Any]) -> Self:
        """Build from a notebook's `globals()`; a cell that runs it may be run again at any time.

        Raises
        ------
        ParameterError
            Papermill was given a name that is not a parameter of this step, one is missing, or a
            value is not allowed.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        values = {name: namespace[name] for name in names if name in namespace}
        for source in namespace.get("In", []):  # the shell's history
            if source.startswith(_INJECTED):
                assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
                given = [
                    target.id
                    for node in assigned
                    for target in node.targets
                    if isinstance(target, ast.Name)
                ]
                # refused by `from_dict`
                values |= {name: None for name in given if name not in names}
        step = cls.from_dict(values)
        for name in set(_PLACES) & values.keys():
            if not values[name].strip():  # a name put behind it would begin at the root of the disk
                raise ParameterError(
                    f"{cls.__name__}.{name} is empty: a place is needed, '.' for the notebook's own"
                )
            if name != "source" and os.path.isfile(values[name]):
                raise ParameterError(
                    f"{cls.__name__}.{name} = {values[name]!r}: a file is there; a folder is needed"
                )
        return step


@dataclass(frozen=True)
class Tour(Step):
    """Parameters of the tour."""

    interactive: bool = quantity(doc="widgets to play with, or their pictures for a report")
    report: str = quantity(doc="folder for figures and tables")
    seed: int = quantity(doc="seed of the random draws", low=0)


@dataclass(frozen=True)
class Generate(Step):
    """What steps that generate stores have in common."""

    folder: str = quantity(doc="folder for the stores, or an fsspec URL")
    seed: int = quantity(doc="seed of the random draws", low=0)
    workers: int = quantity(doc="threads on this machine", low=1)
    replace: bool = quantity(
        doc="remove a store made with other parameters first, instead of refusing"
    )
    scheduler: str = quantity(doc="address of a dask scheduler, empty for this machine alone")


@dataclass(frozen=True)
class Simulate(Generate):
    """Parameters of the simulation step."""

    count: int = quantity(doc="sequences of paper 1's simulator", low=2)
    copy_count: int = quantity(doc="sequences of each changed copy of it", low=2)
    noise_snr: float = quantity(unit="dB", doc="noise of the noisy copies", low=-20, high=100)


@dataclass(frozen=True)
class RecordInVivo(Generate):
    """Parameters of the step that makes the synthetic in-vivo sets."""

    train: int = quantity(doc="sequences of subjects 0 to 7 in turn, to train on", low=1)
    test: int = quantity(doc="sequences of subject 8, whom no training sees", low=1)
    compare: int = quantity(doc="sequences of all subjects in turn, for cross-comparison", low=2)
    duration: float = quantity(unit="s", doc="length of a recording", low=0.3, high=60)


@dataclass(frozen=True)
class Draw(Step):
    """Parameters of a step that draws what others computed."""

    folder: str = quantity(doc="folder of the stores")
    report: str = quantity(doc="folder for figures and tables")


@dataclass(frozen=True)
class Compare(Step):
    """Parameters of the comparison of domains."""

    folder: str = quantity(doc="folder of the stores and for the tables")


@dataclass(frozen=True)
class Fit(Step):
    """What training runs have in common."""

    folder: str = quantity(doc="folder of the stores and for the run")
    steps: int = quantity(doc="steps in all", low=1)
    batch: int = quantity(doc="examples of a step, clips of each domain", low=1)
    learning_rate: float = quantity(doc="of all optimisers", above=0)
    device: str = quantity(doc="where to train", choices=("auto", "cpu", "cuda"))
    seed: int = quantity(doc="seed of weights, examples and noise", low=0)


@dataclass(frozen=True)
class Train(Fit):
    """Parameters of a training run of a translation."""

    model: str = quantity(doc="name of the model")
    crop: int | None = quantity(
        unit="pixel", doc="side of a random square of each clip, None for whole clips", low=16
    )
    flip: bool = quantity(doc="turn clips upside down every other time")


@dataclass(frozen=True)
class TrainReader(Fit):
    """Parameters of a training run of the reader of territories."""

    report: str = quantity(doc="folder for figures and tables")
    weights: str = quantity(doc="folder of trained networks")


@dataclass(frozen=True)
class Apply(Step):
    """What steps that apply trained networks to the study's sequences have in common."""

    folder: str = quantity(doc="folder of the stores and for the results")
    weights: str = quantity(doc="folder of trained networks")
    seed: int = quantity(doc="seed of the random draws", low=0)


@dataclass(frozen=True)
class Translate(Apply):
    """Parameters of the translation of simulated sequences."""

    models: str = quantity(doc="names of weights, with spaces between, or all")
    count: int = quantity(doc="sequences to translate", low=1)


@dataclass(frozen=True)
class Identify(Apply):
    """Parameters of the comparison of methods that identify motor units."""

    methods: str = quantity(doc="names of methods, with commas between, or all")
    counts: tuple[int, ...] = quantity(doc="numbers of motor units of simulated sequences", low=1)
    noise: tuple[float | None, ...] = quantity(
        unit="dB", doc="signal-to-noise ratios; None: no noise", low=-20
    )
    repeats: int = quantity(doc="simulated sequences of each number and noise", low=1)
    in_vivo: int = quantity(
        doc="synthetic in-vivo sequences, the first of the test set; 0 for none", low=0
    )

    def check(self) -> None:
        """Refuse a comparison of nothing, or of the same twice."""
        for name in ("counts", "noise"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ParameterError(
                    f"{name} = {values}: allowed are one or more values, each once"
                )


@dataclass(frozen=True)
class IdentifyRecording(Step):
    """Parameters of the identification of the units of one recording."""

    source: str = quantity(doc="a sequence store with velocity")
    target: str = quantity(doc="the store of units to write; tables go beside it")
    weights: str = quantity(doc="folder of trained networks")
    method: str = quantity(doc="name of a method")
    replace: bool = quantity(
        doc="remove a store of units with other content first, instead of refusing"
    )
    interactive: bool = quantity(doc="widgets to look through the units, or pictures for a report")
    report: str = quantity(doc="folder for figures and tables")


@dataclass(frozen=True)
class Sensitivity(Draw):
    """Parameters of training runs with one thing changed at a time."""

    model: str = quantity(doc="name of the model")
    steps: int = quantity(doc="steps of each run", low=1)
    repeats: int = quantity(doc="runs of each variant", low=1)
    tests: int = quantity(doc="simulated sequences kept for the comparison", low=1)
    duration: float = quantity(
        unit="s", doc="of them that is compared; spectra take 0.5 s at least", low=0.5
    )
    crop: int = quantity(unit="pixel", doc="side of a random square of each clip", low=16)
    learning_rate: float = quantity(doc="of both optimisers", above=0)


@dataclass(frozen=True)
class CloseLoop(Draw):
    """Parameters of the comparison of sets that a reader of territories is trained on."""

    count: int = quantity(doc="sequences of each set", low=1)
    steps: int = quantity(doc="steps of each training", low=1)
    repeats: int = quantity(doc="trainings on each set", low=1)
    tests: int = quantity(doc="sequences of the test set", low=1)


@dataclass(frozen=True)
class ImportEchoes(Step):
    """Parameters of the import of one recording of echoes, or of velocity.

    What a probe can be, its `Recording` checks, which the notebook builds before any work.
    """

    source: str = quantity(doc="a file, or registry:NAME for a public recording")
    variable: str = quantity(
        doc="name of the array in the file, a pattern to stack several, empty where only one is"
    )
    axes: str = quantity(
        doc="axes of the array as stored: frame, sample, element; or frame, depth, lateral"
    )
    kind: str = quantity(doc="what it holds", choices=("rf", "channel iq", "image iq", "velocity"))
    unit: str | None = quantity(
        doc="unit of velocity, None to take the file's, else mm/s", choices=(None, *FACTORS)
    )
    prf: float | None = quantity(unit="Hz", doc="frames a second, None where unknown", above=0)
    centre_frequency: float = quantity(unit="Hz", doc="transmitted frequency")
    demodulation_frequency: float | None = quantity(
        unit="Hz", doc="what IQ was mixed down by, None: the transmitted"
    )
    bandwidth: float = quantity(unit="1", doc="pulse-echo bandwidth over centre frequency")
    sampling_rate: float = quantity(unit="Hz", doc="fast-time samples a second")
    element_count: int = quantity(doc="receiving elements")
    pitch: float = quantity(unit="mm", doc="distance between elements")
    sound_speed: float = quantity(unit="m/s", doc="speed of sound")
    start_time: float = quantity(unit="s", doc="time of the first sample")
    depth: tuple[float, float, float] = quantity(
        unit="mm", doc="first, last depth of the image and step", low=0
    )
    lateral: tuple[float, float, float] = quantity(
        unit="mm", doc="first, last lateral position and step"
    )
    gate_hop: float = quantity(
        unit="mm", doc="distance between the gates that velocity is estimated in", above=0
    )
    filtered: bool = quantity(doc="paper 1's filters and grid; for recordings of 2 s and more")
    store: str = quantity(doc="the sequence store to write")
    replace: bool = quantity(doc="remove a store with other content first, instead of refusing")
    description: str = quantity(doc="where it comes from, and its licence")

    def check(self) -> None:
        """Refuse grids that do not go from low to high, and what needs a frame rate without one."""
        image = (
            "frame sample element" if self.kind in ("rf", "channel iq") else "frame depth lateral"
        )
        if sorted(self.axes.split()) != sorted(image.split()):
            raise ParameterError(
                f"axes = {self.axes!r}: for kind {self.kind!r} the names {image}, in the order"
                " stored"
            )
        if self.prf is None and (self.kind == "velocity" or self.filtered):
            raise ParameterError(
                "prf = None: velocity and paper 1's filters need the frames a second [Hz]"
            )
        _check_description(self)
        for name in ("depth", "lateral"):
            first, last, step = getattr(self, name)
            if not (step > 0 and last - first >= 4 * step):
                raise ParameterError(
                    f"{name} = {(first, last, step)} [mm]: from low to high in at least 4 steps"
                )


def _check_description(step: ImportEchoes | ImportVideo) -> None:
    """Refuse to label a user's own recording as the public one that the notebook's defaults describe."""
    public = ("rotating disk phantom", "joshrbaxter/ultrasound_tracking")
    if not step.source.startswith("registry:") and any(name in step.description for name in public):
        raise ParameterError(
            f"description = {step.description!r} is that of a public recording, not of"
            f" {step.source}: set it, and every other parameter, to your own recording"
        )


@dataclass(frozen=True)
class ImportVideo(Step):
    """Parameters of the import of one B-mode video with its signals."""

    source: str = quantity(
        doc="a video, TIFF stack or image folder, or registry:NAME for a public recording"
    )
    signals: str = quantity(
        doc="CSV file of the signals, the MAT file of gm_torque_angle, registry:NAME, or empty"
    )
    signals_start: float = quantity(
        unit="s", doc="time of the first frame on the clock of the signals"
    )
    frame_rate: float | None = quantity(
        unit="Hz", doc="frames a second, None to take the file's", above=0
    )
    pixel_size: float = quantity(unit="mm", doc="edge of a pixel of the file", above=0)
    crop: tuple[int, int, int, int] | None = quantity(
        unit="px", doc="x0, y0, width, height; None for all", low=0
    )
    pixels: tuple[int, int] = quantity(doc="grid of the sequence: depth, lateral", low=12)
    store: str = quantity(doc="the sequence store to write")
    replace: bool = quantity(doc="remove a store with other content first, instead of refusing")
    description: str = quantity(doc="where it comes from, and its licence")

    def check(self) -> None:
        """Refuse a description that belongs to another recording."""
        _check_description(self)
