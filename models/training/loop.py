"""The training loop: seeded, resumable, logged; on a CPU, or on one GPU, in mixed precision where that pays."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from models.layout import channels_last
from models.training.ahead import made
from models.training.batches import Batch, Batches
from models.training.loss import deep_supervision
from models.training.plan import TrainingPlan
from models.training.samples import SampleSource


class SideOutputNetwork(Protocol):
    """What the loop trains: RGB in [0, 1] to logit maps, finest first."""

    def side_logits(self, rgb: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, h, w) in [0, 1] to logit maps."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """What the loop reports after each step: its number, its loss and seconds since the start."""

    step: int
    loss: float
    elapsed: float


Validate = Callable[[nn.Module], Mapping[str, float]]


class Trainer:
    """Trains one network; `run` is a generator so that a command can draw its progress."""

    def __init__(
        self,
        network: nn.Module,
        sources: Sequence[tuple[SampleSource, float]],
        plan: TrainingPlan,
        folder: Path,
        *,
        validate: Validate | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """Prepare; nothing is read or written yet.

        Args:
            network: a `SideOutputNetwork` module.
            sources: where samples come from, each with the share of the batches that it fills.
            plan: how to train.
            folder: where `log.jsonl`, `state.pt` (to resume) and `averaged.pt` go.
            validate: called with the averaged network; its figures go into the log.
            device: `cpu` or `cuda`.
        """
        self.device = torch.device(device)
        self.network = channels_last(network.to(self.device))
        self.batches = Batches(sources, plan)
        self.plan = plan
        self.folder = folder
        self.validate = validate
        self.averaged = {key: value.detach().clone() for key, value in network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(self._groups(), weight_decay=plan.weight_decay)
        self._half = plan.mixed_precision
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self._half and self.device.type == "cuda")
        self.step = 0

    def run(self) -> Iterator[Progress]:
        """Train until `plan.steps` (or `plan.seconds`), resuming from the folder's state if there is one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._resume()
        started = time.monotonic()
        for batch in made(self.batches.draw, range(self.step, self.plan.steps), self.plan.workers):
            elapsed = time.monotonic() - started
            if self.plan.seconds is not None and elapsed > self.plan.seconds:
                break
            loss = self._train_step(batch, elapsed)
            self.step += 1
            yield Progress(self.step, loss, time.monotonic() - started)
            if self.step % self.plan.validate_every == 0 or self.step == self.plan.steps:
                self._checkpoint(loss)
        self._checkpoint(None)

    def _groups(self) -> list[dict[str, Any]]:
        named = list(self.network.named_parameters())
        encoder = [p for name, p in named if name.startswith(self.plan.encoder_prefix)]
        rest = [p for name, p in named if not name.startswith(self.plan.encoder_prefix)]
        pairs = ((encoder, self.plan.encoder_rate), (rest, self.plan.rate))
        return [{"params": parameters, "peak": rate, "lr": rate} for parameters, rate in pairs if parameters]

    def _train_step(self, batch: Batch, elapsed: float) -> float:
        images, masks = self._on_device(batch)
        self._set_rate(elapsed)
        self.network.train()
        with torch.autocast(self.device.type, enabled=self._half):
            sides = cast("SideOutputNetwork", self.network).side_logits(images)
        loss = deep_supervision([side.float() for side in sides], masks, self.plan.outlines)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(loss))
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self._average()
        return float(loss.detach())

    def _on_device(self, batch: Batch) -> Batch:
        """Return a batch's images as (N, 3, h, w) float32 in [0, 1], channels last in memory, and its masks."""
        images, masks = batch
        return images.to(self.device).permute(0, 3, 1, 2).float().div(255), masks.to(self.device)

    def _set_rate(self, elapsed: float) -> None:
        """Follow the cosine by steps, or by time where the plan is bounded by time and that runs out first."""
        done = self.step / self.plan.steps
        if self.plan.seconds is not None:
            done = max(done, min(elapsed / self.plan.seconds, 1.0))
        factor = min(1.0, (self.step + 1) / self.plan.warmup) * 0.5 * (1 + math.cos(math.pi * done))
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor

    def _average(self) -> None:
        decay = min(self.plan.averaging, (1 + self.step) / (10 + self.step))
        own = self.network.state_dict()
        weights = [key for key, value in own.items() if value.is_floating_point()]
        approach = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch leaves it without types
        approach([self.averaged[key] for key in weights], [own[key] for key in weights], self.step)
        for key in own.keys() - weights:
            self.averaged[key].copy_(own[key])

    def _checkpoint(self, loss: float | None) -> None:
        record: dict[str, float] = {"step": self.step, "time": time.time()}
        if loss is not None:
            record["loss"] = loss
        if self.validate is not None and loss is not None:
            record |= self._validate(self.validate)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        _write(state, self.folder / "state.pt")
        _write(self.averaged, self.folder / "averaged.pt")

    def _validate(self, validate: Validate) -> Mapping[str, float]:
        """Score the averaged weights, then put the trained ones back."""
        trained = {key: value.clone() for key, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.averaged)
        self.network.eval()
        with torch.inference_mode():
            figures = validate(self.network)
        self.network.load_state_dict(trained)
        return figures

    def _resume(self) -> None:
        path = self.folder / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged = state["averaged"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.step = int(state["step"])


def _write(state: Mapping[str, Any], path: Path) -> None:
    """Write atomically, so that a killed training leaves the previous checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save(dict(state), partial)
    partial.replace(path)
