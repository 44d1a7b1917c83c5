"""What this machine can do at most, and how near to it a piece of work comes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models.saliency_model import SaliencyModel

_SIDE: Final = 768
_BYTES: Final = 64 << 20
_REPEATS: Final = 7
_NEAR: Final = 0.5
"""Share of a limit from which it is what bounds a piece of work."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The limits of one core: 1e9 float32 multiply-adds a second of a matrix product, 1e9 bytes a second of a copy."""

    gmacs: float
    gbytes: float


@dataclass(frozen=True, slots=True)
class Work:
    """What a piece of work has to do: multiply-adds (None = unknown) and bytes read and written at the least."""

    macs: float | None
    bytes: float

    def __add__(self, other: "Work") -> "Work":
        """Return both one after the other."""
        macs = None if self.macs is None or other.macs is None else self.macs + other.macs
        return Work(macs, self.bytes + other.bytes)


def measure_peak() -> Peak:
    """Measure one core; torch must have one thread."""
    first, second = torch.rand(_SIDE, _SIDE), torch.rand(_SIDE, _SIDE)
    out = torch.empty(_SIDE, _SIDE)
    product = _fastest(lambda: torch.mm(first, second, out=out))
    source, target = np.ones(_BYTES, np.uint8), np.empty(_BYTES, np.uint8)
    copy = _fastest(lambda: np.copyto(target, source))
    return Peak(_SIDE**3 / product / 1e9, 2 * _BYTES / copy / 1e9)


def remark(work: Work, milliseconds: float, peak: Peak) -> str:
    """Say what bounds a piece of work that takes `milliseconds`."""
    seconds = max(milliseconds, 1e-6) / 1000
    memory = work.bytes / seconds / 1e9 / peak.gbytes
    if work.macs is None:
        bound = "memory" if memory >= _NEAR else "its own steps"
        return f"{bound}: {memory:.0%} of memory bandwidth"
    compute = work.macs / seconds / 1e9 / peak.gmacs
    bound = "arithmetic" if compute >= max(memory, _NEAR) else "memory" if memory >= _NEAR else "neither"
    return f"{bound}: {compute:.0%} of the arithmetic peak, {memory:.0%} of memory bandwidth"


def network_work(model: SaliencyModel, size: tuple[int, int]) -> tuple[Work, Work]:
    """Return what the encoder and the decoder of a network that splits have to do for one image of `size`."""
    works = {"encoder": [0.0, 0.0], "decoder": [0.0, 0.0]}

    def count(part: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
            weight = module.weight
            if isinstance(weight, Tensor):
                works[part][0] += made.numel() * weight[0].numel()
                works[part][1] += 4.0 * (given[0].numel() + made.numel() + weight.numel())

        return hook

    hooks = [
        module.register_forward_hook(count(name.partition(".")[0]))
        for name, module in model.network.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    try:
        with torch.no_grad():
            model(torch.zeros(1, 3, *size))
    finally:
        for hook in hooks:
            hook.remove()
    return Work(*works["encoder"]), Work(*works["decoder"])


def _fastest(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(_REPEATS):
        started = time.thread_time()
        work()
        taken.append(time.thread_time() - started)
    return min(taken)
