"""The parameters of the motor-unit simulator, and the presets of papers 1 and 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from musclelib.parameters import ParameterError, Parameters, quantity


@dataclass(frozen=True)
class SimulatorParameters(Parameters):
    """Parameters of one set of simulated sequences.

    Pairs are ranges from which the value of a unit is drawn uniformly. The defaults are those of
    paper 1 ("Simulation dataset"); comments give reasons for values that the papers leave open.
    """

    # the image
    frames: int = quantity(1024, doc="number of frames of a sequence", low=8)
    frame_rate: float = quantity(512.0, "Hz", "frame rate", low=50)
    pixels: tuple[int, int] = quantity((128, 128), doc="pixels along depth and lateral", low=4)
    size: tuple[float, float] = quantity(
        (40.0, 40.0), "mm", "depth and width of the cross-section", above=0
    )
    # the pool
    units: tuple[int, int] = quantity(
        (4, 10), doc="range of the number of active motor units", low=0
    )
    firing_rate: tuple[float, float] = quantity(
        (8.0, 13.0), "Hz", "mean firing rate", low=0.5, high=50
    )
    interval_cv: float = quantity(
        0.2, doc="coefficient of variation of the inter-pulse interval", low=0, high=0.5
    )
    synchronisation: tuple[float, float] = quantity(
        (0.1, 0.1),
        doc="share of a unit's firings that coincide with one of another unit",
        low=0,
        high=0.5,
    )
    synchronisation_jitter: float = quantity(
        0.002, "s", "SD of the difference of two synchronised firings", low=0, high=0.01
    )
    refractory: float = quantity(0.03, "s", "shortest inter-pulse interval", low=0.005, high=0.1)
    # the territory is a circle; the papers do not state the velocity across it
    diameter: tuple[float, float] = quantity((2.5, 10.0), "mm", "territory diameter", above=0)
    profile: str = quantity(
        "disc",
        doc="velocity across the territory",
        choices=("disc", "soft disc", "gaussian", "point"),
    )
    # the waveform of the twitch in the papers' source was not published; it is replaced by
    # Raikova's 4-parameter model
    waveform: str = quantity("twitch", doc="response to one firing", choices=("twitch", "dirac"))
    contraction_time: tuple[float, float] = quantity(
        (0.050, 0.075), "s", "time from onset to peak", low=0.01, high=0.2
    )
    half_relaxation: tuple[float, float] = quantity(
        (0.100, 0.130), "s", "time from onset to half relaxation", low=0.02, high=0.4
    )
    lead: tuple[float, float] = quantity(
        (0.003, 0.015), "s", "time from firing to onset of the twitch", low=0, high=0.1
    )
    amplitude: tuple[float, float] = quantity(
        (2.0, 30.0), "um", "peak displacement, log-uniform", above=0
    )
    variation: tuple[float, float] = quantity(
        (0.05, 0.10),
        doc="CV of a unit's twitch duration and amplitude between firings",
        low=0,
        high=0.3,
    )
    # noise and low-pass filter
    noise_snr: tuple[float, float] | None = quantity(
        None,
        "dB",
        "signal-to-noise ratio of white Gaussian noise, None for no noise",
        low=-20,
        high=100,
    )
    background: float = quantity(
        0.0, "mm/s", "SD of white noise added before the low-pass filter", low=0
    )
    smoothing: tuple[float, float] = quantity(
        (0.0, 0.0),
        "s, mm",
        "SD of the Gaussian low-pass filter along time and space, 0 for none",
        low=0,
        high=10,
    )

    def check(self) -> None:
        """Check that ranges ascend and that territories fit the image."""
        self.check_ranges(
            "units",
            "firing_rate",
            "synchronisation",
            "diameter",
            "contraction_time",
            "half_relaxation",
        )
        self.check_ranges("lead", "amplitude", "variation", "noise_snr")
        if self.diameter[1] > min(self.size):
            raise ParameterError(
                f"diameter = {self.diameter} [mm]: at most the image size {self.size}"
            )
        if self.contraction_time[0] * 2 < self.half_relaxation[0] and self.waveform == "twitch":
            raise ParameterError(
                f"half_relaxation = {self.half_relaxation} [s]: from onset, at most twice the"
                f" contraction_time {self.contraction_time}, so that the velocity starts from zero"
            )
        if self.contraction_time[1] >= self.half_relaxation[0]:
            raise ParameterError(
                f"half_relaxation = {self.half_relaxation} [s]: above contraction_time, from onset"
            )
        if self.refractory * self.firing_rate[1] > 0.8:
            raise ParameterError(
                f"refractory = {self.refractory} [s]: at most 0.8 of the shortest mean interval"
            )

    @property
    def duration(self) -> float:
        """Length of a sequence [s]."""
        return self.frames / self.frame_rate

    @property
    def time(self) -> np.ndarray:
        """Time of each frame `(time,)` [s]."""
        return np.arange(self.frames) / self.frame_rate

    @property
    def depth(self) -> np.ndarray:
        """Depth of each pixel's centre `(depth,)` [mm]."""
        return (np.arange(self.pixels[0]) + 0.5) * self.size[0] / self.pixels[0]

    @property
    def lateral(self) -> np.ndarray:
        """Lateral position of each pixel's centre `(lateral,)` [mm], 0 in the middle."""
        return (np.arange(self.pixels[1]) + 0.5) * self.size[1] / self.pixels[1] - self.size[1] / 2


PRESETS = {
    "paper1": SimulatorParameters(),
    "paper2": SimulatorParameters(
        frames=400, frame_rate=400.0, pixels=(64, 64), units=(5, 30), synchronisation=(0.0, 0.1)
    ),
    # paper 1, "Limitations": points and Dirac pulses, noise N(0, 0.1), low-pass. The width of the
    # filter is not stated; here it is one pixel and one frame, since a wider Gaussian flattens the
    # pulses below the noise
    "paper1-reduced": SimulatorParameters(
        profile="point",
        waveform="dirac",
        background=0.1,
        smoothing=(0.002, 0.3125),
        variation=(0.0, 0.0),
    ),
}
"""Parameters of papers 1 and 2 by name."""


def preset(name: str, **changes: Any) -> SimulatorParameters:
    """Return a preset with some values changed.

    Raises
    ------
    ParameterError
        The preset or a parameter is unknown, or a value is not allowed.
    """
    if name not in PRESETS:
        raise ParameterError(f"preset {name!r}: allowed are {', '.join(PRESETS)}")
    return PRESETS[name].changed(**changes)
