"""The synthetic in-vivo domain: motor units in layered tissue, seen by an acquisition chain."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.interpolate import make_interp_spline
from threadpoolctl import threadpool_limits

from musclelib import sequences
from musclelib.acquisition import (
    PROBES,
    FilterParameters,
    Gate,
    Recording,
    axial_step,
    band_pass,
    velocity_sequence,
)
from musclelib.parameters import ParameterError, Parameters, quantity
from musclelib.simulator.cross_section import (
    SUBJECTS,
    Label,
    Motion,
    Tissue,
    TissueParameters,
    sample_tissue,
    subject,
    tissue_motion,
)
from musclelib.simulator.echo import EchoFrames, EchoParameters, sample_scatterers
from musclelib.simulator.motor_units.parameters import SimulatorParameters, preset
from musclelib.simulator.motor_units.pool import Pool, sample_pool
from musclelib.simulator.motor_units.superpose import sequence_dataset, twitch_trains, unit_labels

SOURCES = 64
"""Number of parts of the true velocity that a store holds; ten units need about 20."""

_TOLERANCE = 0.01  # error of the motion's compression, below that of the expansion of echoes
_TISSUES = [label.name.lower() for label in Label]


@dataclass(frozen=True)
class InVivoParameters(Parameters):
    """A set of sequences of the synthetic in-vivo domain; a `Subject` differs by person."""

    subjects: tuple[int, ...] = quantity(
        tuple(range(SUBJECTS)),
        doc="virtual subjects, one sequence each in turn",
        low=0,
        high=SUBJECTS - 1,
    )
    units: tuple[int, int] = quantity(
        (4, 10), doc="range of the number of active motor units", low=0, high=25
    )
    probe: str = quantity("L14-5", doc="the probe", choices=tuple(PROBES))
    duration: float = quantity(2.0, "s", "length of the recording", low=0.3, high=60)

    def check(self) -> None:
        """Check that there is a subject and that the range of units ascends."""
        self.check_ranges("units")
        if not self.subjects:
            raise ParameterError("subjects = (): at least one is needed")

    def to_json(self) -> str:
        """Return the parameters and all values derived from them as JSON text, for stores."""
        details = {
            str(number): {
                part: dataclasses.asdict(values)
                for part, values in self.specimen(number)._asdict().items()
            }
            for number in sorted(set(self.subjects))
        }
        for parts in details.values():
            # this field concerns real recordings, and the text of the domain is frozen
            del parts["recording"]["demodulation_frequency"]
        details["chain"] = {
            "gate": dataclasses.asdict(Gate()),
            "filters": dataclasses.asdict(FilterParameters()),
        }
        return json.dumps({**dataclasses.asdict(self), "details": details}, sort_keys=True)

    def subject_of(self, index: int) -> int:
        """Return the number of the subject of sequence `index`."""
        return self.subjects[index % len(self.subjects)]

    def specimen(self, number: int) -> Specimen:
        """Return all parameters of the sequences of one subject."""
        person, recording = subject(number), PROBES[self.probe]
        rate = recording.prf
        assert rate is not None
        step = 3 * axial_step(recording)  # three quarters of the largest step that carries the band
        rows = max(person.tissue.pixels[0], int(np.ceil(person.tissue.size[0] / step)))
        tissue = dataclasses.replace(
            person.tissue, pixels=(rows, person.tissue.pixels[1]), rate=rate, duration=self.duration
        )
        span = (tissue.frames - 2) / rate  # from the first pair of frames to the last [s]
        # the tolerance keeps rounding from adding a frame
        frames = int(np.ceil(span * FilterParameters().rate - 1e-6))
        return Specimen(
            preset(
                "paper1",
                units=self.units,
                firing_rate=person.firing_rate,
                frame_rate=FilterParameters().rate,
                frames=frames,
            ),
            tissue,
            EchoParameters(attenuation=person.attenuation, snr=person.snr),
            recording,
        )


class Specimen(NamedTuple):
    """All parameters of the sequences of one subject."""

    pool: SimulatorParameters
    tissue: TissueParameters
    echo: EchoParameters
    recording: Recording


class Recorded(NamedTuple):
    """One recorded sequence, its truth, tissue and pool."""

    velocity: xr.DataArray  # (time, depth, lateral) [mm/s], estimated from the echoes
    true_map: np.ndarray  # (source, depth, lateral) [1]
    true_signal: np.ndarray  # (source, time) [mm/s]
    tissue: Tissue
    pool: Pool


def echoes(specimen: Specimen, tissue: Tissue, motion: Motion, seed: int, index: int) -> EchoFrames:
    """Return the echoes of a moving tissue, at the tissue's depths and the probe's elements."""
    depth, lateral, columns = motion.depth, motion.lateral, specimen.recording.element_positions
    scatterers = sample_scatterers(
        specimen.echo,
        specimen.recording,
        depth,
        lateral,
        seed,
        index,
        label_map=tissue.label,
        names=_TISSUES,
    )
    return EchoFrames(
        motion, scatterers, specimen.recording, depth, columns, specimen.echo, seed, index
    )


def true_velocity(motion: Motion, velocity: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the true velocity at the frames and pixels of an estimate, after the same band-pass.

    The median filter is left out, since it only serves to reduce the noise of the estimate.

    Returns
    -------
    true_map : numpy.ndarray
        `(source, depth, lateral)` [1].
    true_signal : numpy.ndarray
        `(source, time)` [mm/s]; the velocity is the sum of maps times signals.
    """
    filters = FilterParameters()
    between = np.diff(motion.signal, axis=1).T * np.float32(1e-3 * motion.rate)  # (pair, source)
    passed = band_pass(between[:, :, None], motion.rate, filters.low, filters.high, filters.order)[
        :, :, 0
    ]
    pairs = (np.arange(len(passed)) + 0.5) / motion.rate
    signal = make_interp_spline(pairs, passed, k=3)(velocity.time.values).T
    depth, lateral = velocity.depth.values, velocity.lateral.values
    points = np.stack(np.meshgrid(depth, lateral, indexing="ij"), axis=-1).reshape(-1, 2)
    return motion.gain_at(points).reshape(-1, depth.size, lateral.size), signal.astype(np.float32)


