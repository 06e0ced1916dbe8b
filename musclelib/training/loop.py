"""The training loop: one model, two domains, any device, resumed where it was stopped."""

from __future__ import annotations

import copy
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
from musclelib.parameters import ParameterError
from musclelib.training import checkpoint
from musclelib.training.average import Average
from musclelib.training.checkpoint import TrainingError
from musclelib.training.data import Pairs, Source, loader
from musclelib.training.objective import Objective, TrainingParameters
from musclelib.training.watch import Table, Watch, fixed, preview

_MAY_CHANGE = ("steps", "checkpoint_every", "preview_every", "workers", "device")
"""Parameters that a resumed run may have other values of; they leave every step as it is."""


def train(
    objective: Objective,
    clips_a: Source,
    clips_b: Source,
    folder: str | Path,
    parameters: TrainingParameters,
    validate: Callable[[Any], dict[str, float]] | None = None,
) -> Path:
    """Train a model, or go on with a run that was stopped; a finished run is left alone.

    `folder` gets `last.safetensors` (all that a resumed run needs), `best.safetensors` (the same at its best score),
    `losses.csv` and `scores.csv`, `previews/` and `tensorboard/`. Steps depend on the parameters and the first
    weights alone: on CPU, a run killed at any time and resumed ends bit-identical to one never stopped.

    Parameters
    ----------
    objective : Objective
        The model, trained in place.
    clips_a, clips_b : Dataset or sequence of torch.Tensor
        Standardised clips `(1, time, depth, lateral)` of the two domains, as `sequences.clips.Clips` gives them.
    folder : str or Path
        Folder of the run.
    parameters : TrainingParameters
        How to train.
    validate : callable, optional
        Called with the objective, its generators averaged, every `preview_every` steps; returns named numbers, among
        them `score`, whose lowest value chooses the best checkpoint.

    Returns
    -------
    Path
        The best checkpoint; the last one where there is no `validate`.

    Raises
    ------
    TrainingError
        A loss or gradient is not finite, memory does not suffice, or the folder holds a run of another kind.
    ParameterError
        Clips, parameters and machine do not go together.
    """
    if parameters.device == "cuda" and not torch.cuda.is_available():
        raise ParameterError("device = 'cuda': this machine has no usable GPU; allowed here are 'auto' and 'cpu'")
    fabric = Fabric(
        accelerator=parameters.device, devices=parameters.devices, precision=cast(Any, parameters.precision)
    )
    fabric.launch()
    world, rank = fabric.world_size, fabric.global_rank
    pairs = Pairs(clips_a, clips_b, parameters.batch, parameters.crop, parameters.seed, rank, world, parameters.flip)
    run = _Run(fabric, objective, Path(folder), parameters)
    start = run.resume()
    if start < parameters.steps:
        run.looked_at = {"A to B": (objective.to_b, fixed(clips_a, fabric.device))}
        if hasattr(objective, "to_a"):
            run.looked_at["B to A"] = (objective.to_a, fixed(clips_b, fabric.device))
        batches = loader(pairs, range(start, parameters.steps), parameters.workers, fabric.device.type == "cuda")
        run.go(start, fabric.setup_dataloaders(batches, use_distributed_sampler=False), validate)
    return run.best if validate is not None and run.best.exists() else run.last


