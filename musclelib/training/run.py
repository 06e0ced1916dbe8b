"""One training run of any objective: steps, tables, checkpoints and resumption."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import nn
from tqdm.auto import tqdm

from musclelib import __version__
from musclelib.parameters import Parameters
from musclelib.streams import Purpose, torch_seed
from musclelib.training import checkpoint
from musclelib.training.average import Average
from musclelib.training.checkpoint import TrainingError
from musclelib.training.objective import Objective, Review, TrainingParameters, Turn
from musclelib.training.watch import Table, Watch

_MAY_CHANGE = ("steps", "checkpoint_every", "review_every", "patience", "workers", "device")
"""Parameters that may change when a run is resumed, since no step depends on them."""


class Run:
    """One run, which `train` builds, restores and steps through.

    Parameters
    ----------
    fabric : Fabric
        Devices and precision, launched.
    objective : Objective
        The model, trained in place.
    folder : Path
        Folder of the run.
    parameters : TrainingParameters
        Settings of the training.
    data : str
        Digest of the examples; a run is only continued on the examples with which it began.
    """

    def __init__(
        self,
        fabric: Fabric,
        objective: Objective,
        folder: Path,
        parameters: TrainingParameters,
        data: str,
    ) -> None:
        self.fabric, self.objective, self.parameters = fabric, objective, parameters
        self.folder, self.data = folder, data
        self.last, self.best = folder / "last.safetensors", folder / "best.safetensors"
        self.score: float | None = None
        self.worse = 0  # reviews in a row without a better score
        self.identity = {"parameters": _values(parameters), "settings": _values(objective.settings)}
        # sizes are the same in every step
        torch.backends.cudnn.benchmark = fabric.device.type == "cuda"
        objective.to(fabric.device).train()
        _channels_last(objective)

        # the objective keeps plain networks for checkpoints and reviews; a shallow copy steps
        # through those that Fabric has wrapped for precision and DDP
        self.stepped = copy.copy(objective)
        self.stepped._modules = {
            name: self._set_up(network) for name, network in objective._modules.items()
        }

        groups = objective.groups()
        parameters.check_groups(list(groups))
        self.weights = {name: _trained(networks) for name, networks in groups.items()}
        self.optimisers = {
            name: parameters.optimiser(name).build(weights)
            for name, weights in self.weights.items()
        }
        self.wrapped: dict[str, Any] = {
            name: fabric.setup_optimizers(optimiser) for name, optimiser in self.optimisers.items()
        }
        self.average = Average(_averaged(objective, next(iter(groups.values()))), parameters.ema)
        self.tables: dict[str, Table] = {}
        self.watch = Watch()

    def _set_up(self, network: nn.Module | None) -> Any:
        """Let Fabric wrap a network, if any of its weights is trained."""
        if network is None or not _trained([network]):
            return network
        compiled = torch.compile(network) if self.parameters.compile else network
        return self.fabric.setup_module(cast(nn.Module, compiled))

    @property
    def ended(self) -> bool:
        """Whether the score has not improved for `patience` reviews."""
        return self.parameters.patience is not None and self.worse >= self.parameters.patience

    def go(self, start: int, batches: Iterable[Any], review: Review | None) -> None:
        """Take all remaining steps, or those until the score does not improve any more."""
        steps, first = self.parameters.steps, self.fabric.is_global_zero
        if first:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.tables = {
                name: Table(self.folder / f"{name}.csv", start) for name in ("losses", "scores")
            }
        with tqdm(total=steps, initial=start, unit="step", desc="train", disable=not first) as bar:
            before = time.perf_counter()
            for step, batch in enumerate(batches, start + 1):
                with self._memory_suffices(step, batch):
                    losses = self._step(step, batch)
                now = time.perf_counter()
                losses["seconds"], before = now - before, now
                if first:
                    self._show(step, start, losses, bar)
                if step % self.parameters.review_every == 0 or step == steps:
                    with self._memory_suffices(step, batch):
                        self._review(step, review)
                if step % self.parameters.checkpoint_every == 0 or step == steps or self.ended:
                    self._save(step, self.last)
                if self.ended:
                    break

    def _show(self, step: int, start: int, losses: dict[str, float], bar: tqdm[Any]) -> None:
        totals = {name: losses[name] for name in self.weights if name in losses}
        bar.set_postfix({name: f"{value:.3g}" for name, value in totals.items()}, refresh=False)
        bar.update()
        if step == start + 2:  # the first step includes work that is done only once
            bar.write(self._cost(start, losses["seconds"]))
        self.tables["losses"].add({"step": step, **losses})
        self.watch.losses(step, totals)

    @contextmanager
    def _memory_suffices(self, step: int, batch: Any) -> Iterator[None]:
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
            sizes = [part.shape for part in batch if isinstance(part, torch.Tensor)]
            shapes = " and ".join(" x ".join(map(str, shape)) for shape in sizes)
            raise TrainingError(
                f"step {step}: out of memory with examples of {shapes},"
                f" {self.parameters.precision}; lower batch, crop or the features of the networks;"
                f" {self._kept()}"
            ) from error

    def _step(self, step: int, batch: Any) -> dict[str, float]:
        rank = self.fabric.global_rank
        torch.manual_seed(torch_seed(Purpose.NETWORK_NOISE, self.parameters.seed, step - 1, rank))
        losses: dict[str, float] = {}
        for turn in self.stepped.turns(*batch):
            losses |= self._descend(step, turn)  # of several turns of a group, the last is shown
        self.average.update(step)
        return losses

    def _descend(self, step: int, turn: Turn) -> dict[str, float]:
        """Step one optimiser, unless a loss or a gradient that is not finite would spoil it."""
        name, total, parts = turn
        optimiser, weights = self.wrapped[name], self.weights[name]
        how = self.parameters.optimiser(name)
        for group in self.optimisers[name].param_groups:
            group["lr"] = how.rate_at(step)
        optimiser.zero_grad()
        self.fabric.backward(total)
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norm = nn.utils.get_total_norm(gradients)

        values = {name: total, **parts, f"gradient of {name}": norm}
        # one transfer, so that the GPU is waited for once
        numbers = torch.stack([value.detach().float() for value in values.values()]).tolist()
        losses = dict(zip(values, numbers, strict=True))
        wrong = [value for value in reversed(losses) if not math.isfinite(losses[value])]
        if wrong:
            first = next((value for value in wrong if value in parts), wrong[0])
            raise TrainingError(
                f"step {step}: the {'' if first.startswith('gradient') else 'loss '}{first!r} is"
                f" {losses[first]}; lower the rate of the optimiser of {name} (now"
                f" {how.rate_at(step):g}) or use precision '32-true'; {self._kept()}"
            )
        if how.clip is not None:
            nn.utils.clip_grads_with_norm_(weights, how.clip, norm)
        optimiser.step()
        return losses

    def _review(self, step: int, review: Review | None) -> None:
        """Review the averaged networks; keep the checkpoint if its score is the best so far."""
        better = False
        if self.fabric.is_global_zero and review is not None:
            self.objective.eval()
            with self.average.in_place(), torch.no_grad():
                scores = dict(review(self.objective, step))
            self.objective.train()
            self.tables["scores"].add({"step": step, **scores})
            if "score" in scores:
                better = scores["score"] < (math.inf if self.score is None else self.score)
                self.score = scores["score"] if better else self.score
                # the last step of a run that is made longer later has a review that others lack
                counted = step % self.parameters.review_every == 0
                self.worse = 0 if better else self.worse + counted
        self.worse = self.fabric.broadcast(self.worse)
        if self.fabric.broadcast(better):
            self._save(step, self.best)

    def _save(self, step: int, path: Path) -> None:
        memory = {name: value.cpu() for name, value in self.stepped.memory().items()}
        memories: list[Any] = [memory]
        if self.fabric.world_size > 1:  # every device has separate pools
            memories = [None] * self.fabric.world_size
            torch.distributed.all_gather_object(memories, memory)
        if self.fabric.is_global_zero:
            tensors = checkpoint.pack("model", self.objective.state_dict())
            tensors |= checkpoint.pack("average", self.average.values)
            for name, optimiser in self.optimisers.items():
                tensors |= checkpoint.pack(f"optimiser {name}", checkpoint.moments(optimiser))
            for rank, memory in enumerate(memories):
                tensors |= checkpoint.pack(f"memory {rank}", memory)
            about: dict[str, Any] = {"step": step, "best": self.score, "worse": self.worse}
            about |= {"version": __version__, "data": self.data}
            about["device"] = _device(self.fabric.device)
            checkpoint.write(path, tensors, about | self.identity)
        self.fabric.barrier()

    def resume(self) -> int:
        """Restore the last checkpoint, if there is one, and return its step."""
        if not self.last.exists():
            return 0
        tensors, metadata = checkpoint.read(self.last)
        for kind, own in self.identity.items():
            # a version that did not have a parameter behaved as its default
            there = (
                _defaults(self.parameters if kind == "parameters" else self.objective.settings)
                | metadata[kind]
            )
            for name in sorted(there.keys() - own.keys()):
                raise TrainingError(
                    f"{self.last}: is of a run by another version of musclelib, which had {name};"
                    " choose another folder or remove it"
                )
            for name in own:
                if name not in _MAY_CHANGE and there.get(name) != own.get(name):
                    raise TrainingError(
                        f"{self.last}: is of a run with {name} = {there.get(name)}, not"
                        f" {own.get(name)}; choose another folder or remove it"
                    )
        if metadata.get("data") != self.data:
            raise TrainingError(
                f"{self.last}: is of a run on other examples or first weights, or on examples that"
                " have changed since; choose another folder or remove it"
            )
        checkpoint.restore_model(self.objective, checkpoint.unpack("model", tensors), self.last)
        self.average.restore(checkpoint.unpack("average", tensors))
        for name, optimiser in self.optimisers.items():
            moments = checkpoint.unpack(f"optimiser {name}", tensors)
            checkpoint.restore_moments(optimiser, moments)
        memory = checkpoint.unpack(f"memory {self.fabric.global_rank}", tensors)
        self.stepped.remember(
            {name: value.to(self.fabric.device) for name, value in memory.items()}
        )
        self.score, self.worse = metadata["best"], metadata.get("worse", 0)
        return int(metadata["step"])

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


def _trained(networks: Iterable[nn.Module]) -> list[nn.Parameter]:
    """Return the weights of networks that require a gradient."""
    return [
        weight for network in networks for weight in network.parameters() if weight.requires_grad
    ]


def _averaged(model: nn.Module, group: Iterable[nn.Module]) -> dict[str, Any]:
    """Return the weights and the running moments of batch norms of networks by name."""
    own = {id(value) for network in group for value in (*network.parameters(), *network.buffers())}
    named = (*model.named_parameters(), *model.named_buffers())
    return {name: value for name, value in named if id(value) in own and value.is_floating_point()}


def _values(parameters: Parameters) -> dict[str, Any]:
    return json.loads(parameters.to_json())


def _device(device: torch.device) -> str:
    """Return a description of the device that trains."""
    gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if gpu else f"{os.cpu_count()} CPU cores"
    return f"{name}, {platform.machine()}"


def _defaults(parameters: Parameters) -> dict[str, Any]:
    fields = dataclasses.fields(parameters)
    return {
        field.name: field.default for field in fields if field.default is not dataclasses.MISSING
    }


def _channels_last(model: nn.Module) -> None:
    """Lay out the kernels of convolutions channels-last, the fastest layout on CPU and GPU."""
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weight in model.parameters():
        if weight.dim() in layouts:
            weight.data = weight.data.contiguous(memory_format=layouts[weight.dim()])