def record(parameters: InVivoParameters, seed: int, index: int, workers: int = 1) -> Recorded:
    """Record sequence `index` of the set `seed`: tissue, motion, echoes and velocity.

    The result does not depend on other sequences. Only the echoes reach the estimator.
    """
    specimen = parameters.specimen(parameters.subject_of(index))
    pool = sample_pool(specimen.pool, seed, index)
    tissue = sample_tissue(specimen.tissue, pool, seed, index)
    filters = FilterParameters(shape=(specimen.pool.frames, *FilterParameters().shape[1:]))
    # the rounding of matrix products in libraries depends on the number of threads
    with threadpool_limits(1):
        motion = tissue_motion(tissue, pool, specimen.tissue).compress(_TOLERANCE)
        frames = echoes(specimen, tissue, motion, seed, index)
        depth, lateral = motion.depth, specimen.recording.element_positions
        # not refined: the domain is frozen with the error of its depth step (docs/choices.md)
        velocity = velocity_sequence(
            frames,
            specimen.recording,
            depth,
            lateral,
            kind="image iq",
            filters=filters,
            refine=False,
            workers=workers,
        )
    return Recorded(velocity, *true_velocity(motion, velocity), tissue, pool)


@sequence_dataset.register
def recorded_dataset(parameters: InVivoParameters, seed: int, index: int) -> xr.Dataset:
    """Make a synthetic in-vivo sequence, with labels at the pixels of the estimated velocity."""
    made, number = record(parameters, seed, index), parameters.subject_of(index)
    specimen, velocity = parameters.specimen(number), made.velocity
    fine = specimen.tissue
    rows, columns = (
        pd.Index(grid).get_indexer(at, method="nearest")
        for grid, at in (
            (fine.depth, velocity.depth.values),
            (fine.lateral, velocity.lateral.values),
        )
    )
    if len(made.true_map) > SOURCES:
        raise ParameterError(
            f"the true velocity has {len(made.true_map)} parts, a store has room for {SOURCES}"
        )
    # labels are sampled at the frames of the velocity; the motion between two echoes is that at the
    # later one
    start = float(velocity.time[0]) + 0.5 / fine.rate
    pool = dataclasses.replace(made.pool, centre=made.tissue.centre)
    trains = twitch_trains(
        dataclasses.replace(pool, firing_time=pool.firing_time - start), specimen.pool
    )

    def padded(values: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [values, np.zeros((SOURCES - len(values), *values.shape[1:]), np.float32)]
        )[None]

    return sequences.build(
        {
            "velocity": velocity.values[None],
            **unit_labels(
                pool, made.tissue.territory[:, rows[:, None], columns], trains, specimen.pool
            ),
            "label_map": made.tissue.label[rows[:, None], columns][None],
            "true_map": padded(made.true_map),
            "true_signal": padded(made.true_signal),
            "subject": np.array([number]),
            **sequences.standardisation(velocity.values),
        },
        time=velocity.time,
        depth=velocity.depth,
        lateral=velocity.lateral,
        domain="synthetic in vivo",
        source=(
            "musclelib.simulator.in_vivo: simulated echoes of moving tissue through the chain of"
            " real recordings"
        ),
        parameters=parameters.to_json(),
        seed=seed,
    )
