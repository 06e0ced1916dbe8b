"""Translate recordings of any length and size, whole or in chunks, within a given memory.

A chunk differs from the whole in two ways: at its ends, and in its instance norms, whose statistics
depend on all frames that they see. So chunks overlap their neighbours by the reach of the network,
and their norms take the statistics of the whole recording (`lockstep`): chunked and whole
translation are then equal up to rounding, without seams.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from musclelib.networks.layers import InstanceNorm
from musclelib.networks.light_generator import LightGenerator
from musclelib.networks.resnet_generator import Generator, ResidualBlock
from musclelib.parameters import ParameterError
from musclelib.sequences import CLIP_FRAMES
from musclelib.sequences.arrays import as_sequence
from musclelib.translation.lockstep import Session

Translator: TypeAlias = Generator | LightGenerator
"""The networks that translate."""

MEMORY = 3e9
"""Default bound of the memory of a translation, besides the recording and the libraries [B]."""

PRECISIONS = ("bf16-mixed", "32-true")
"""Allowed precisions of the computation."""

# memory of a chunk during its forward pass besides its widest activation, relative to that;
# measured, with a margin
_ACTIVE = 2.5


class Piece(NamedTuple):
    """A chunk: its frames from `start` to `stop`, translated from those from `first` to `last`."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def kept(self) -> slice:
        """Place of the frames kept among those read."""
        return slice(self.start - self.first, self.stop - self.first)


class Plan(NamedTuple):
    """The way in which a recording is translated."""

    statistics: str  # in words: the frames that the instance norms see
    pieces: list[Piece]
    together: bool  # whether pieces advance in step, with the statistics of all of them
    faded: bool  # whether pieces overlap and are cross-faded
    on_disk: bool  # whether temporary files hold the activations of waiting pieces
    memory: float  # estimated memory [B]


def translate(
    generator: Translator,
    velocity: np.ndarray,
    *,
    statistics: str = "whole",
    chunk: int | None = None,
    memory: float = MEMORY,
    precision: str = "bf16-mixed",
    seed: int = 0,
) -> np.ndarray:
    """Translate one recording.

    A recording of a size that the network does not accept is extended by reflection, and the result
    is cropped again.

    Parameters
    ----------
    generator : Generator or LightGenerator
        The network that maps to the other domain, on the device that does the work.
    velocity : numpy.ndarray
        `(time, depth, lateral)`, standardised to mean 0 and SD 1 [SD].
    statistics : str
        "whole": instance norms take the statistics of the whole recording. "clip": they take those
        of each chunk, as of each clip in training; chunks overlap by half and are cross-faded
        linearly. Without effect on networks for single frames or without norms.
    chunk : int, optional
        Number of frames of a chunk; by default for "whole" as many as fit into the memory, for
        "clip" `CLIP_FRAMES`.
    memory : float
        Bound of the memory that the translation takes besides the recording and the libraries [B].
        If it is tight, temporary files in the folder of `tempfile` hold the activations of waiting
        chunks; `plan` says whether they do.
    precision : str
        "bf16-mixed" or "32-true".
    seed : int
        Seed of the noise that a network injects.

    Returns
    -------
    numpy.ndarray
        The translation, of the shape of `velocity`, float32 [SD of the other domain].

    Raises
    ------
    ValueError
        The recording is not three-dimensional or not finite.
    ParameterError
        An option is unknown, or the memory is too small.

    Examples
    --------
    >>> import numpy as np
    >>> from musclelib.networks import LightGenerator, LightGeneratorParameters
    >>> from musclelib.translation import translate
    >>> generator = LightGenerator(LightGeneratorParameters(features=4)).eval()
    >>> velocity = np.random.default_rng(0).standard_normal((50, 30, 30))
    >>> translate(generator, velocity, chunk=16, precision="32-true").shape
    (50, 30, 30)
    """
    velocity = as_sequence(velocity, minimum_frames=1).astype(np.float32, copy=False)
    how = plan(
        generator,
        velocity.shape,
        statistics=statistics,
        chunk=chunk,
        memory=memory,
        precision=precision,
    )
    missing = [
        size - have
        for size, have in zip(_padded(generator, velocity.shape), velocity.shape, strict=True)
    ]
    frames = torch.from_numpy(np.pad(velocity, [(0, more) for more in missing], mode="reflect"))
    out, weights = np.zeros(frames.shape, np.float32), np.zeros((len(frames), 1, 1), np.float32)
    with Session(generator, precision, seed) as session:
        for piece, translated in _translated(session, frames, how):
            fade = (
                _fade(piece) if how.faded else np.ones((piece.stop - piece.start, 1, 1), np.float32)
            )
            out[piece.start : piece.stop] += fade * translated[piece.kept].numpy()
            weights[piece.start : piece.stop] += fade
    return (out / weights)[tuple(map(slice, velocity.shape))]