class _Run:
    """One run: what `train` builds, restores and steps through."""

    def __init__(self, fabric: Fabric, objective: Objective, folder: Path, parameters: TrainingParameters) -> None:
        self.fabric, self.objective, self.parameters, self.folder = fabric, objective, parameters, folder
        self.model = cast(nn.Module, objective)
        self.last, self.best = folder / "last.safetensors", folder / "best.safetensors"
        self.score: float | None = None
        self.made_of = {
            "parameters": json.loads(parameters.to_json()),
            "settings": json.loads(objective.settings.to_json()),
        }
        self.looked_at: dict[str, tuple[nn.Module, torch.Tensor]] = {}
        torch.backends.cudnn.benchmark = fabric.device.type == "cuda"  # sizes stay the same from step to step
        self.model.to(fabric.device).train()
        _channels_last(self.model)
        # the model itself keeps plain networks, for checkpoints and validation; a shallow copy steps through those
        # that Fabric has put into precision and DDP
        self.stepped = copy.copy(objective)
        cast(nn.Module, self.stepped)._modules = {
            name: fabric.setup_module(torch.compile(child) if parameters.compile else child)  # type: ignore[arg-type]
            if child is not None and any(weight.requires_grad for weight in child.parameters())
            else child
            for name, child in self.model._modules.items()
        }
        self.weights = {
            "generators": [weight for network in objective.generators() for weight in network.parameters()],
            "discriminators": [weight for network in objective.discriminators() for weight in network.parameters()],
        }
        rate, betas = parameters.learning_rate, parameters.betas
        self.optimisers = {
            name: torch.optim.Adam(weights, rate, betas, fused=True) for name, weights in self.weights.items()
        }
        self.wrapped: dict[str, Any] = {
            name: fabric.setup_optimizers(optimiser) for name, optimiser in self.optimisers.items()
        }
        trained = {id(weight) for weight in self.weights["generators"]}
        generators = {name: weight for name, weight in self.model.named_parameters() if id(weight) in trained}
        self.average = Average(generators, parameters.ema)
        self.tables: dict[str, Table] = {}
        self.watch = Watch()

    def go(self, start: int, batches: Iterable[Any], validate: Callable[[Any], dict[str, float]] | None) -> None:
        """Take all steps that are left."""
        steps, first = self.parameters.steps, self.fabric.is_global_zero
        if first:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.tables = {name: Table(self.folder / f"{name}.csv", start) for name in ("losses", "scores")}
            self.board = SummaryWriter(str(self.folder / "tensorboard"), purge_step=start + 1)
        try:
            with tqdm(total=steps, initial=start, unit="step", desc="train", disable=not first) as bar:
                before = time.perf_counter()
                for step, (a, b) in enumerate(batches, start + 1):
                    with self._memory_suffices(step, a):
                        losses = self._step(step, a, b)
                    now = time.perf_counter()
                    losses["seconds"], before = now - before, now
                    if first:
                        self._show(step, start, losses, bar)
                    if step % self.parameters.preview_every == 0 or step == steps:
                        with self._memory_suffices(step, a):
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
    def _memory_suffices(self, step: int, batch: torch.Tensor) -> Iterator[None]:
        try:
            yield
        except TrainingError:
            raise
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "alloc" not in str(error).lower():
                raise
            shape = " x ".join(map(str, batch.shape[2:]))
            raise TrainingError(
                f"step {step}: out of memory with {len(batch)} clips of {shape} a domain, {self.parameters.precision};"
                f" lower batch, crop or the features of the networks; {self._kept()}"
            ) from error

    def _step(self, step: int, a: torch.Tensor, b: torch.Tensor) -> dict[str, float]:
        seed = np.random.SeedSequence((self.parameters.seed, step - 1, 2, self.fabric.global_rank))  # 0, 1: clips
        torch.manual_seed(int(seed.generate_state(1, np.uint64)[0]))
        total, parts, fakes = self.stepped.generator_loss(a, b)
        losses = self._descend("generators", step, total, parts)
        total, parts = self.stepped.discriminator_loss(a, b, fakes)
        losses |= self._descend("discriminators", step, total, parts)
        self.average.update(step)
        return losses

    def _descend(
        self, networks: str, step: int, total: torch.Tensor, parts: Mapping[str, torch.Tensor]
    ) -> dict[str, float]:
        """Step one optimiser, unless that would spoil its weights."""
        optimiser = self.wrapped[networks]
        optimiser.zero_grad()
        self.fabric.backward(total)
        gradients = [weight.grad for weight in self.weights[networks] if weight.grad is not None]
        values = {networks: total, **parts, f"gradient of {networks}": nn.utils.get_total_norm(gradients)}
        numbers = torch.stack([value.detach().float() for value in values.values()]).tolist()  # one wait for the GPU
        losses = dict(zip(values, numbers, strict=True))
        wrong = [name for name in reversed(losses) if not math.isfinite(losses[name])]
        if wrong:
            name = next((name for name in wrong if name in parts), wrong[0])
            raise TrainingError(
                f"step {step}: the {'' if name.startswith('gradient') else 'loss '}{name!r} is {losses[name]}; lower"
                f" learning_rate (now {self.parameters.learning_rate:g}) or use precision '32-true'; {self._kept()}"
            )
        optimiser.step()
        return losses

    def _review(self, step: int, validate: Callable[[Any], dict[str, float]] | None) -> None:
        """Draw previews and validate, with the averaged generators; keep the checkpoint if it is the best."""
        better = False
        if self.fabric.is_global_zero:
            self.model.eval()
            with self.average.in_place(), torch.no_grad():
                with self.fabric.autocast():
                    path = self.folder / f"previews/{step:07d}.png"
                    scores = preview(self.looked_at, path)
                self.watch.contents(step, scores)
                scores = {f"correlation {name}": value for name, value in scores.items()}
                if validate is not None:
                    scores |= validate(self.objective)
            self.model.train()
            self._log("scores", step, scores)
            if validate is not None:
                if "score" not in scores:
                    raise TrainingError(
                        f"validate returned {', '.join(scores)}; it must return a 'score', lower better"
                    )
                better = scores["score"] < (math.inf if self.score is None else self.score)
                self.score = scores["score"] if better else self.score
        if self.fabric.broadcast(better):
            self._save(step, self.best)

    def _save(self, step: int, path: Path) -> None:
        state = {name: value.cpu() for name, value in self.objective.state().items()}
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
            checkpoint.write(path, tensors, {"step": step, "best": self.score, "version": __version__, **self.made_of})
        self.fabric.barrier()

    def resume(self) -> int:
        """Restore the last checkpoint, if there is one, and return its step."""
        if not self.last.exists():
            return 0
        tensors, metadata = checkpoint.read(self.last)
        for kind, own in self.made_of.items():
            there = metadata[kind]
            for name in own.keys() | there.keys():
                if name not in _MAY_CHANGE and there.get(name) != own.get(name):
                    raise TrainingError(
                        f"{self.last}: is of a run with {name} = {there.get(name)}, not {own.get(name)}; choose another"
                        " folder or remove it"
                    )
        checkpoint.restore_model(self.model, checkpoint.unpack("model", tensors), self.last)
        self.average.restore(checkpoint.unpack("average", tensors))
        for name, optimiser in self.optimisers.items():
            checkpoint.restore_moments(optimiser, checkpoint.unpack(name, tensors))
        state = checkpoint.unpack(f"state {self.fabric.global_rank}", tensors)
        self.objective.load_state({name: value.to(self.fabric.device) for name, value in state.items()})
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
            f"training: {seconds:.2g} s a step on {self.fabric.world_size} x {self.fabric.device.type},"
            f" {self.parameters.precision}: about {hours} h {minutes} min for {left} steps"
        )

    def _kept(self) -> str:
        return f"the last good checkpoint is {self.last}" if self.last.exists() else "there is no checkpoint yet"


def _channels_last(model: nn.Module) -> None:
    """Lay out the kernels of convolutions as they are fastest in, on CPU and GPU."""
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weight in model.parameters():
        if weight.dim() in layouts:
            weight.data = weight.data.contiguous(memory_format=layouts[weight.dim()])
