"""The examples of each training step, which depend only on seed and step, also after a resume."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Subset

from musclelib.parameters import ParameterError
from musclelib.sequences import CLIP_FRAMES
from musclelib.sequences.clips import Clips
from musclelib.streams import Purpose, stream

_STILL = 0.05  # SD of a clip [SD of its sequence] below which another one is drawn
_TRIES = 16


class Source(Protocol):
    """A source of clips `(channel, time, depth, lateral)` by number, such as a list or `Clips`."""

    def __len__(self) -> int: ...

    def __getitem__(self, item: int, /) -> torch.Tensor: ...


class Examples(Protocol):
    """The batches of a run by step: tuples whose first tensor is `(batch, channel, ...)`."""

    @property
    def digest(self) -> str:
        """Text that identifies the examples, without seed and batch, which a run keeps anyway."""
        ...

    def __getitem__(self, step: int, /) -> tuple[Any, ...]: ...


def digest(source: Source) -> str:
    """Return a text that identifies a source of clips.

    For stores it holds the digest of each (`sequences.digest`); for tensors it is their hash.
    """
    if isinstance(source, Subset):
        numbers = hashlib.sha256(repr(list(source.indices)).encode()).hexdigest()
        return f"{digest(cast(Source, source.dataset))}, {len(source)} of them ({numbers[:16]})"
    if hasattr(source, "digest"):
        return str(source.digest)
    total = hashlib.sha256()
    for number in range(len(source)):
        total.update(repr(source[number].shape).encode() + source[number].numpy().tobytes())
    return total.hexdigest()


class Pairs(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Batches of clips of two domains, each `(batch, channel, time, depth, lateral)`, by step.

    Clips are drawn with replacement. A clip that hardly moves is replaced by another draw, a few
    times at most: for a still clip, every instance norm divides by the square root of its epsilon,
    and gradients grow 300 times a layer.

    Parameters
    ----------
    clips_a, clips_b : Source
        Clips of domains A and B.
    batch : int
        Number of clips of each domain on each device.
    crop : int, optional
        Side of a random square that is cut from each clip [pixel]; None: whole clips.
    seed : int
        Seed of the draws.
    rank, world : int
        Number of this device, and number of all devices, which draw different clips.
    flip : bool
        Whether clips are turned upside down (depth) with a probability of 0.5.

    Raises
    ------
    ParameterError
        A domain has no clips, they are smaller than the crop, or the two domains differ in size.
    """

    def __init__(
        self,
        clips_a: Source,
        clips_b: Source,
        batch: int,
        crop: int | None,
        seed: int,
        rank: int = 0,
        world: int = 1,
        flip: bool = True,
    ) -> None:
        self.clips = (clips_a, clips_b)
        self.batch = batch
        self.crop = crop
        self.seed = seed
        self.rank = rank
        self.world = world
        self.flip = flip
        cut = f"squares of {crop}" if crop is not None else "whole"
        turned = ", turned upside down every other time" if flip else ""
        self.digest = f"A: {digest(clips_a)}; B: {digest(clips_b)}; {cut}{turned}"
        shapes = []
        for name, clips in zip("AB", self.clips, strict=True):
            if not len(clips):
                raise ParameterError(f"domain {name}: there are no clips")
            shape = tuple(clips[0].shape)
            if crop is not None and crop > min(shape[2:]):
                raise ParameterError(
                    f"crop = {crop}: clips of domain {name} have {shape[2]} x {shape[3]} pixels;"
                    f" allowed is at most {min(shape[2:])}"
                )
            shapes.append(shape if crop is None else shape[:2])
        if shapes[0] != shapes[1]:
            raise ParameterError(
                f"clips of domain A have shape {tuple(clips_a[0].shape)}, of domain B"
                f" {tuple(clips_b[0].shape)}; they must agree in channels and frames, and in pixels"
                " unless a crop is given"
            )

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self._draw(step, 0), self._draw(step, 1)

    def _draw(self, step: int, domain: int) -> torch.Tensor:
        own = range(self.rank * self.batch, (self.rank + 1) * self.batch)
        return torch.stack([self._clip(step, domain, number) for number in own])

    def _clip(self, step: int, domain: int, number: int) -> torch.Tensor:
        purpose = (Purpose.CLIPS_A, Purpose.CLIPS_B)[domain]
        rng = stream(purpose, self.seed, step, number)
        clips = self.clips[domain]
        for _ in range(_TRIES):
            clip = clips[int(rng.integers(len(clips)))]
            if self.crop is not None:
                row, column = ((np.array(clip.shape[2:]) - self.crop + 1) * rng.random(2)).astype(
                    int
                )
                clip = clip[:, :, row : row + self.crop, column : column + self.crop]
            if clip.std(correction=0) > _STILL:
                break
        return clip.flip(2) if self.flip and rng.random() < 0.5 else clip


class Recut:
    """Clips of another length or frame rate, from successive clips of a store.

    Parameters
    ----------
    clips : Clips
        The stored clips.
    frames : int
        Number of frames of a new clip.
    every : int
        Frame step: 2 takes every second frame.

    Raises
    ------
    ParameterError
        A sequence is too short for one such clip.
    """

    def __init__(self, clips: Clips, frames: int, every: int = 1) -> None:
        self.clips, self.frames, self.every = clips, frames, every
        self.joined = -(-frames * every // CLIP_FRAMES)
        self.per_sequence = clips.per_sequence // self.joined
        if not self.per_sequence:
            raise ParameterError(
                f"frames = {frames}, every = {every}: a sequence has"
                f" {clips.per_sequence * CLIP_FRAMES} frames"
            )
        self.digest = f"{clips.digest}, {frames} frames, every {every}"

    def __len__(self) -> int:
        return self.clips.count * self.per_sequence

    def __getitem__(self, item: int) -> torch.Tensor:
        if not 0 <= item < len(self):
            raise IndexError(f"clip {item} of {len(self)}")
        sequence, part = divmod(item, self.per_sequence)
        first = sequence * self.clips.per_sequence + part * self.joined
        long = torch.cat(
            [self.clips[number] for number in range(first, first + self.joined)], dim=1
        )
        return long[:, : self.frames * self.every : self.every]


def loader(
    examples: Examples, steps: range, workers: int, pinned: bool
) -> DataLoader[tuple[Any, ...]]:
    """Return a loader of the batches of `steps` in their order, ahead of use if it has workers."""
    return DataLoader(
        cast(Dataset[tuple[Any, ...]], examples),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        pin_memory=pinned,
        generator=torch.Generator(),  # keeps it from drawing from the random stream of the networks
    )
