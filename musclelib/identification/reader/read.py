"""Territories out of the maps of components, by a trained reader."""

from __future__ import annotations

import numpy as np
import torch

from musclelib.identification.motor_units import MotorUnits
from musclelib.identification.reader.components import Components
from musclelib.metrics.matching import overlap
from musclelib.networks.territory_reader import TerritoryReader

CONFIDENCE = 0.5
"""Least score of a unit."""

_SAME = 0.6  # intersection over union of two components that show one unit
_SMALLEST = 5  # pixels of a territory


@torch.no_grad()
def read_territories(components: Components, reader: TerritoryReader) -> MotorUnits:
    """Read every component, and keep those that are units: of two with one territory, the more certain one.

    Parameters
    ----------
    components : Components
        Of one sequence.
    reader : TerritoryReader
        Trained, in evaluation mode.
    """
    frames = components.trains.shape[1]
    if not len(components.images):
        return MotorUnits.none(frames, components.field)
    logits, scores = (
        values.float().numpy() for values in reader(torch.from_numpy(components.images))
    )
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
    # of the map over its maximum
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
