"""Read territories from the maps of components by a trained network."""

from __future__ import annotations

import numpy as np
import torch

from musclelib.identification.motor_units import MotorUnits
from musclelib.identification.reader.components import Components
from musclelib.metrics.matching import overlap
from musclelib.networks.territory_reader import TerritoryReader

CONFIDENCE = 0.5
"""Lowest score of a unit."""

_SAME = 0.6  # intersection over union above which two components show one unit
_SMALLEST = 5  # pixels of the smallest territory


@torch.no_grad()
def read_territories(components: Components, reader: TerritoryReader) -> MotorUnits:
    """Read every component, and keep those that are units.

    Of two components with the same territory, the one with the higher score is kept.

    Parameters
    ----------
    components : Components
        The components of one sequence.
    reader : TerritoryReader
        The trained network, in evaluation mode.
    """
    frames = components.trains.shape[1]
    if not len(components.images):
        return MotorUnits.none(frames, components.field)
    device = next(reader.parameters()).device
    read = reader(torch.from_numpy(components.images).to(device))
    logits, scores = (values.float().cpu().numpy() for values in read)
    masks, certain = logits > 0, 1 / (1 + np.exp(-scores))
    kept: list[int] = []
    for number in np.argsort(-certain, kind="stable"):
        if certain[number] < CONFIDENCE or masks[number].sum() < _SMALLEST:
            continue
        if not kept or overlap(masks[[number]], masks[kept]).max() <= _SAME:
            kept.append(int(number))
    if not kept:
        return MotorUnits.none(frames, components.field)
    inside = masks[kept]
    sizes = inside.sum(axis=(1, 2))
    # trains are relative to the map's peak: times the map's mean they are the territory's velocity
    mean = (components.images[kept, 1] * inside).sum(axis=(1, 2)) / sizes
    territory = inside.repeat(components.block, axis=1).repeat(components.block, axis=2)
    missing = [
        (0, whole - part) for whole, part in zip(components.field, territory.shape[1:], strict=True)
    ]
    return MotorUnits.sorted(
        np.pad(territory, [(0, 0), *missing]),
        components.trains[kept] * mean[:, None],
        certain[kept],
    )