def plan(
    generator: Translator,
    shape: tuple[int, ...],
    *,
    statistics: str = "whole",
    chunk: int | None = None,
    memory: float = MEMORY,
    precision: str = "bf16-mixed",
) -> Plan:
    """Return how `translate` divides a recording of `shape`, and an estimate of its memory.

    The other parameters are those of `translate`.

    Raises
    ------
    ParameterError
        An option is unknown, or the memory is too small.
    """
    for name, value, allowed in (
        ("statistics", statistics, ("whole", "clip")),
        ("precision", precision, PRECISIONS),
    ):
        if value not in allowed:
            raise ParameterError(f"{name} = {value!r}: allowed are {', '.join(map(repr, allowed))}")
    if chunk is not None and (not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 8):
        raise ParameterError(f"chunk = {chunk!r}: allowed is a whole number of at least 8 [frames]")

    # sizes in frames are multiples of the network's step in time
    total, depth, lateral = _padded(generator, shape)
    step = generator.multiple[0]
    margin = -(-reach(generator) // step) * step

    # memory of each frame [B]: of a chunk that waits in memory, or on disk, and of the active one
    plane = depth * lateral * (2 if precision == "bf16-mixed" else 4)
    held, skipped = (width * plane for width in _widths(generator))
    active = held * (1 + _ACTIVE)

    # without norms over time chunks are independent; otherwise they are translated each with its
    # own statistics, or in step with those of the whole
    together = faded = on_disk = False
    if not margin or not any(isinstance(layer, InstanceNorm) for layer in generator.modules()):
        words = "none beyond a frame"
        size = min(chunk or max(int(memory / active) - 2 * margin, 1), total)
        pieces = _pieces(total, -(-size // step) * step, margin)
        needed = active * max(map(_length, pieces))
    elif statistics == "clip":
        size = min(-(-(chunk or CLIP_FRAMES) // step) * step, total)
        starts = [*range(0, total - size, size // 2), total - size]
        pieces = [Piece(start, start + size, start, start + size) for start in starts]
        words, faded, needed = f"each chunk of {size} frames its own", True, active * size
    else:
        words, together = "the whole recording", True
        pieces, on_disk, needed = _in_step(
            total, chunk, step, margin, active, held, skipped, memory
        )
    if needed > memory:
        raise ParameterError(
            f"memory = {memory / 1e9:.2g} GB: chunks of this kind, of {depth} x {lateral} pixels,"
            f" take {needed / 1e9:.2g} GB; give more, or a smaller chunk"
        )
    return Plan(words, pieces, together, faded, on_disk, needed)


def reach(generator: nn.Module) -> int:
    """Return the number of frames to either side that a frame of the output depends on.

    Norms do not count; for a network of single frames it is 0.
    """
    if hasattr(generator, "reach"):
        return int(generator.reach)  # type: ignore[arg-type]
    frames, step = 0.0, 1.0
    for layer in generator.modules():  # in the order of the forward pass
        if isinstance(layer, nn.Conv3d):
            frames += (layer.kernel_size[0] - 1) * layer.dilation[0] / 2 * step
            step *= layer.stride[0]
        elif isinstance(layer, nn.ConvTranspose3d):
            step /= layer.stride[0]
            frames += (layer.kernel_size[0] - 1) * layer.dilation[0] / 2 * step
    return int(np.ceil(frames))


def _in_step(
    total: int,
    chunk: int | None,
    step: int,
    margin: int,
    active: float,
    held: float,
    skipped: float,
    memory: float,
) -> tuple[list[Piece], bool, float]:
    """Divide a recording into as few pieces as fit into the memory, since margins are work twice.

    The activations of waiting pieces go to disk before pieces become shorter than their margins.

    Returns
    -------
    tuple
        The pieces, whether the activations of waiting ones are on disk, and the memory [B].
    """
    for on_disk, shortest in ((False, 2 * margin), (True, margin)):
        count = 1
        while True:
            size = -(-(chunk or -(-total // count)) // step) * step
            pieces = _pieces(total, size, margin)
            lengths = [_length(piece) for piece in pieces]
            waiting = sum(lengths) - max(lengths)
            needed = max(lengths) * active + waiting * (skipped if on_disk else held)
            if needed <= memory:
                return pieces, on_disk, needed
            if chunk or size <= shortest:
                break
            count += 1 + count // 8
    return pieces, True, needed


def _padded(generator: Translator, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the smallest size that the generator accepts and that holds `shape`."""
    limits = zip(shape, generator.smallest, generator.multiple, strict=True)
    return tuple(-(-max(size, least) // step) * step for size, least, step in limits)


def _pieces(total: int, size: int, margin: int) -> list[Piece]:
    starts = range(0, total, size)
    return [
        Piece(
            start,
            min(start + size, total),
            max(start - margin, 0),
            min(start + size + margin, total),
        )
        for start in starts
    ]


def _length(piece: Piece) -> int:
    return piece.last - piece.first


def _widths(generator: Translator) -> tuple[float, float]:
    """Return the largest activation of a layer and of a residual block, in values per input value.

    A layer's activation is what it reads or what it writes, whichever is larger.
    """
    clip = torch.zeros(1, 1, *generator.smallest, device=next(generator.parameters()).device)
    widths, skipped = [1.0], [0.0]

    def note(layer: nn.Module, _: object, out: Tensor) -> None:
        size = out.numel() / clip.numel()
        if isinstance(layer, ResidualBlock):
            skipped.append(size)
        elif isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            widths.append(
                size * max(layer.in_channels / layer.out_channels * math.prod(layer.stride), 1.0)
            )

    hooks = [layer.register_forward_hook(note) for layer in generator.modules()]
    try:
        with torch.inference_mode(), torch.random.fork_rng():
            generator(clip)
    finally:
        for hook in hooks:
            hook.remove()
    return max(widths), max(skipped)


def _translated(session: Session, frames: Tensor, how: Plan) -> Iterator[tuple[Piece, Tensor]]:
    """Yield each piece and the translation of the frames read for it."""
    chunks = [frames[piece.first : piece.last] for piece in how.pieces]
    if how.together:
        parts = [(chunk, piece.kept) for chunk, piece in zip(chunks, how.pieces, strict=True)]
        yield from zip(how.pieces, session.together(parts, how.on_disk), strict=True)
    else:
        for piece, chunk in zip(how.pieces, chunks, strict=True):
            yield piece, session.alone(chunk)


def _fade(piece: Piece) -> np.ndarray:
    """Return weights that rise and fall linearly, so that those of overlapping halves sum to 1."""
    size = piece.stop - piece.start
    return (1 - np.abs(2 * np.arange(size, dtype=np.float32) + 1 - size) / size)[:, None, None]
