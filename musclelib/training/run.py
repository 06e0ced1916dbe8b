"""One training run of any objective: a step, tables, checkpoints, resuming."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.utils.tensorboard import SummaryWriter
from tqdm.auto import tqdm

from musclelib import __version__
from musclelib.parameters import Parameters
from musclelib.training import checkpoint
from musclelib.training.average import Average
from musclelib.training.checkpoint import TrainingError
from musclelib.training.objective import Objective, Supervised, TrainingParameters, networks, turns
from musclelib.training.watch import Table, Watch
from musclelib.translation.preview import preview

_MAY_CHANGE = ("steps", "checkpoint_every", "preview_every", "workers", "device")
"""Parameters that a resumed run may have other values of; they leave every step as it is."""

Validate = Callable[[Any], dict[str, float]]


class Run:
    """One run: what `train` and `fit` build, restore and step through.

    `data` tells the examples from others, as `data.digest` does: a run goes on with those that it
    began with. `looked_at` holds what previews show: name, such as `A to B`, to the generator and
    the clips that it translates.
    """

    def __init__(
        self,
        fabric: Fabric,
        objective: Objective | Supervised,
        folder: Path,
        parameters: TrainingParameters,
        data: str,
    ) -> None:
        self.fabric = fabric
        self.objective = objective
        self.parameters = parameters
        self.folder = folder
        self.model = cast(nn.Module, objective)
        self.last, self.best = folder / "last.safetensors", folder / "best.safetensors"
        self.score: float | None = None
        self.made_of = {"parameters": _values(parameters), "settings": _values(objective.settings)}
        self.data = data
        self.looked_at: dict[str, tuple[nn.Module, torch.Tensor]] = {}
        # sizes stay the same from step to step
        torch.backends.cudnn.benchmark = fabric.device.type == "cuda"
        self.model.to(fabric.device).train()
        _channels_last(self.model)
        # the model itself keeps plain networks, for checkpoints and validation; a shallow copy
        # steps through those that Fabric has put into precision and DDP
        self.stepped = copy.copy(objective)
        cast(nn.Module, self.stepped)._modules = {
            name: (
                fabric.setup_module(torch.compile(child) if parameters.compile else child)  # type: ignore[arg-type]
                if child is not None and any(weight.requires_grad for weight in child.parameters())
                else child
            )
            for name, child in self.model._modules.items()
        }
        trained = networks(objective)
        self.weights = {
            name: [
                weight
                for network in group
                for weight in network.parameters()
                if weight.requires_grad
            ]
            for name, group in trained.items()
        }
        self.optimisers = {
            name: _optimiser(weights, parameters) for name, weights in self.weights.items()
        }
        self.wrapped: dict[str, Any] = {
            name: fabric.setup_optimizers(optimiser) for name, optimiser in self.optimisers.items()
        }
        self.average = Average(_averaged(self.model, next(iter(trained.values()))), parameters.ema)
        self.tables: dict[str, Table] = {}
        self.watch = Watch()

    def go(self, start: int, batches: Iterable[Any], validate: Validate | None) -> None:
        """Take all steps that are left."""
        steps, first = self.parameters.steps, self.fabric.is_global_zero
        if first:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.tables = {
                name: Table(self.folder / f"{name}.csv", start) for name in ("losses", "scores")
            }
            self.board = SummaryWriter(str(self.folder / "tensorboard"), purge_step=start + 1)
        try:
            with tqdm(
                total=steps, initial=start, unit="step", desc="train", disable=not first
            ) as bar:
                before = time.perf_counter()
                for step, batch in enumerate(batches, start + 1):
                    with self._memory_suffices(step, batch[0]):
                        losses = self._step(step, batch)
                    now = time.perf_counter()
                    losses["seconds"], before = now - before, now
                    if first:
                        self._show(step, start, losses, bar)
                    if step % self.parameters.preview_every == 0 or step == steps:
                        with self._memory_suffices(step, batch[0]):
                            self._review(step, validate)
                    if step % self.parameters.checkpoint_every == 0 or step == steps:
                        self._save(step, self.last)
        finally:
            if first:
                self.board.close()

    def _show(self, step: int, start: int, losses: dict[str, float], bar: tqdm[Any]) -> None:
        totals = {name: losses[name] for name in self.weights}
        bar.set_postfix({name: f"{value:.3g}" for name, value in totals.items()}, refresh=False)
        bar.update()
        if step == start + 2:  # the first step also pays for what is done once
            bar.write(self._cost(start, losses["seconds"]))
        self._log("losses", step, losses)
        self.watch.losses(step, totals)

    @contextmanager
    def _memory_suffices(self, step: int, first: torch.Tensor) -> Iterator[None]:
        try:
            yield
        except TrainingError:
            raise
        except (MemoryError, RuntimeError) as error:
            if (
                not isinstance(error, MemoryError | torch.OutOfMemoryError)
                and "alloc" not in str(error).lower()
            ):
                raise
            shape = " x ".join(map(str, first.shape[2:]))
            clips = f"{len(first)} clips of {shape}{' a domain' if self.looked_at else ''}"
            raise TrainingError(
                f"step {step}: out of memory with {clips}, {self.parameters.precision};"
                f" lower batch, crop or the features of the networks; {self._kept()}"
            ) from error

    def _step(self, step: int, batch: Any) -> dict[str, float]:
        # 0, 1: clips
        seed = np.random.SeedSequence((self.parameters.seed, step - 1, 2, self.fabric.global_rank))
        torch.manual_seed(int(seed.generate_state(1, np.uint64)[0]))
        losses: dict[str, float] = {}
        for name, total, parts in turns(self.stepped, batch):
            losses |= self._descend(name, step, total, parts)
        self.average.update(step)
        return losses

    def _descend(
        self, name: str, step: int, total: torch.Tensor, parts: Mapping[str, torch.Tensor]
    ) -> dict[str, float]:
        """Step one optimiser, unless that would spoil its weights."""
        optimiser, weights = self.wrapped[name], self.weights[name]
        optimiser.zero_grad()
        self.fabric.backward(total)
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        values = {name: total, **parts, f"gradient of {name}": norm}
        # one wait for the GPU
        numbers = torch.stack([value.detach().float() for value in values.values()]).tolist()
        losses = dict(zip(values, numbers, strict=True))
        wrong = [value for value in reversed(losses) if not math.isfinite(losses[value])]
        if wrong:
            first = next((value for value in wrong if value in parts), wrong[0])
            raise TrainingError(
                f"step {step}: the {'' if first.startswith('gradient') else 'loss '}{first!r} is"
                f" {losses[first]}; lower learning_rate (now {self.parameters.learning_rate:g}) or"
                f" use precision '32-true'; {self._kept()}"
            )
        if self.parameters.clip is not None:
            nn.utils.clip_grads_with_norm_(weights, self.parameters.clip, norm)
        optimiser.step()
        return losses

    def _review(self, step: int, validate: Validate | None) -> None:
        """Draw previews and validate, with averaged weights.

        Keep the checkpoint if it is the best.
        """
        better = False
        if self.fabric.is_global_zero and (self.looked_at or validate is not None):
            scores: dict[str, float] = {}
            self.model.eval()
            with self.average.in_place(), torch.no_grad():
                if self.looked_at:
                    scores = self._look(step)
                if validate is not None:
                    scores |= validate(self.objective)
            self.model.train()
            self._log("scores", step, scores)
            if validate is not None:
                if "score" not in scores:
                    raise TrainingError(
                        f"validate returned {', '.join(scores)}; it must return a 'score', lower"
                        " better"
                    )
                better = scores["score"] < (math.inf if self.score is None else self.score)
                self.score = scores["score"] if better else self.score
        if self.fabric.broadcast(better):
            self._save(step, self.best)

    def _look(self, step: int) -> dict[str, float]:
        """Draw previews, and say how translations correlate with their input."""
        with self.fabric.autocast():
            contents = preview(self.looked_at, self.folder / f"previews/{step:07d}.png")
        self.watch.contents(step, contents)
        return {f"correlation {name}": value for name, value in contents.items()}

    def _save(self, step: int, path: Path) -> None:
        # of supervised models, a step changes weights and buffers only
        held = {} if isinstance(self.objective, Supervised) else self.objective.state()
        state = {name: value.cpu() for name, value in held.items()}
        states: list[Any] = [state]
        if self.fabric.world_size > 1:  # each device has pools of its own
            states = [None] * self.fabric.world_size
            torch.distributed.all_gather_object(states, state)
        if self.fabric.is_global_zero:
            tensors = checkpoint.pack("model", self.model.state_dict())
            tensors |= checkpoint.pack("average", self.average.values)
            for name, optimiser in self.optimisers.items():
                tensors |= checkpoint.pack(name, checkpoint.moments(optimiser))
            for rank, state in enumerate(states):
                tensors |= checkpoint.pack(f"state {rank}", state)
            about = {"step": step, "best": self.score, "version": __version__, "data": self.data}
            checkpoint.write(path, tensors, about | self.made_of)
        self.fabric.barrier()

    def resume(self) -> int:
        """Restore the last checkpoint, if there is one, and return its step."""
        if not self.last.exists():
            return 0
        tensors, metadata = checkpoint.read(self.last)
        for kind, own in self.made_of.items():
            # what the run's version of the package did not know, it did as is the default
            there = (
                _defaults(self.parameters if kind == "parameters" else self.objective.settings)
                | metadata[kind]
            )
            for name in own.keys() | there.keys():
                if name not in _MAY_CHANGE and there.get(name) != own.get(name):
                    raise TrainingError(
                        f"{self.last}: is of a run with {name} = {there.get(name)}, not"
                        f" {own.get(name)}; choose another folder or remove it"
                    )
        if metadata.get("data") != self.data:
            raise TrainingError(
                f"{self.last}: is of a run on other examples, or on examples that have changed"
                " since; choose another folder or remove it"
            )
        checkpoint.restore_model(self.model, checkpoint.unpack("model", tensors), self.last)
        self.average.restore(checkpoint.unpack("average", tensors))
        for name, optimiser in self.optimisers.items():
            checkpoint.restore_moments(optimiser, checkpoint.unpack(name, tensors))
        if not isinstance(self.objective, Supervised):
            state = checkpoint.unpack(f"state {self.fabric.global_rank}", tensors)
            self.objective.load_state(
                {name: value.to(self.fabric.device) for name, value in state.items()}
            )
        self.score = metadata["best"]
        return int(metadata["step"])

    def _log(self, table: str, step: int, values: Mapping[str, float]) -> None:
        self.tables[table].add({"step": step, **values})
        for name, value in values.items():
            self.board.add_scalar(f"{table}/{name}", value, step)

    def _cost(self, start: int, seconds: float) -> str:
        left = self.parameters.steps - start
        hours, minutes = divmod(math.ceil(seconds * left / 60), 60)
        return (
            f"training: {seconds:.2g} s a step on {self.fabric.world_size} x"
            f" {self.fabric.device.type}, {self.parameters.precision}: about {hours} h {minutes}"
            f" min for {left} steps"
        )

    def _kept(self) -> str:
        return (
            f"the last good checkpoint is {self.last}"
            if self.last.exists()
            else "there is no checkpoint yet"
        )


def _optimiser(
    weights: list[nn.Parameter], parameters: TrainingParameters
) -> torch.optim.Optimizer:
    rate, betas, decay = parameters.learning_rate, parameters.betas, parameters.weight_decay
    if parameters.optimiser == "sgd":
        return torch.optim.SGD(weights, rate, momentum=betas[0], weight_decay=decay)
    return torch.optim.Adam(weights, rate, betas, weight_decay=decay, fused=True)


def _averaged(model: nn.Module, group: Iterable[nn.Module]) -> dict[str, Any]:
    """Return the weights of networks by their name in the model, and with them the running moments of batch norms."""
    own = {id(value) for network in group for value in (*network.parameters(), *network.buffers())}
    named = (*model.named_parameters(), *model.named_buffers())
    return {name: value for name, value in named if id(value) in own and value.is_floating_point()}


def _values(parameters: Parameters) -> dict[str, Any]:
    return json.loads(parameters.to_json())


def _defaults(parameters: Parameters) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(parameters)}


def _channels_last(model: nn.Module) -> None:
    """Lay out the kernels of convolutions as they are fastest in, on CPU and GPU."""
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weight in model.parameters():
        if weight.dim() in layouts:
            weight.data = weight.data.contiguous(memory_format=layouts[weight.dim()])
