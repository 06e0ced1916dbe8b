"""A temporal network from the appearance and the motion of frames to the state of a muscle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.parameters import ParameterError, Parameters, quantity

_JITTER = 0.2  # SD of the noise on components during training [SD]
_NARROWEST, _WIDEST = -5.0, 2.0  # bounds of the logarithm of a stated SD


@dataclass(frozen=True)
class StateEstimatorParameters(Parameters):
    """The architecture of a state estimator, and the video that it is made for."""

    shape: tuple[int, int] = quantity(doc="depth and lateral pixels of frames", low=16)
    pixel_size: tuple[float, float] = quantity(unit="mm", doc="depth and lateral", above=0)
    frame_rate: float = quantity(unit="Hz", doc="mean frame rate", above=0)
    appearance: int = quantity(doc="appearance features of a frame", low=1)
    motion: int = quantity(doc="motion features of a frame", low=1)
    signals: tuple[str, ...] = quantity(("emg", "torque", "angle"), doc="names of the signals")
    components: tuple[int, int] = quantity(
        (40, 10), doc="principal components of appearance and of motion", low=1
    )
    features: int = quantity(32, doc="channels", low=1)
    dilations: tuple[int, ...] = quantity(
        (1, 2, 4, 8), "frame", "dilations of the convolutions of three frames", low=1
    )

    def check(self) -> None:
        """Refuse more components than there are features, and a network without a signal."""
        for name, count, most in zip(
            ("appearance", "motion"), self.components, (self.appearance, self.motion), strict=True
        ):
            if count > most:
                raise ParameterError(
                    f"components: {count} of {name}; allowed are at most its {most} features"
                )
        if not self.signals:
            raise ParameterError("signals = (): one or more are needed")


class Output(NamedTuple):
    """State and change of each signal with their stated SDs, each `(batch, time, signal)`."""

    state: Tensor
    state_log_sd: Tensor
    change: Tensor
    change_log_sd: Tensor


class StateEstimator(nn.Module):
    """Dilated convolutions over time on principal components of appearance and motion.

    A linear readout of each frame is corrected by the convolutions, which see the frames around
    it. The axes of the components and the moments of the signals are buffers: `fit` takes them
    from the training set, and files of weights hold them.

    Attributes
    ----------
    settings : StateEstimatorParameters
        The parameters that the network was built from.
    """

    appearance_mean: Tensor
    appearance_axes: Tensor
    motion_axes: Tensor
    usual: Tensor
    state_mean: Tensor
    state_sd: Tensor
    change_sd: Tensor

    def __init__(self, settings: StateEstimatorParameters) -> None:
        super().__init__()
        self.settings = settings
        (first, second), signals = settings.components, len(settings.signals)
        shapes = {
            "appearance_mean": (settings.appearance,),
            "appearance_axes": (first, settings.appearance),
            "motion_axes": (second, settings.motion),
            "usual": (2,),
            "state_mean": (signals,),
            "state_sd": (signals,),
            "change_sd": (signals,),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.ones(shape))
        self.readout = nn.Conv1d(first + second, 2 * signals, 1)
        self.enter = nn.Conv1d(first + second, settings.features, 1)
        self.blocks = nn.ModuleList(
            _Block(settings.features, dilation) for dilation in settings.dilations
        )
        self.leave = nn.Conv1d(settings.features, 4 * signals, 1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def fit(
        self, appearance: Sequence[Tensor], motion: Sequence[Tensor], state: Sequence[Tensor]
    ) -> None:
        """Take axes and moments from the training set.

        Parameters
        ----------
        appearance, motion, state : sequence of Tensor
            Those of each training sequence, `(time, feature)` and `(time, signal)`.
        """
        first, second = self.settings.components
        frames, states = torch.cat(list(appearance)), torch.cat(list(state))
        self.appearance_mean.copy_(frames.mean(dim=0))
        self.appearance_axes.copy_(_axes(frames - self.appearance_mean, first))
        self.motion_axes.copy_(_axes(torch.cat(list(motion)), second))
        self.state_mean.copy_(states.mean(dim=0))
        self.state_sd.copy_(states.std(dim=0))
        changes = torch.cat([one.diff(dim=0) for one in state])
        self.change_sd.copy_(changes.square().mean(dim=0).sqrt())

        # how far new sequences lie from known ones: axes of one half, measured on the other
        half = len(appearance) // 2
        parts = (
            (torch.cat(list(appearance[:half])), torch.cat(list(appearance[half:])))
            if half
            else frames.chunk(2)
        )
        known, new = (part - parts[0].mean(dim=0) for part in parts)
        self.usual.copy_(torch.stack(_distances(new, _axes(known, first))).mean(dim=1))

    def novelty(self, appearance: Tensor) -> Tensor:
        """Return how unlike the training frames each frame is, `(batch, time)`; 1 is usual.

        It is the larger of two mean squares relative to those of new sequences of the training
        set: of what the components do not explain, and of the components.
        """
        distances = _distances(appearance - self.appearance_mean, self.appearance_axes)
        return torch.maximum(distances[0] / self.usual[0], distances[1] / self.usual[1])

    def forward(self, appearance: Tensor, motion: Tensor) -> Output:
        """Return the estimates in SDs of the training set.

        Parameters
        ----------
        appearance : Tensor
            Appearance features `(batch, time, appearance)`.
        motion : Tensor
            Motion features `(batch, time, motion)` from the previous frame to each frame; zero for
            the first.
        """
        still = (appearance - self.appearance_mean) @ self.appearance_axes.T
        moved = motion @ self.motion_axes.T
        x = torch.cat([still, moved], dim=2).transpose(1, 2)  # (batch, component, time)
        if self.training:
            x = x + _JITTER * torch.randn_like(x)
        y = self.enter(x)
        for block in self.blocks:
            y = block(y)
        y = self.leave(functional.silu(y))  # (batch, 4 * signal, time)
        state, change, *logs = y.unflatten(1, (4, -1)).transpose(2, 3).unbind(1)
        linear = self.readout(x).unflatten(1, (2, -1)).transpose(2, 3)
        wide = [log.clamp(_NARROWEST, _WIDEST) for log in logs]
        return Output(state + linear[:, 0], wide[0], change + linear[:, 1], wide[1])


class _Block(nn.Module):
    def __init__(self, features: int, dilation: int) -> None:
        super().__init__()
        self.look = nn.Conv1d(
            features, features, 3, padding=dilation, dilation=dilation, padding_mode="replicate"
        )
        self.mix = nn.Conv1d(features, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        # no norm: one over time would take away the level, which is what is asked for
        return x + self.mix(functional.silu(self.look(x)))


def _axes(rows: Tensor, count: int) -> Tensor:
    """Return the axes `(count, feature)` on which rows have the largest mean squares, all one."""
    rows = rows.double()
    squares, axes = torch.linalg.eigh(rows.T @ rows / len(rows))
    largest = squares[-1].clamp(min=1e-12)
    # directions in which nothing varies must not be blown up
    scaled = axes / squares.clamp(min=1e-6 * largest).sqrt()
    return scaled[:, -count:].T.flip(0).float()


def _distances(rows: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean squares of what axes do not explain, and of the components."""
    components = rows @ axes.T
    explained = components @ (axes / axes.square().sum(dim=1, keepdim=True))
    return (rows - explained).square().mean(dim=-1), components.square().mean(dim=-1)
