"""Forward passes of the chunks of a recording in step, so that every instance norm sees the whole recording.

Each chunk runs in a thread of its own, one at a time. At a norm it waits until all have come as
far; their statistics are joined, and all go on with the same. What waits is one activation a chunk,
in memory or on disk. Nothing is asked of the network but that its norms are `InstanceNorm` modules.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from musclelib.networks.layers import InstanceNorm, instance_norm

_BLOCK = 8  # frames copied to float32 at a time, so that the copy stays small
_EPS = 1e-5


class Moments(NamedTuple):
    """What a norm needs to know, for each channel."""

    mean: Tensor
    variance: Tensor


class Session:
    """A generator made ready to translate: inference, precision, the same noise in every chunk, norms that are told.

    Used in a `with` statement, which leaves the generator as it was.
    """

    def __init__(self, generator: nn.Module, precision: str, seed: int) -> None:
        self.generator, self.seed = generator, seed
        self.device = next(generator.parameters()).device
        self.half = precision == "bf16-mixed"
        # `answer`: what the norms of this thread ask for their input and its moments
        self._asking = threading.local()
        self._changed: list[nn.Module] = []

    def __enter__(self) -> Self:
        self._training = self.generator.training
        self.generator.eval()
        self._random = torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])
        self._random.__enter__()
        for module in self.generator.modules():
            if isinstance(module, InstanceNorm):
                self._change(module, self._norm)
        return self

    def __exit__(self, *_: object) -> None:
        for module in self._changed:
            del module.forward
        self.generator.train(self._training)
        self._random.__exit__(None, None, None)

    def _change(self, module: nn.Module, forward: Callable[[Tensor], Tensor]) -> None:
        module.forward = forward  # of this instance, until the session ends
        self._changed.append(module)

    def _norm(self, x: Tensor) -> Tensor:
        answer = getattr(self._asking, "answer", None)
        if answer is None:
            return instance_norm(x)
        x, moments = answer(x)
        mean, variance = (values.float() for values in moments)
        return functional.batch_norm(
            x, mean, variance, torch.ones_like(mean), None, False, 0.0, _EPS
        )

    def forward(
        self, frames: Tensor, answer: Callable[[Tensor], tuple[Tensor, Moments]] | None
    ) -> Tensor:
        """Translate frames.

        Norms take the moments that `answer` gives, or, without one, those of their input.
        """
        self._asking.answer = answer
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.half),
        ):
            return self.generator(frames[None, None].to(self.device))[0, 0].float().cpu()

    def alone(self, frames: Tensor) -> Tensor:
        """Translate a chunk `(time, depth, lateral)` with its own statistics."""
        torch.manual_seed(self.seed)  # every chunk gets the same noise
        return self.forward(frames, None)

    def together(self, chunks: Sequence[tuple[Tensor, slice]], on_disk: bool) -> list[Tensor]:
        """Translate chunks in step, their norms with the statistics of all of them.

        Parameters
        ----------
        chunks : sequence of (Tensor, slice)
            Frames `(time, depth, lateral)`, and which of them count: the others are a neighbour's.
        on_disk : bool
            Keep the activations of those that wait in temporary files.
        """
        passes = [_Pass(self, frames, on_disk) for frames, _ in chunks]
        moments: Moments | None = None
        torch.manual_seed(self.seed)
        try:
            while True:
                random = _random_state(self.device)
                parts: list[Moments] = []
                results: list[Tensor] = []
                for (frames, kept), each in zip(chunks, passes, strict=True):
                    _set_random_state(self.device, random)
                    stopped, x = each.go_on(moments)
                    if stopped:
                        # in this layer's own steps of time
                        start, stop = (
                            at * x.shape[2] // len(frames) for at in (kept.start, kept.stop)
                        )
                        parts.append(_moments(x[:, :, start:stop]))
                        each.wait(x)
                    else:
                        results.append(x)
                    del x  # only its own pass may hold it
                if results:
                    return results
                moments = _join(parts)
        finally:
            for each in passes:
                each.end()


class _Ended(BaseException):
    """Ends a pass that nobody waits for any more."""


class _Pass:
    """One forward pass in a thread, which stops at each norm until it is told the moments."""

    def __init__(self, session: Session, frames: Tensor, on_disk: bool) -> None:
        self._file = tempfile.TemporaryFile() if on_disk else None  # noqa: SIM115  # `end` closes it
        self._orders: SimpleQueue[Any] = SimpleQueue()
        self._news: SimpleQueue[Any] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, args=(session, frames), daemon=True)
        self._thread.start()

    def go_on(self, moments: Moments | None) -> tuple[bool, Tensor]:
        """Run to the next norm and return True and its input, or to the end and return False and the result."""
        self._orders.put(moments)
        news = self._news.get()
        if isinstance(news, BaseException):
            raise news
        return news

    def wait(self, x: Tensor) -> None:
        """Put what was stopped at on disk, if that is where it waits.

        The tensor itself is emptied.
        """
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            torch.save(x, self._file)
            with torch.inference_mode():
                x.set_(x.new_empty(0).untyped_storage())  # empties it for all who hold it

    def end(self) -> None:
        """End the thread, wherever it waits."""
        self._orders.put(_Ended())
        self._thread.join()
        if self._file is not None:
            self._file.close()

    def _next(self) -> Moments:
        order = self._orders.get()
        if isinstance(order, _Ended):
            raise order
        return order

    def _ask(self, x: Tensor) -> tuple[Tensor, Moments]:
        self._news.put((True, x))
        moments = self._next()
        if self._file is not None:
            self._file.seek(0)
            x = torch.load(self._file, weights_only=True)
        return x, moments

    def _work(self, session: Session, frames: Tensor) -> None:
        try:
            self._next()
            self._news.put((False, session.forward(frames, self._ask)))
        except _Ended:
            pass
        except BaseException as error:  # belongs to whoever waits for this pass
            self._news.put(error)


def _moments(x: Tensor) -> Moments:
    """Take the moments of each channel of `(1, channel, time, depth, lateral)`, frame by frame: `(time, channel)`."""
    parts = []
    with torch.inference_mode():
        for block in x[0].split(_BLOCK, dim=1):
            values = block.permute(1, 2, 3, 0).flatten(1, 2).float()
            variance, mean = torch.var_mean(values, dim=1, correction=0)
            parts.append(Moments(mean.double(), variance.double()))
        return Moments(*map(torch.cat, zip(*parts, strict=True)))


def _join(parts: Sequence[Moments]) -> Moments:
    """Join the moments of frames to those of all their samples, in double precision: the order does not matter."""
    means, variances = map(torch.cat, zip(*parts, strict=True))
    mean = means.mean(dim=0)
    return Moments(mean, variances.mean(dim=0) + (means - mean).square().mean(dim=0))


def _random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_random_state(device: torch.device, state: Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
