"""`livesal bench networks`: time of a saliency network a frame and of a retraining step, beside the default's.

Networks are served as `livesal serve` serves them (ONNX Runtime, one thread), whatever their weights: they are timed
untrained, which takes as long.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch

from configs.method import RetrainingSettings
from models.engine import serve
from models.registry import saliency_entry, saliency_names
from models.saliency_model import SaliencyModel
from models.training.twin import KeyframeTensors, TwinStep, TwinTrainer
from pipeline.bench.options import BenchOptions
from pipeline.bench.report import BenchReport, Value, with_ratios
from pipeline.bench.timing import in_turns

BASELINE: Final = "livesal-colour"
_DEFAULT: Final = ("u2netp", "csnet_x2", "samnet")


def measure(options: BenchOptions) -> BenchReport:
    """Time a frame and an iteration of Eq. (8) of each network, networks in turns."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    wanted = saliency_names() if list(options.names) == ["all"] else options.names or _DEFAULT
    names = [BASELINE, *(name for name in wanted if name != BASELINE)]
    works: dict[str, Callable[[], object]] = {}
    parameters: dict[str, int] = {}
    for name in names:
        model = SaliencyModel(saliency_entry(name)).eval()
        parameters[name] = sum(parameter.numel() for parameter in model.parameters())
        works[f"{name} frame"], works[f"{name} step"] = _works(model, options.size)
    timed = in_turns(works, options.lasting(20), least=3)
    rows: list[dict[str, Value]] = [
        {
            "network": name,
            "parameters": parameters[name],
            "frame ms": timed[f"{name} frame"].own,
            "step ms": timed[f"{name} step"].own,
        }
        for name in names
    ]
    return BenchReport(
        verb="networks",
        about=f"{options.size[1]}x{options.size[0]}, one thread, its own time; ratios to {BASELINE}",
        rows=with_ratios(rows, "frame ms", "step ms"),
    )


def _works(model: SaliencyModel, size: tuple[int, int]) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return a frame through encoder and head, and an iteration of retraining."""
    served = serve(model, size)
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    keyframes = KeyframeTensors(torch.from_numpy(images.copy()), torch.zeros(2, *size))
    settings = RetrainingSettings(iterations_per_keyframe=1000)
    steps = _endless(TwinTrainer(model, keyframes, settings))
    return lambda: served.head(served.encode(images[0])), lambda: next(steps)


def _endless(trainer: TwinTrainer) -> Iterator[TwinStep]:
    while True:
        yield from trainer.run()
