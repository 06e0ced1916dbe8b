"""The method `paper 2`: one network detects and segments units, another estimates their trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from musclelib import sequences
from musclelib.identification.motor_units import SPACING, MotorUnits, check
from musclelib.networks import weights
from musclelib.networks.mask_rcnn import FIELD, Detector
from musclelib.networks.slow_fusion import FRAMES
from musclelib.networks.twitch import TwitchNetwork, crop

FRAME_RATE = 400.0
"""Frame rate of the sequences that the networks were trained on [Hz]."""

_INSIDE = 0.5  # value of a mask, 0 to 1, above which a pixel belongs to the territory


@dataclass(frozen=True, eq=False)
class Paper2:
    """The pipeline of paper 2, from a standardised sequence to territories and twitch trains.

    A twitch train is estimated from a crop of the sequence around each territory.

    Attributes
    ----------
    detector : Detector
        The trained detector, in evaluation mode.
    network : TwitchNetwork
        The trained twitch network, in evaluation mode.
    """

    detector: Detector
    network: TwitchNetwork

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu") -> Self:
        """Read `detector.safetensors` and `twitch.safetensors` of a folder of weights.

        Raises
        ------
        WeightsError
            A file is missing or damaged, or holds another network.
        """
        folder = Path(folder)
        detector = weights.load(folder / "detector.safetensors", Detector, device=device)
        return cls(
            detector, weights.load(folder / "twitch.safetensors", TwitchNetwork, device=device)
        )

    @torch.no_grad()
    def __call__(
        self,
        velocity: np.ndarray,
        frame_rate: float,
        spacing: tuple[float, float] = SPACING,
        seed: int = 0,
    ) -> MotorUnits:
        """Identify units; their confidence is the detector's score.

        Parameters
        ----------
        velocity : numpy.ndarray
            `(time, depth, lateral)`, 400 x 64 x 64, in any unit; contraction is positive.
        frame_rate : float
            Frame rate [Hz], 400.
        spacing : tuple of float
            Size of a pixel along depth and lateral [mm], 0.625 within 1 %.
        seed : int
            Without effect, since nothing is random.

        Raises
        ------
        ValueError
            As `motor_units.check`, or the sequence differs from those of paper 2 in size, frame
            rate or spacing.
        """
        velocity = check(velocity)
        known = velocity.shape == (FRAMES, FIELD, FIELD) and frame_rate == FRAME_RATE
        if not known or not np.allclose(spacing, SPACING, rtol=0.01):
            raise ValueError(
                f"velocity of {' x '.join(map(str, velocity.shape))} at {frame_rate:g} Hz, pixels"
                f" of {spacing[0]:g} x {spacing[1]:g} mm: paper 2's networks accept only {FRAMES} x"
                f" {FIELD} x {FIELD} (time, depth, lateral) at {FRAME_RATE:g} Hz, pixels of"
                f" {SPACING[0]:g} mm"
            )
        device = next(self.detector.parameters()).device
        _, deviation = sequences.moments(velocity)
        standardised = sequences.standardised(velocity)
        (found,) = self.detector(torch.from_numpy(standardised)[None, None].to(device))
        territory = found["masks"][:, 0].cpu().numpy() > _INSIDE
        seen = territory.any(axis=(1, 2))
        if not seen.any():
            return MotorUnits.none(FRAMES, (FIELD, FIELD))
        territory, confidence = territory[seen], found["scores"].cpu().numpy()[seen]
        crops = torch.from_numpy(np.stack([crop(standardised, mask) for mask in territory]))
        trains = self.network(crops[:, None].to(device)).cpu().numpy()
        return MotorUnits.sorted(territory, trains * np.float32(deviation), confidence)
