"""Forward passes of a recording's chunks in step, so that instance norms see the whole recording.

Each chunk has a thread, and one thread runs at a time. At a norm a chunk waits until all have
arrived there; their statistics are joined, and all continue with the same statistics. A waiting
chunk holds one activation, in memory or on disk. The network need only have `InstanceNorm` modules
as its norms.
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

_BLOCK = 8  # number of frames copied to float32 at a time, so that the copy stays small
_EPS = 1e-5


class Moments(NamedTuple):
    """Mean and variance of each channel, as a norm needs them."""

    mean: Tensor
    variance: Tensor


class Session:
    """A generator prepared to translate, whose norms can take statistics from outside.

    It is in evaluation mode, has the precision given and draws the same noise in every chunk. Use
    it in a `with` statement, which restores the generator at its end.
    """

    def __init__(self, generator: nn.Module, precision: str, seed: int) -> None:
        self.generator, self.seed = generator, seed
        self.device = next(generator.parameters()).device
        self.half = precision == "bf16-mixed"
        # `answer`: the function by which the norms of the present thread get their moments
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

        Parameters
        ----------
        frames : Tensor
            `(time, depth, lateral)` [SD].
        answer : callable or None
            Function that returns a norm's input and the moments to use; without it, norms use the
            moments of their input.
        """
        self._asking.answer = answer
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.half),
        ):
            return self.generator(frames[None, None].to(self.device))[0, 0].float().cpu()

    def alone(self, frames: Tensor) -> Tensor:
        """Translate a chunk `(time, depth, lateral)` with the statistics of this chunk only."""
        torch.manual_seed(self.seed)  # every chunk gets the same noise
        return self.forward(frames, None)

    def together(self, chunks: Sequence[tuple[Tensor, slice]], on_disk: bool) -> list[Tensor]:
        """Translate chunks in step, with norms that use the statistics of all chunks.

        Parameters
        ----------
        chunks : sequence of (Tensor, slice)
            Frames `(time, depth, lateral)`, and which of them count; the others belong to a
            neighbour.
        on_disk : bool
            Whether temporary files hold the activations of waiting chunks.
        """
        passes = [_Pass(self, frames, on_disk) for frames, _ in chunks]
        moments: Moments | None = None
        torch.manual_seed(self.seed)
        try:
            while True:  # from one norm of the network to the next
                random = _random_state(self.device)
                parts: list[Moments] = []
                results: list[Tensor] = []
                for (frames, kept), each in zip(chunks, passes, strict=True):
                    # every chunk draws the same noise between two norms
                    _set_random_state(self.device, random)
                    stopped, x = each.go_on(moments)

                    # at a norm: the moments of the frames that count, at this layer's frame rate
                    if stopped:
                        start, stop = (
                            at * x.shape[2] // len(frames) for at in (kept.start, kept.stop)
                        )
                        parts.append(_moments(x[:, :, start:stop]))
                        each.wait(x)
                    else:
                        results.append(x)
                    del x  # only the pass itself may hold its activation

                # all passes reach the end at once, or the same norm, which gets the joined moments
                if results:
                    return results
                moments = _join(parts)
        finally:
            for each in passes:
                each.end()


class _Ended(BaseException):
    """Ends a pass whose result is no longer needed."""


class _Pass:
    """A forward pass in a thread, which stops at each norm until it receives the moments."""

    def __init__(self, session: Session, frames: Tensor, on_disk: bool) -> None:
        self._file = tempfile.TemporaryFile() if on_disk else None  # noqa: SIM115  # `end` closes it
        self._orders: SimpleQueue[Any] = SimpleQueue()
        self._news: SimpleQueue[Any] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, args=(session, frames), daemon=True)
        self._thread.start()

    def go_on(self, moments: Moments | None) -> tuple[bool, Tensor]:
        """Run to the next norm: return True and its input, or at the end False and the result."""
        self._orders.put(moments)
        news = self._news.get()
        if isinstance(news, BaseException):
            raise news
        return news

    def wait(self, x: Tensor) -> None:
        """Move the input of the norm to disk, if passes wait there; the tensor is emptied."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            torch.save(x, self._file)
            with torch.inference_mode():
                x.set_(x.new_empty(0).untyped_storage())  # frees the memory for all references

    def end(self) -> None:
        """End the thread, at whichever norm it waits."""
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
        except BaseException as error:  # raised again in the thread that waits for this pass
            self._news.put(error)


def _moments(x: Tensor) -> Moments:
    """Return moments `(time, channel)` of the frames of `(1, channel, time, depth, lateral)`."""
    parts = []
    with torch.inference_mode():
        for block in x[0].split(_BLOCK, dim=1):
            values = block.permute(1, 2, 3, 0).flatten(1, 2).float()
            variance, mean = torch.var_mean(values, dim=1, correction=0)
            parts.append(Moments(mean.double(), variance.double()))
        return Moments(*map(torch.cat, zip(*parts, strict=True)))


def _join(parts: Sequence[Moments]) -> Moments:
    """Join the moments of frames to those of all samples; double precision hides the order."""
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
